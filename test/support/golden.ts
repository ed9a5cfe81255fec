// Reads the golden models (../shared/golden/README.md): cases, inputs, expected outputs, and the tolerance.
import { readdirSync, readFileSync } from "node:fs";
import { Tensor } from "../../src/tensor.ts";
import { takeApart } from "./safetensors.ts";

export interface GoldenCall {
  name: string;
  inputs: Record<string, string>;
  outputs: Record<string, string>;
  outputs_sdpa?: Record<string, string>;
  float32_error: Record<string, number>;
  masked_positions?: number[];
  sums?: Record<string, number>;
}

export interface GoldenLoad {
  class: string;
  auto_class: string;
  folder: string;
  note?: string;
  missing_keys?: string[];
  unexpected_keys?: string[];
  calls: GoldenCall[];
}

export interface GoldenCase {
  name: string;
  folder: string;
  loads: GoldenLoad[];
  tensors: Map<string, Tensor>;
}

export function readGoldenCases(shared: string): GoldenCase[] {
  const root = `${shared}golden/models/`;
  return readdirSync(root).flatMap((name) => {
    const folder = `${root}${name}/`;
    const json = JSON.parse(readFileSync(`${folder}case.json`, "utf8")) as { loads?: GoldenLoad[] };
    if (!json.loads) return [];
    return [{ name, folder, loads: json.loads, tensors: readTensors(`${folder}golden.safetensors`) }];
  });
}

/** All tensors of a small trusted safetensors file. */
export function readTensors(path: string): Map<string, Tensor> {
  return tensorsOf(readFileSync(path));
}

/** The same of its bytes, which are all float32. */
export function readTensorsOf(bytes: Uint8Array): Map<string, { shape: readonly number[]; data: Float32Array }> {
  return new Map(
    [...tensorsOf(bytes)].map(([name, { dims, data }]) => [name, { shape: dims, data: data as Float32Array }]),
  );
}

function tensorsOf(file: Uint8Array): Map<string, Tensor> {
  return new Map(
    [...takeApart(file).tensors].map(
      ([
        name,
        {
          dtype,
          shape,
          bytes: { buffer },
        },
      ]) => {
        if (dtype === "I32") return [name, new Tensor("int32", new Int32Array(buffer), shape)];
        if (dtype === "F64") return [name, new Tensor("float64", new Float64Array(buffer), shape)];
        return [name, new Tensor("float32", new Float32Array(buffer), shape)];
      },
    ),
  );
}

/** The tolerance of golden/README.md. */
export function tolerance(expected: number, float32Error: number, extra = 0): number {
  return 2e-5 * Math.max(1, Math.abs(expected)) + 8 * float32Error + extra;
}

/**
 * How far `actual` is from `expected`, in tolerances: at most 1 is right. NaN where either is NaN.
 * @param use which values to compare; default all
 */
export function worstRatio(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  float32Error: number,
  use: (i: number) => boolean = () => true,
  extra = 0,
): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!use(i)) continue;
    const ratio = Math.abs(actual[i]! - expected[i]!) / tolerance(expected[i]!, float32Error, extra);
    if (!(ratio <= worst)) worst = ratio;
    if (Number.isNaN(worst)) return worst;
  }
  return worst;
}
