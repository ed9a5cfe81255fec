// attention in 8-bit integers: the bits of its twin in every build and form; and softmax(Q·Kᵀ / √D)·V in float64 within what its steps allow.
import { describe, expect, it } from "vitest";
import type { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { MOST_Q8_INPUTS } from "../../src/weights/panels.ts";
import { attention } from "../reference/attention.ts";
import { attentionI8 } from "../reference/attention-i8.ts";
import { nmse } from "../support/distance.ts";
import { createVariant, dotVariants } from "../support/dot-forms.ts";
import { expectSameBits } from "../support/errors.ts";
import { randomFloats } from "../support/random.ts";

interface Sizes {
  queries: number;
  keys: number;
  A: number;
  D: number;
}

interface Operands {
  q: Float32Array;
  k: Float32Array;
  v: Float32Array;
}

interface Result {
  context: Float32Array;
  probabilities: Float32Array | undefined;
}

const GUARD = 12345.5;
/** Steps of the greatest weight of a row. */
const WEIGHT_STEPS = 254;
/** What is below 127 or 255 such steps counts as 0. */
const LEAST_STEP = 2 ** -126;

/** Rows lie apart as in a layer, where q, k and v alternate; the context takes the place of q. */
function attend(
  kernels: KernelInstance,
  { queries, keys, A, D }: Sizes,
  operands: Operands,
  withScores = true,
): Result {
  const mark = kernels.mark;
  const H = A * D;
  const stride = H + 5;
  const put = (values: Float32Array, rows: number) => {
    const at = kernels.allocate(rows * stride * 4);
    kernels.floats(at, rows * stride).fill(GUARD);
    for (let row = 0; row < rows; row++)
      kernels.floats(at + row * stride * 4, H).set(values.subarray(row * H, (row + 1) * H));
    return at;
  };
  const [q, k, v] = [put(operands.q, queries), put(operands.k, keys), put(operands.v, keys)];
  const scratchBytes = kernels.exports.attentionI8ScratchBytes(keys, D);
  const scratch = kernels.allocate(scratchBytes + 64);
  const scores = withScores ? kernels.allocate((A * queries * keys + 1) * 4) : 0;
  kernels.bytes(scratch, scratchBytes + 64).fill(0x5b); // what was there before must not count
  if (withScores) kernels.floats(scores, A * queries * keys + 1).fill(GUARD);
  kernels.exports.attentionI8(q, q, k, v, stride * 4, scores, scratch, queries, keys, A, D);
  const rows = kernels.floats(q, queries * stride);
  const context = new Float32Array(queries * H);
  for (let row = 0; row < queries; row++) {
    context.set(rows.subarray(row * stride, row * stride + H), row * H);
    expect([...rows.subarray(row * stride + H, (row + 1) * stride)]).toEqual(Array(5).fill(GUARD));
  }
  expect([...kernels.bytes(scratch + scratchBytes, 64)]).toEqual(Array(64).fill(0x5b));
  if (withScores) expect(kernels.floats(scores, A * queries * keys + 1).at(-1)).toBe(GUARD);
  const probabilities = withScores ? kernels.floats(scores, A * queries * keys).slice() : undefined;
  kernels.release(mark);
  return { context, probabilities };
}

const operandsOf = ({ queries, keys, A, D }: Sizes, scale = 2): Operands => ({
  q: randomFloats(queries * A * D, 1, scale),
  k: randomFloats(keys * A * D, 2, scale),
  v: randomFloats(keys * A * D, 3, scale),
});

const most = (values: Float32Array) => values.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);

/** The part [rows][D] of one head. */
function headOf(values: Float32Array, rows: number, A: number, D: number, head: number): Float32Array {
  return Float32Array.from({ length: rows * D }, (_, i) => values[(Math.floor(i / D) * A + head) * D + (i % D)]!);
}

/** Steps of all weights of a row together, before they are rounded. The greatest e^x is 1, so that their sum is 1 / its softmax. */
const rowSteps = (probabilities: Float64Array) => WEIGHT_STEPS / Math.max(...probabilities);

/** How far scores may be off: a step of q, whose zero is rounded too, half a step of k, and the float roundings of score and shift. */
function scoreBound(q: Float32Array, k: Float32Array, D: number): number {
  const [mostQ, mostK] = [most(q), most(k)];
  const products = D * mostQ * mostK * (2 / 255 + 1 / 254 + 1 / 255 / 127);
  const countAsZero = D * 255 * LEAST_STEP * (mostQ + mostK);
  return (products + countAsZero + 8 * 2 ** -24 * D * mostQ * mostK) / Math.sqrt(D);
}

/**
 * Scores off by δ change each weight by e^±2δ, 2^x as it is computed by 1.5e-4; rounded to steps they are off by a step each, their sum
 * by half a step for each of eight sums; v is off by half a step of its own.
 */
function expectWithin(sizes: Sizes, operands: Operands, { context, probabilities }: Result): void {
  const { queries, keys, A, D } = sizes;
  const { q, k, v } = operands;
  const expected = attention(q, k, v, queries, keys, A, D);
  for (let head = 0; head < A; head++) {
    const δ = scoreBound(headOf(q, queries, A, D, head), headOf(k, keys, A, D, head), D);
    const mostV = most(headOf(v, keys, A, D, head));
    const weightBound = Math.expm1(2 * δ) + 2e-6;
    for (let query = 0; query < queries; query++) {
      const row = expected.probabilities.subarray((head * queries + query) * keys).subarray(0, keys);
      const steps = rowSteps(row) * Math.exp(-2 * δ) - 4;
      const contextBound = (weightBound + 2e-4 + (keys + 4) / steps + 0.501 / 127) * mostV + 127 * LEAST_STEP;
      for (let d = 0; d < D; d++) {
        const i = (query * A + head) * D + d;
        const error = Math.abs(context[i]! - expected.context[i]!);
        if (!(error <= contextBound)) expect.fail(`context ${i} is off by ${error}, at most ${contextBound} may be`);
      }
      for (let key = 0; probabilities && key < keys; key++) {
        const i = (head * queries + query) * keys + key;
        const p = expected.probabilities[i]!;
        const error = Math.abs(probabilities[i]! - p);
        if (!(error <= p * weightBound + 1e-37)) expect.fail(`weight ${i} is off by ${error}, expected ${p}`);
      }
    }
  }
}

/**
 * The mean square error to expect of operands in ±2, where steps fall anywhere, so that rounding errors have a mean square of 1/12 of
 * a step's: two of them for a weight, whose error meets every v; of v and of scores, whose errors are weighted as v is.
 */
function meanSquareError({ queries, keys, A, D }: Sizes, { q, k, v }: Operands): number {
  const { probabilities } = attention(q, k, v, queries, keys, A, D);
  const power = 2 ** 2 / 3;
  const [stepQ, step] = [4 / 255, 2 / 127];
  let sum = 0;
  for (let at = 0; at < probabilities.length; at += keys) {
    const row = probabilities.subarray(at, at + keys);
    const squares = row.reduce((total, p) => total + p * p, 0);
    sum += (2 * power * keys) / (12 * rowSteps(row) ** 2);
    sum += (squares * (step ** 2 + power ** 2 * (stepQ ** 2 + step ** 2))) / 12;
  }
  return sum / (probabilities.length / keys);
}

const CASES: Sizes[] = [
  { queries: 1, keys: 1, A: 1, D: 1 },
  ...Array.from({ length: 17 }, (_, i) => ({ queries: 3, keys: i + 1, A: 2, D: 5 })),
  ...Array.from({ length: 17 }, (_, i) => ({ queries: 5, keys: 9, A: 2, D: i + 1 })),
  // Tiles of 48 queries, and of 4 rows in them.
  ...[2, 3, 4, 5, 7, 8, 9, 47, 48, 49, 50, 51, 97].map((queries) => ({ queries, keys: 13, A: 1, D: 12 })),
  // Eight sums of weights, and keys in fours.
  ...[31, 33, 63, 64, 65, 66, 127, 128, 129, 255, 256, 259, 512].map((keys) => ({ queries: 2, keys, A: 1, D: 8 })),
  { queries: 49, keys: 49, A: 2, D: 64 },
  { queries: 130, keys: 131, A: 1, D: 12 },
  { queries: 3, keys: 5, A: 1, D: 768 },
];

const variants = await dotVariants();
const reference = await createVariant(variants[0]!);

describe.each(variants)("attention-i8 [$name]", (variant) => {
  it.each(CASES)("$queries queries, $keys keys, $A heads of $D", async (sizes) => {
    const kernels = await createVariant(variant);
    const operands = operandsOf(sizes);
    const { q, k, v } = operands;
    const { queries, keys, A, D } = sizes;
    const result = attend(kernels, sizes, operands);
    expectSameBits(result.context, attentionI8(q, k, v, queries, keys, A, D));
    expectWithin(sizes, operands, result);
    // That bound is for the worst case; 4 leaves room for small samples.
    const { context } = attention(q, k, v, queries, keys, A, D);
    const squares = context.reduce((sum, value, i) => sum + (result.context[i]! - value) ** 2, 0);
    expect(squares / context.length).toBeLessThan(4 * meanSquareError(sizes, operands));
    expectSameBits(result.probabilities!, attend(reference, sizes, operands).probabilities!);
    expectSameBits(attend(kernels, sizes, operands, false).context, result.context, "without probabilities");
  });

  it.each([1, 3, 8, 13, 64])("rows of large scores in floats, among others, heads of %d", async (D) => {
    const kernels = await createVariant(variant);
    const sizes = { queries: 53, keys: 21, A: 2, D };
    const operands = operandsOf(sizes);
    const H = 2 * D;
    // Of every five rows one is large in its first head, and the keys are so alike that bytes could not tell their scores apart.
    const isLarge = (i: number) => Math.floor(i / H) % 5 === 1 && i % H < D;
    const enlarge = (value: number) => Math.sign(value) * (200 + 50 * Math.abs(value));
    operands.k = operands.k.map((value, i) => operands.k[i % H]! + value / 200);
    const plain = attend(kernels, sizes, operands).context;
    operands.q = operands.q.map((value, i) => (isLarge(i) ? enlarge(value) : value));
    const { q, k, v } = operands;
    const { context, probabilities } = attend(kernels, sizes, operands);
    expectSameBits(context, attentionI8(q, k, v, sizes.queries, sizes.keys, 2, D));
    const exact = attention(q, k, v, sizes.queries, sizes.keys, 2, D);
    for (let query = 1; query < sizes.queries; query += 5) {
      for (let i = query * sizes.keys; i < (query + 1) * sizes.keys; i++) {
        expect(Math.abs(probabilities![i]! - exact.probabilities[i]!), `weight ${i}`).toBeLessThan(2e-3);
      }
    }
    // What the others give does not depend on them.
    const others = (values: Float32Array) => values.filter((_, i) => !isLarge(i));
    expectSameBits(others(context), others(plain));
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const place of [7 * H, 7 * H + D - 1]) {
        const hit = attend(kernels, sizes, { q, k: k.map((value, i) => (i === place ? bad : value)), v }).context;
        expectSameBits(
          hit,
          context.map((value, i) => (i % H < D ? Number.NaN : value)),
          `${bad} in k`,
        );
      }
    }
  });

  it("extremes: every value ± the greatest, sums as near to 32 bits as they come", async () => {
    const kernels = await createVariant(variant);
    for (const D of [1, 2, 3, 8, 64, 65, 128, 768, 1024, 4096]) {
      const sizes = { queries: 4, keys: 6, A: 1, D };
      const line = (length: number, sign: (i: number) => number, size: number) =>
        Float32Array.from({ length }, (_, i) => sign(i) * size);
      // All products of one sign, and of both: a sum that wrapped around would put the greatest score last.
      for (const sign of [() => 1, () => -1, (i: number) => (i % 2 ? 1 : -1)]) {
        const operands = {
          q: line(4 * D, sign, 2 / Math.sqrt(D)),
          k: line(6 * D, (i) => sign(i) * (Math.floor(i / D) % 2 ? 1 : -1), 2),
          v: line(6 * D, (i) => (Math.floor(i / D) % 2 ? 1 : -1), 3),
        };
        const result = attend(kernels, sizes, operands);
        expectWithin(sizes, operands, result);
        expectSameBits(result.context, attend(reference, sizes, operands).context);
      }
    }
  });

  it("keys that are all alike: the mean of v", async () => {
    const kernels = await createVariant(variant);
    for (const keys of [1, 7, 64, 500, 5000]) {
      const sizes = { queries: 2, keys, A: 1, D: 3 };
      const operands = {
        q: randomFloats(6, 1),
        k: new Float32Array(keys * 3).fill(0.5),
        v: randomFloats(keys * 3, 2).map((value) => value + 2),
      };
      const result = attend(kernels, sizes, operands);
      expectWithin(sizes, operands, result);
      // v's own steps are 2 / 254.
      const exact = attention(operands.q, operands.k, operands.v, 2, keys, 1, 3).context;
      expect(nmse(result.context, exact)).toBeLessThan(5e-6);
    }
  });

  it("v all greatest for as many keys as q8 has positions: no sum leaves 32 bits", async () => {
    const kernels = await createVariant(variant);
    for (const spread of [0, 0.3]) {
      const keys = MOST_Q8_INPUTS;
      const operands = {
        q: Float32Array.of(1),
        k: randomFloats(keys, 4, spread),
        v: new Float32Array(keys).fill(-1),
      };
      const { context } = attend(kernels, { queries: 1, keys, A: 1, D: 1 }, operands);
      expect([...context]).toEqual([expect.closeTo(-1, 6)]);
    }
  });

  it("many weights of less than half a step keep their sum", async () => {
    const kernels = await createVariant(variant);
    for (const keys of [9, 100, 511, 2000]) {
      const isFirst = (i: number) => i === 0;
      const operands = {
        q: Float32Array.of(1),
        k: Float32Array.from({ length: keys }, (_, i) => (isFirst(i) ? 6.5 : 0)),
        v: Float32Array.from({ length: keys }, (_, i) => (isFirst(i) ? 0 : 1)),
      };
      const { context } = attend(kernels, { queries: 1, keys, A: 1, D: 1 }, operands);
      const sum = (keys - 1) * Math.exp(-6.5);
      const bound = 4 / WEIGHT_STEPS / (1 + sum) + 0.002;
      expect(Math.abs(context[0]! - sum / (1 + sum)), `${keys}`).toBeLessThan(bound);
    }
  });

  it("q, k or v huge, tiny or 0", async () => {
    const kernels = await createVariant(variant);
    const sizes = { queries: 3, keys: 11, A: 2, D: 6 };
    const times = (values: Float32Array, factor: number) => values.map((value) => value * factor);
    const { q, k, v } = operandsOf(sizes);
    for (const size of [0, 1e-45, 1e-40, 1e-37, 1e-20, 1e20]) {
      for (const operands of [
        { q: times(q, size), k: times(k, Math.min(1 / size, 1)), v },
        { q: times(q, Math.min(1 / size, 1)), k: times(k, size), v },
        { q, k, v: times(v, size) },
        { q, k, v: times(v, 1 / Math.max(size, 1e-38)) },
      ]) {
        const result = attend(kernels, sizes, operands);
        expectWithin(sizes, operands, { ...result, probabilities: size < 1e20 ? result.probabilities : undefined });
        expectSameBits(result.context, attend(reference, sizes, operands).context, `${size}`);
      }
    }
    // Scores that no float holds are NaN as in fp32, never a number.
    const beyond = attend(kernels, sizes, { q: times(q, 1e37), k: times(k, 1e37), v });
    expect(beyond.context.every(Number.isNaN)).toBe(true);
  });

  it("NaN and infinities: in q the row of the head, in k the head, in v a column of it", async () => {
    const kernels = await createVariant(variant);
    const sizes = { queries: 50, keys: 10, A: 3, D: 5 };
    const { queries, A, D } = sizes;
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const name of ["q", "k", "v"] as const) {
        for (const place of [A * D * 7 + D + 2, A * D * 9 + 2 * D - 1]) {
          const operands = operandsOf(sizes); // head 1 of rows 7 and 9
          const healthy = attend(kernels, sizes, operands).context;
          operands[name][place] = bad;
          const { context } = attend(kernels, sizes, operands);
          const row = Math.floor(place / (A * D));
          const isHit = (i: number) =>
            Math.floor(i / D) % A === 1 &&
            (name !== "q" || Math.floor(i / (A * D)) === row) &&
            (name !== "v" || i % D === place % D);
          const expected = healthy.map((value, i) => (isHit(i) ? Number.NaN : value));
          expectSameBits(context, expected, `${bad} in ${name}`);
          expect(expected.filter(Number.isNaN).length).toBe({ q: D, k: queries * D, v: queries }[name]);
        }
      }
    }
  });
});
