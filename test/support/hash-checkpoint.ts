// Full-size weights from a formula (../shared/oracle/hash_weights.mjs), as the bytes of a safetensors file.
import { readFileSync } from "node:fs";
import { tensorOf } from "../../src/weights/write-safetensors.ts";
import type { GoldenLoad } from "./golden.ts";
import { safetensorsFile } from "./safetensors.ts";

/** case.json of a real-* folder. */
export interface FullSizeCase {
  name: string;
  seed_text: string;
  tensors: HashTensor[];
  loads: GoldenLoad[];
}

/** Values base + scale · u, u in [-1, 1) from a hash of the seed text, the name and the index. */
export interface HashFormula {
  name: string;
  shape: readonly number[];
  base: number;
  scale: number;
}

/** A tensor of a case.json, with what its values must be. */
export interface HashTensor extends HashFormula {
  first: number[];
  xor_of_bits: number;
  sum_of_bits: number;
}

/** The file of all tensors. @throws when a tensor is not what the case says: then the formula is wrong, not the model */
export function hashCheckpoint(seedText: string, tensors: readonly HashTensor[]): Promise<Uint8Array<ArrayBuffer>> {
  return safetensorsFile(
    tensors.map((tensor) => {
      const values = hashValues(seedText, tensor);
      verify(values, tensor);
      return tensorOf(tensor.name, "F32", tensor.shape, values);
    }),
  );
}

/** What from_pretrained takes, of a real-* folder. */
export async function fullSizeFiles(
  folder: string,
  { seed_text, tensors }: FullSizeCase,
): Promise<Record<string, Uint8Array>> {
  return {
    "config.json": new Uint8Array(readFileSync(`${folder}/config.json`)),
    "model.safetensors": await hashCheckpoint(seed_text, tensors),
  };
}

/** The values of one tensor. */
export function hashValues(seedText: string, tensor: HashFormula): Float32Array<ArrayBuffer> {
  const values = new Float32Array(tensor.shape.reduce((a, b) => a * b, 1));
  const seed = fnv1a32(`${seedText}:${tensor.name}`);
  const [base, scale] = [Math.fround(tensor.base), Math.fround(tensor.scale)];
  for (let i = 0; i < values.length; i++) {
    const u = ((fmix32(fmix32(i + 1) ^ seed) >>> 8) - 2 ** 23) / 2 ** 23;
    values[i] = base + Math.fround(u * scale);
  }
  return values;
}

function verify(values: Float32Array, tensor: HashTensor): void {
  let [xor, sum] = [0, 0];
  for (const bits of new Uint32Array(values.buffer, values.byteOffset, values.length)) {
    xor = (xor ^ bits) >>> 0;
    sum = (sum + bits) >>> 0;
  }
  if (xor !== tensor.xor_of_bits || sum !== tensor.sum_of_bits)
    throw new Error(`${tensor.name}: the weights made here are not those that the golden values belong to`);
}

function fmix32(x: number): number {
  let h = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function fnv1a32(text: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}
