// Reads the golden models (../shared/golden/README.md): cases, inputs, expected outputs, and the tolerance.
import { readdirSync, readFileSync } from "node:fs";
import { Tensor } from "../../src/tensor.ts";

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
  return readTensorsIn(readFileSync(path));
}

/** The same of its bytes, which are all float32. */
export function readTensorsOf(bytes: Uint8Array): Map<string, { shape: readonly number[]; data: Float32Array }> {
  const tensors = readTensorsIn(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  return new Map([...tensors].map(([name, { dims, data }]) => [name, { shape: dims, data: data as Float32Array }]));
}

function readTensorsIn(bytes: Buffer): Map<string, Tensor> {
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const data = Uint8Array.from(
      bytes.subarray(8 + headerBytes + data_offsets[0], 8 + headerBytes + data_offsets[1]),
    ).buffer;
    tensors.set(
      name,
      dtype === "I32"
        ? new Tensor("int32", new Int32Array(data), shape)
        : dtype === "F64"
          ? new Tensor("float64", new Float64Array(data), shape)
          : new Tensor("float32", new Float32Array(data), shape),
    );
  }
  return tensors;
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
