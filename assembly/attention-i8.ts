// Multi-head attention of one text in 8-bit integers, for q8: context = softmax(Q·Kᵀ / √D)·V for each head, by the products of the int8
// matmul (matmul-i8.ts), so that every engine gives the same bits.
//
//   context, q, k, v, strideBytes, scores, queries, keys, A, D   as attention.ts has them
//   scratch  attentionI8ScratchBytes(keys, D) bytes; must not overlap the others
//
// Of each head Q is quantised row by row (quantize.ts), K and V as in pack-kv-i8.ts. Scores are made in powers of two; those of a row where
// one step of q could move one by more than half a power are made of floats instead, slowly (scores in the hundreds, say). The weights of a
// row, 2^score, are rounded to steps of 1/254 of the greatest; what rounding takes from one is given to the eighth key after it, so that
// many small ones keep their sum. They are divided by the sum of the rounded ones.
//
// A NaN or an infinity in q makes its row NaN, one in k the whole head, one in v its column. 4·A·queries·keys·D operations and a
// softmax over A·queries·keys.
import { constant, line } from "./exp";
import { sumPanel } from "./matmul-i8";
import { GROUP_STEP_BYTES, groupOffset } from "./matmul-i16";
import { roundUp4, roundUp8, roundUp16 } from "./pack";
import { panelI8Bytes, sumColumnsI8 } from "./pack-i8";
import { loadFour, packKeys, packValues } from "./pack-kv-i8";
import { form, PAIRS, quantizeRows, rowsSideBySide, SIGNED, signFlip, storeSixteenBytes, tileAt } from "./quantize";
import { maxLanes, roundedMultiplyAdd, storeLanes, sumLanes } from "./simd";
import { softmax } from "./softmax";

const QUERY_TILE: i32 = 48;
/** By how much, in powers of two, a step of q may move a score: a row with coarser steps is multiplied in floats. */
const MOST_STEP: f32 = 0.5;
/** 2^x = e^(x·ln 2). */
const LN2: f32 = 0.6931471805599453;

/** Of one tile of queries: as quantize.ts has them; and 1 / the sum of a row's weights. */
const rowScales: usize = memory.data(QUERY_TILE * 4, 16);
const rowZeros: usize = memory.data(QUERY_TILE * 4, 16);
const inverseTotals: usize = memory.data(QUERY_TILE * 4, 16);
/** i32 [QUERY_TILE][8] */
const panelSums: usize = memory.data(QUERY_TILE * 32, 16);

/**
 * Bytes of scratch: K and V packed with scales and sums, and centers of V; a tile of queries, of scores and of weights. As f64: must not wrap
 * around.
 */
export function attentionI8ScratchBytes(keys: i32, D: i32): f64 {
  const width = <f64>roundUp16(keys);
  const depth = <f64>roundUp8(D);
  return width * depth * 2 + width * 8 + depth * 12 + <f64>QUERY_TILE * (depth * 2 + width * 6);
}

export function attentionI8(
  context: usize, q: usize, k: usize, v: usize, strideBytes: usize, scores: usize, scratch: usize,
  queries: i32, keys: i32, A: i32, D: i32,
): void {
  const width = roundUp16(keys);
  const depth = roundUp8(D);
  const keyPanels = scratch;
  const valuePanels = keyPanels + <usize>(width * depth);
  const keyScales = valuePanels + <usize>(width * depth);
  const keySums = keyScales + ((<usize>width) << 2);
  const valueScales = keySums + ((<usize>width) << 2);
  const valueSums = valueScales + ((<usize>depth) << 2);
  const valueCenters = valueSums + ((<usize>depth) << 2);
  const queryRows = valueCenters + ((<usize>depth) << 2);
  const tile = queryRows + ((<usize>(QUERY_TILE * depth)) << 1);
  const weights = tile + ((<usize>(QUERY_TILE * width)) << 2);
  const rowBytes = (<usize>width) << 2;
  const factor: f32 = 1 / (LN2 * sqrt<f32>(<f32>D));

  for (let head = 0; head < A; head++) {
    const at = <usize>(head * D) << 2;
    packKeys(keyPanels, keyScales, k + at, strideBytes, keys, D, factor);
    packValues(valuePanels, valueScales, valueCenters, v + at, strideBytes, keys, D);
    sumColumnsI8(keySums, keyPanels, keys, D);
    // In the other forms weights have no zero point to correct.
    if (form == SIGNED) sumColumnsI8(valueSums, valuePanels, D, keys);
    const greatestKey: f32 = 127 * greatest(keyScales, roundUp8(keys));
    for (let query = 0; query < queries; query += QUERY_TILE) {
      const rows = min(queries - query, QUERY_TILE);
      const from = <usize>query * strideBytes + at;
      quantizeRows(queryRows, rowScales, rowZeros, q + from, strideBytes, rows, D);
      for (let n = 0; n < keys; n += 8) {
        const column = (<usize>n) << 2;
        sumPanel(panelSums, queryRows, keyPanels + <usize>(n >> 3) * panelI8Bytes(D), 0, rows, roundUp4(D), false);
        writeScores(tile + column, rowBytes, keyScales + column, keySums + column, rows);
      }
      for (let row = 0; row < rows; row++) {
        if (load<f32>(rowScales + ((<usize>row) << 2)) * greatestKey > MOST_STEP) {
          multiplyRow(tile + <usize>row * rowBytes, q + from + <usize>row * strideBytes, k + at, strideBytes, keyScales, keys, D, factor);
        }
      }
      if (scores) writeProbabilities(scores + ((<usize>(head * queries + query) * <usize>keys) << 2), tile, rowBytes, rows, keys);
      weighRows(weights, tile, rowBytes, rows, keys);
      for (let n = 0; n < D; n += 8) {
        const column = (<usize>n) << 2;
        sumPanel(panelSums, weights, valuePanels + <usize>(n >> 3) * panelI8Bytes(keys), 0, rows, roundUp4(keys), false);
        writeContext(
          context + from + column, strideBytes, valueScales + column, valueSums + column, valueCenters + column, rows, min(D - n, 8),
        );
      }
    }
  }
}

/** Sums of Q·K, i32 [rows][8] → scores, 8 columns of f32 rows. */
function writeScores(x: usize, rowBytes: usize, scales: usize, sums: usize, rows: i32): void {
  const sums0 = v128.load(sums);
  const sums1 = v128.load(sums, 16);
  const scales0 = v128.load(scales);
  const scales1 = v128.load(scales, 16);
  let from = panelSums;
  for (let at: usize = 0, end = (<usize>rows) << 2; at < end; at += 4, from += 32, x += rowBytes) {
    const scale = v128.load32_splat(rowScales + at);
    const zero = v128.load32_splat(rowZeros + at);
    const a = f32x4.convert_i32x4_s(i32x4.sub(v128.load(from), i32x4.mul(zero, sums0)));
    const b = f32x4.convert_i32x4_s(i32x4.sub(v128.load(from, 16), i32x4.mul(zero, sums1)));
    v128.store(x, f32x4.mul(f32x4.mul(a, scales0), scale));
    v128.store(x, f32x4.mul(f32x4.mul(b, scales1), scale), 16);
  }
}

/** The greatest of `count` floats, a multiple of 4, none below 0; NaN is left out. */
function greatest(x: usize, count: i32): f32 {
  let most = f32x4.splat(0);
  for (const end = x + ((<usize>count) << 2); x < end; x += 16) most = f32x4.pmax(most, v128.load(x));
  return maxLanes(most);
}

/** One row of scores in floats. `scales` are those of the keys: one that is NaN makes its score NaN, as an infinity alone would not. */
function multiplyRow(x: usize, q: usize, k: usize, strideBytes: usize, scales: usize, keys: i32, D: i32, factor: f32): void {
  for (const end = x + ((<usize>keys) << 2); x < end; x += 4, k += strideBytes, scales += 4) {
    let sums = f32x4.splat(0);
    for (let d = 0; d < D; d += 4) {
      const at = (<usize>d) << 2;
      sums = roundedMultiplyAdd(loadFour(q + at, D - d), loadFour(k + at, D - d), sums);
    }
    store<f32>(x, sumLanes(sums) * factor + load<f32>(scales) * 0);
  }
}

/** The exact softmax of rows of scores, f32 [rows][keys]. */
function writeProbabilities(to: usize, x: usize, rowBytes: usize, rows: i32, keys: i32): void {
  const bytes = (<usize>keys) << 2;
  for (let row = 0; row < rows; row++) memory.copy(to + <usize>row * bytes, x + <usize>row * rowBytes, bytes);
  softmax(to, bytes, rows, keys, LN2);
}

/** Rows of scores → weights in the form in use (quantize.ts), and inverseTotals. */
function weighRows(weights: usize, x: usize, rowBytes: usize, rows: i32, keys: i32): void {
  const depth = roundUp4(keys);
  let height = 0;
  for (let m = 0; m < rows; m += height) {
    height = rowsSideBySide(m, rows);
    const tile = tileAt(weights, m, depth);
    for (let row = 0; row < height; row++, x += rowBytes) {
      const total = weighRow(tile + ((<usize>row) << 2), (<usize>height) << 2, x, keys);
      store<f32>(inverseTotals + ((<usize>(m + row)) << 2), 1 / total);
    }
  }
}

/** The least power, log2 of the greatest weight, 1.5·2^23, and 2^r on |r| ≤ 1/2 within 7.5e-5, from the highest power. */
const POWERS = memory.data<f32>([-126, 7.98868469, 12582912, 0.05517167, 0.24261112, 0.69326099, 0.99992807]);

/** 2^x, x of 8 at most. */
// @ts-ignore: decorator
@inline
function powerOfTwo(x: v128): v128 {
  const y = f32x4.pmax(x, constant(POWERS, 0));
  const shifted = f32x4.add(y, constant(POWERS, 2));
  const r = f32x4.sub(y, f32x4.sub(shifted, constant(POWERS, 2)));
  const p = roundedMultiplyAdd(roundedMultiplyAdd(line(r, POWERS, 3, 4), r, constant(POWERS, 5)), r, constant(POWERS, 6));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/**
 * One row; returns the sum of its weights, NaN where a score is. Compiled for pairs apart from bytes: asking in the loop takes 5 % of it.
 *   x  f32 [keys], and room up to roundUp16(keys)
 */
function weighRow(weights: usize, stepBytes: usize, x: usize, keys: i32): f32 {
  return form == PAIRS ? weighRowAs(true, weights, stepBytes, x, keys) : weighRowAs(false, weights, stepBytes, x, keys);
}

// @ts-ignore: decorator
@inline
function weighRowAs(isPairs: bool, weights: usize, stepBytes: usize, x: usize, keys: i32): f32 {
  const end = x + ((<usize>roundUp16(keys)) << 2);
  for (let at = x + ((<usize>keys) << 2); at < end; at += 4) store<f32>(at, -Infinity);
  let most0 = v128.load(x), most1 = v128.load(x, 16);
  for (let at = x + 32; at < end; at += 32) {
    most0 = f32x4.pmax(most0, v128.load(at));
    most1 = f32x4.pmax(most1, v128.load(at, 16));
  }
  const shift = f32x4.sub(f32x4.splat(maxLanes(f32x4.pmax(most0, most1))), constant(POWERS, 1));
  const flip = signFlip();
  let sum0 = f32x4.splat(0), sum1 = sum0;
  let shifted0 = constant(POWERS, 2), shifted1 = shifted0;
  for (; x < end; x += 64) {
    const before0 = shifted0;
    const before1 = shifted1;
    sum0 = f32x4.add(sum0, powerOfTwo(f32x4.sub(v128.load(x), shift)));
    sum1 = f32x4.add(sum1, powerOfTwo(f32x4.sub(v128.load(x, 16), shift)));
    const between0 = f32x4.add(sum0, constant(POWERS, 2));
    const between1 = f32x4.add(sum1, constant(POWERS, 2));
    sum0 = f32x4.add(sum0, powerOfTwo(f32x4.sub(v128.load(x, 32), shift)));
    sum1 = f32x4.add(sum1, powerOfTwo(f32x4.sub(v128.load(x, 48), shift)));
    shifted0 = f32x4.add(sum0, constant(POWERS, 2));
    shifted1 = f32x4.add(sum1, constant(POWERS, 2));
    const a = i32x4.sub(between0, before0);
    const b = i32x4.sub(between1, before1);
    const c = i32x4.sub(shifted0, between0);
    const d = i32x4.sub(shifted1, between1);
    if (isPairs) {
      storePairs(weights, pairsOfEight(a, b));
      storePairs(weights + groupOffset(8), pairsOfEight(c, d));
      weights += groupOffset(16);
    } else {
      storeSixteenBytes(weights, stepBytes, i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d), flip);
      weights += stepBytes << 2;
    }
  }
  const rounder = constant(POWERS, 2);
  return sumLanes(f32x4.add(f32x4.sub(shifted0, rounder), f32x4.sub(shifted1, rounder)));
}

/** Eight neighbours of a row in the order in which pairs have them. */
// @ts-ignore: decorator
@inline
function pairsOfEight(a: v128, b: v128): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shuffle(a, a, 0, 2, 1, 3), i32x4.shuffle(b, b, 0, 2, 1, 3));
}

/** Their four pairs, in a group of rows. */
// @ts-ignore: decorator
@inline
function storePairs(to: usize, values: v128): void {
  v128.store32_lane(to, values, 0);
  v128.store32_lane(to + GROUP_STEP_BYTES, values, 1);
  v128.store32_lane(to + GROUP_STEP_BYTES * 2, values, 2);
  v128.store32_lane(to + GROUP_STEP_BYTES * 3, values, 3);
}

/** Weighted sums, i32 [rows][8] → columns of the context. Divided before they are scaled, or the greatest v would overflow. */
function writeContext(
  context: usize, strideBytes: usize, scales: usize, sums: usize, centers: usize, rows: i32, columns: i32,
): void {
  const zero = i32x4.splat(form == SIGNED ? -128 : 0);
  const zeros0 = i32x4.mul(zero, v128.load(sums));
  const zeros1 = i32x4.mul(zero, v128.load(sums, 16));
  const scale0 = v128.load(scales);
  const scale1 = v128.load(scales, 16);
  const center0 = v128.load(centers);
  const center1 = v128.load(centers, 16);
  let from = panelSums;
  for (let row = 0; row < rows; row++, context += strideBytes, from += 32) {
    const factor = v128.load32_splat(inverseTotals + ((<usize>row) << 2));
    const mean0 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(v128.load(from), zeros0)), factor);
    const mean1 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(v128.load(from, 16), zeros1)), factor);
    const a = roundedMultiplyAdd(mean0, scale0, center0);
    const b = roundedMultiplyAdd(mean1, scale1, center1);
    if (columns < 4) storeLanes(context, a, columns);
    else {
      v128.store(context, a);
      if (columns == 8) v128.store(context, b, 16);
      else if (columns > 4) storeLanes(context + 16, b, columns - 4);
    }
  }
}
