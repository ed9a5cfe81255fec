// Attention in 8-bit integers in the float32 steps that assembly/attention-i8.ts rounds in. No tolerance: the kernels must give just these
// bits.
import { quantizeRow, roundHalfEven } from "./quantize.ts";

const { fround } = Math;
const LN2 = fround(Math.LN2);
/** Added to a float it leaves it rounded to a whole number. */
const ROUNDER = 12582912;
/** The scale below which all counts as 0: the least normal float. */
const LEAST_SCALE = 2 ** -126;
/** Where a step of q could move a score by more, the row is multiplied in floats. */
const MOST_STEP = 0.5;
/** 2^r, |r| ≤ 1/2, from the highest power. */
const POWER = [0.05517167, 0.24261112, 0.69326099, 0.99992807].map(fround);
const LOG2_OF_MOST = fround(7.98868469);

/** Finite values, `scale` apart, as -127 … 127. */
function round(x: readonly number[], scale: number): number[] {
  const inverse = scale < LEAST_SCALE ? 0 : fround(1 / scale);
  return x.map((value) => Math.min(Math.max(roundHalfEven(fround(value * inverse)), -127), 127));
}

function quantizeKey(key: Float32Array): { q: number[]; scale: number } {
  const x = [...key];
  const scale = fround(Math.max(...x.map(Math.abs)) / 127);
  return { q: round(x, scale), scale };
}

/** A column of V less the middle of its range. */
function quantizeColumn(v: readonly number[]): { q: number[]; scale: number; center: number } {
  const [low, high] = [fround(v.reduce((a, b) => Math.min(a, b)) / 2), fround(v.reduce((a, b) => Math.max(a, b)) / 2)];
  const center = fround(high + low);
  const scale = fround(fround(high - low) / 127);
  const x = v.map((value) => fround(value - center));
  return { q: round(x, scale), scale, center };
}

/** Σ a·b in four lanes, (0 + 2) + (1 + 3) in the end. */
function dot(a: Float32Array, b: Float32Array): number {
  const lanes = [0, 0, 0, 0] as [number, number, number, number];
  for (const [d, value] of a.entries()) lanes[d % 4] = fround(lanes[d % 4]! + fround(value * b[d]!));
  return fround(fround(lanes[0] + lanes[2]) + fround(lanes[1] + lanes[3]));
}

/** 2^x */
function powerOfTwo(x: number): number {
  const y = Math.max(x, -126);
  const n = fround(fround(y + ROUNDER) - ROUNDER);
  const r = fround(y - n);
  return POWER.reduce((p, coefficient) => fround(fround(p * r) + coefficient)) * 2 ** n;
}

/** Whole weights of a row of scores, and 1 / their sum. */
export function weigh(scores: readonly number[]): { weights: number[]; inverseTotal: number } {
  const shift = fround(Math.max(...scores) - LOG2_OF_MOST);
  // What has been given to every eighth key, exactly and in whole steps.
  const sums = Array<number>(8).fill(0);
  const given = Array<number>(8).fill(0);
  const weights = scores.map((score, key) => {
    sums[key % 8] = fround(sums[key % 8]! + fround(powerOfTwo(fround(score - shift))));
    const rounded = fround(fround(sums[key % 8]! + ROUNDER) - ROUNDER);
    const weight = rounded - given[key % 8]!;
    given[key % 8] = rounded;
    return weight;
  });
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => fround(given[i]! + given[i + 4]!)) as [number, number, number, number];
  return { weights, inverseTotal: fround(1 / fround(fround(a + c) + fround(b + d))) };
}

/**
 * @param q f32 [queries][A·D]
 * @param k f32 [keys][A·D]
 * @param v f32 [keys][A·D]; all finite
 * @returns f32 [queries][A·D]
 */
export function attentionI8(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  queries: number,
  keys: number,
  A: number,
  D: number,
): Float32Array {
  const H = A * D;
  const context = new Float32Array(queries * H);
  const factor = fround(1 / fround(LN2 * fround(Math.sqrt(D))));
  for (let head = 0; head < A; head++) {
    const rowOf = (x: Float32Array, row: number) => x.subarray(row * H + head * D, row * H + (head + 1) * D);
    const columnOf = (x: Float32Array, d: number) => Array.from({ length: keys }, (_, key) => rowOf(x, key)[d]!);
    const keyRows = Array.from({ length: keys }, (_, key) => quantizeKey(rowOf(k, key)));
    const columns = Array.from({ length: D }, (_, d) => quantizeColumn(columnOf(v, d)));
    const greatestKey = fround(127 * Math.max(...keyRows.map(({ scale }) => fround(scale * factor))));
    for (let query = 0; query < queries; query++) {
      const row = quantizeRow(rowOf(q, query));
      const isCoarse = fround(row.scale * greatestKey) > MOST_STEP;
      const scores = keyRows.map(({ q: key, scale }, n) => {
        if (isCoarse) return fround(dot(rowOf(q, query), rowOf(k, n)) * factor);
        const sum = key.reduce((total, value, d) => total + (row.q[d]! - row.zero) * value, 0);
        return fround(fround(fround(sum) * fround(scale * factor)) * row.scale);
      });
      const { weights, inverseTotal } = weigh(scores);
      for (const [d, { q: column, scale, center }] of columns.entries()) {
        const sum = column.reduce((total, value, key) => total + weights[key]! * value, 0);
        context[query * H + head * D + d] = fround(fround(fround(fround(sum) * inverseTotal) * scale) + center);
      }
    }
  }
  return context;
}
