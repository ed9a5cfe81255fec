// Small numeric helpers, the public ones under transformers.js's names.
import { RobertalbertError, show } from "../errors.ts";
import { Tensor } from "../tensor.ts";

type Vector = ArrayLike<number>;

/**
 * exp(xᵢ) / Σ exp(xⱼ), without overflow. A typed array gives one of its kind.
 * Source: transformers.js utils/maths.
 * @throws INPUT_INVALID for what is no list of numbers
 */
export function softmax(values: Float32Array): Float32Array;
export function softmax(values: Float64Array): Float64Array;
export function softmax(values: readonly number[]): number[];
export function softmax(
  values: Float32Array | Float64Array | readonly number[],
): Float32Array | Float64Array | number[];
export function softmax(values: Float32Array | Float64Array | readonly number[]): ArrayLike<number> {
  expectVector(values);
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]!);
  const exps = Array.from(values, (v) => Math.exp(v - most));
  const sum = exps.reduce((a, b) => a + b, 0);
  const result = exps.map((v) => v / sum);
  const kind = Object.prototype.toString.call(values);
  if (kind === "[object Float32Array]") return Float32Array.from(result);
  return kind === "[object Float64Array]" ? Float64Array.from(result) : result;
}

export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

/** Σ aᵢ·bᵢ. @throws INPUT_INVALID for what are no vectors, or of unequal lengths */
export function dot(a: Vector, b: Vector): number {
  expectSameLength(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** √Σ aᵢ² */
export function magnitude(a: Vector): number {
  return Math.sqrt(dot(a, a));
}

/** Cosine of the angle between two vectors, -1 … 1; 0 where one of them is 0. @throws INPUT_INVALID for what are no vectors, or of unequal lengths */
export function cos_sim(a: Vector, b: Vector): number {
  const lengths = magnitude(a) * magnitude(b);
  return lengths === 0 ? dot(a, b) : dot(a, b) / lengths;
}

/**
 * The mean of the visible tokens' hidden states.
 * @param last_hidden_state [B, T, H]
 * @param attention_mask [B, T], 1 where visible
 * @returns [B, H]; a text without any visible token gives 0
 * @throws INPUT_INVALID when the dims do not fit together
 */
export function mean_pooling(last_hidden_state: Tensor, attention_mask: Tensor): Tensor {
  const [dims, maskDims] = [last_hidden_state, attention_mask].map((tensor) => tensor?.dims ?? []);
  const [B, T, H] = dims as [number, number, number];
  if (dims!.length !== 3 || maskDims!.join() !== [B, T].join()) {
    throw new RobertalbertError(
      "INPUT_INVALID",
      `mean_pooling: dims are [${dims}] and [${maskDims}], expected Tensors [B, T, H] and [B, T]`,
    );
  }
  const values = last_hidden_state.data as Float32Array;
  const out = new Float32Array(B * H);
  for (let b = 0; b < B; b++) {
    const visible: number[] = [];
    for (let t = 0; t < T; t++) if (Number(attention_mask.data[b * T + t]) === 1) visible.push(b * T + t);
    meanOfRows(values, visible, H, out.subarray(b * H, (b + 1) * H));
  }
  return new Tensor("float32", out, [B, H]);
}

/** Writes the mean of some rows [H] of `values`; 0 for no rows. Sums in 64 bits. */
export function meanOfRows(values: Float32Array, rows: readonly number[], H: number, out: Float32Array): void {
  const sums = new Float64Array(H);
  for (const row of rows) for (let i = 0; i < H; i++) sums[i]! += values[row * H + i]!;
  for (let i = 0; i < H; i++) out[i] = rows.length === 0 ? 0 : sums[i]! / rows.length;
}

/** Scales a vector to length 1, in place; one of length 0 stays. */
export function normalize(vector: Float32Array): Float32Array {
  const length = magnitude(vector);
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i]! /= length;
  return vector;
}

function expectVector(values: Vector): void {
  if (typeof values !== "object" || values === null || typeof values.length !== "number")
    throw new RobertalbertError("INPUT_INVALID", `a vector is ${show(values)}, expected an array of numbers`);
}

function expectSameLength(a: Vector, b: Vector): void {
  expectVector(a);
  expectVector(b);
  if (a.length === b.length) return;
  throw new RobertalbertError("INPUT_INVALID", `the vectors have ${a.length} and ${b.length} values, expected as many`);
}
