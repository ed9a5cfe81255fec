// attention in 16-bit integers against softmax(Q·Kᵀ / √D)·V in float64, within what its steps allow, and the same bits in every build.
import { describe, expect, it } from "vitest";
import type { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { attention } from "../reference/attention.ts";
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
/** Steps of q, k and weights at most; of v; of all weights of a row: as attention-i16.ts has them. */
const MOST_STEPS = 32767;
const VALUE_STEPS = 4095;
const ROW_STEPS = 500_000;

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
  const scratchBytes = kernels.exports.attentionI16ScratchBytes(keys, D);
  const scratch = kernels.allocate(scratchBytes + 64);
  const scores = withScores ? kernels.allocate((A * queries * keys + 1) * 4) : 0;
  kernels.bytes(scratch, scratchBytes + 64).fill(0x5b); // what was there before must not count
  if (withScores) kernels.floats(scores, A * queries * keys + 1).fill(GUARD);
  kernels.exports.attentionI16(q, q, k, v, stride * 4, scores, scratch, queries, keys, A, D);
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

/** Steps from 0 to the greatest value of q and k, as attention-i16.ts chooses them. */
const levelsOf = (D: number) => Math.min(MOST_STEPS, Math.floor(Math.sqrt(2147483000 / D)) - 1);

/** Steps of all weights of a row together, before they are rounded. The greatest e^x is 1, so that their sum is 1 / its softmax. */
const rowSteps = (probabilities: Float64Array) => Math.min(MOST_STEPS / Math.max(...probabilities), ROW_STEPS);

/** Rows whose step would be smaller count as 0. */
const LEAST_STEP = 2 ** -126;

/** How far scores may be off: half a step of each factor of a product, and the float roundings of score and shift. */
function scoreBound(q: Float32Array, k: Float32Array, D: number): number {
  const levels = levelsOf(D);
  const [mostQ, mostK] = [most(q), most(k)];
  const products = D * mostQ * mostK * (1 / levels + 1 / (4 * levels ** 2));
  const countAsZero = D * levels * LEAST_STEP * (mostQ + mostK);
  return (products + countAsZero + 8 * 2 ** -24 * D * mostQ * mostK) / Math.sqrt(D);
}

/**
 * Scores off by δ change each weight by e^±2δ; rounded to steps they are off by half a step each, and their sum, by which they are
 * divided, by as much in all; v is off by half a step of its own.
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
      const steps = rowSteps(row) * Math.exp(-2 * δ);
      const stepsBound = keys / (steps - keys / 2) + 0.5001 / VALUE_STEPS + 1e-6;
      const contextBound = (weightBound + stepsBound) * mostV + VALUE_STEPS * LEAST_STEP;
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
 * a step's: of weights, whose error meets every v; of v and of scores, whose errors are weighted as v is.
 */
function meanSquareError({ queries, keys, A, D }: Sizes, { q, k, v }: Operands): number {
  const { probabilities } = attention(q, k, v, queries, keys, A, D);
  const power = 2 ** 2 / 3;
  let sum = 0;
  for (let at = 0; at < probabilities.length; at += keys) {
    const row = probabilities.subarray(at, at + keys);
    const squares = row.reduce((total, p) => total + p * p, 0);
    sum += (power * keys) / (12 * rowSteps(row) ** 2);
    sum += squares * ((2 / VALUE_STEPS) ** 2 / 12 + (power * 0.9) / levelsOf(D) ** 2);
  }
  return sum / (probabilities.length / keys);
}

const CASES: Sizes[] = [
  { queries: 1, keys: 1, A: 1, D: 1 },
  ...Array.from({ length: 17 }, (_, i) => ({ queries: 3, keys: i + 1, A: 2, D: 5 })),
  ...Array.from({ length: 17 }, (_, i) => ({ queries: 5, keys: 9, A: 2, D: i + 1 })),
  // Tiles of 48 queries, and of 4 rows in them.
  ...[2, 3, 4, 5, 7, 8, 9, 47, 48, 49, 50, 51, 97].map((queries) => ({ queries, keys: 13, A: 1, D: 12 })),
  // Sums of e^x in blocks of 64.
  ...[31, 33, 63, 64, 65, 66, 127, 128, 129, 255, 256, 259, 512].map((keys) => ({ queries: 2, keys, A: 1, D: 8 })),
  { queries: 49, keys: 49, A: 2, D: 64 },
  { queries: 130, keys: 131, A: 1, D: 12 },
  { queries: 3, keys: 5, A: 1, D: 768 },
];

const variants = await dotVariants();
const reference = await createVariant(variants[0]!);

describe.each(variants)("attention-i16 [$name]", (variant) => {
  it.each(CASES)("$queries queries, $keys keys, $A heads of $D", async (sizes) => {
    const kernels = await createVariant(variant);
    const operands = operandsOf(sizes);
    const { q, k, v } = operands;
    const { queries, keys, A, D } = sizes;
    const result = attend(kernels, sizes, operands);
    expectWithin(sizes, operands, result);
    // That bound is for the worst case; 4 leaves room for small samples.
    const { context } = attention(q, k, v, queries, keys, A, D);
    const squares = context.reduce((sum, value, i) => sum + (result.context[i]! - value) ** 2, 0);
    expect(squares / context.length).toBeLessThan(4 * meanSquareError(sizes, operands));
    const same = attend(reference, sizes, operands);
    expectSameBits(result.context, same.context);
    expectSameBits(result.probabilities!, same.probabilities!);
    expectSameBits(attend(kernels, sizes, operands, false).context, same.context, "without probabilities");
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
      expect(nmse(result.context, attention(operands.q, operands.k, operands.v, 2, keys, 1, 3).context)).toBeLessThan(
        1e-8,
      );
    }
  });

  it("v all greatest for as many keys as q8 has positions: no sum leaves 32 bits", async () => {
    const kernels = await createVariant(variant);
    // Keys alike: 47,619 of them weigh 10.5 steps each, which round up to 11, the greatest sum of all.
    for (const [keys, spread] of [
      [47_619, 0],
      [48_000, 0],
      [48_000, 0.3],
    ] as const) {
      const operands = {
        q: Float32Array.of(1),
        k: randomFloats(keys, 4, spread),
        v: new Float32Array(keys).fill(-1),
      };
      const { context } = attend(kernels, { queries: 1, keys, A: 1, D: 1 }, operands);
      expect([...context], `${keys}`).toEqual([expect.closeTo(-1, 6)]);
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

  it("NaN and infinities: in q the row of the head, in k or v the head", async () => {
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
          const isHit = (i: number) => Math.floor(i / D) % A === 1 && (name !== "q" || Math.floor(i / (A * D)) === row);
          const expected = healthy.map((value, i) => (isHit(i) ? Number.NaN : value));
          expectSameBits(context, expected, `${bad} in ${name}`);
          expect(expected.filter(Number.isNaN).length).toBe(name === "q" ? D : queries * D);
        }
      }
    }
  });
});
