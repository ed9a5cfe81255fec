// Multi-head attention of one text in 16-bit integers, for q8: context = softmax(Q·Kᵀ / √D)·V for each head, the same bits on every
// engine at the speed of integers, which every engine multiplies exactly.
//
//   context, q, k, v, strideBytes, scores, queries, keys, A, D   as attention.ts has them
//   scratch  attentionI16ScratchBytes(keys, D) bytes; must not overlap the others
//
// Scales: one a head for K and for V (greatest |value| of the text), one a query row for Q. Q and K get as many steps as keep a sum of
// D products within 32 bits. V gets 4,095, so that the weights of a row may sum to 500,000 steps: e^x is rounded to steps of 1/32,767
// of the greatest or, where many keys count, of 1/500,000 of their sum. Each weight is divided by the sum of the rounded ones.
//
// A NaN or an infinity in q makes its row NaN; one in k or v the whole head. 4·A·queries·keys·D operations and a softmax over A·queries·keys.
import { EXP_BLOCK_BYTES, exp4, expBlock } from "./exp";
import { GROUP_STEP_BYTES, groupOffset, multiplyPanelI16, PANEL_STEP_BYTES, rowInGroups, storePairs } from "./matmul-i16";
import { roundUp8 } from "./pack";
import { LEAST_SCALE, roundToIntegers } from "./quantize";
import { loadLanes, maxLanes, storeLanes, sumLanes } from "./simd";

const QUERY_TILE: i32 = 48;
const MOST: f32 = 32767;
const MOST_VALUE: f32 = 4095;
/** MOST_VALUE times as much, and half a step more for each of up to 48,000 keys, is below 2^31. */
const MOST_WEIGHTS: f64 = 500000;
/** 64 floats are summed in f32, the blocks in f64, as softmax.ts does. */
const BLOCK_BYTES: usize = 256;

/** Of one tile of queries: the factor from sums to scores, and from weighted sums to the context. */
const scoreFactors: usize = memory.data(QUERY_TILE * 4, 16);
const contextFactors: usize = memory.data(QUERY_TILE * 4, 16);

/**
 * Bytes of scratch: K and V as panels, a tile of queries, of scores and of weights. Rows are padded to 8 values.
 * As f64: what memory cannot hold must not wrap around.
 */
export function attentionI16ScratchBytes(keys: i32, D: i32): f64 {
  const depth = <f64>roundUp8(D);
  const width = <f64>roundUp8(keys);
  return width * depth * 4 + <f64>QUERY_TILE * (depth * 2 + width * 6);
}

export function attentionI16(
  context: usize, q: usize, k: usize, v: usize, strideBytes: usize, scores: usize, scratch: usize,
  queries: i32, keys: i32, A: i32, D: i32,
): void {
  const depth = roundUp8(D);
  const width = roundUp8(keys);
  const keyPanels = scratch;
  const valuePanels = keyPanels + <usize>(width * depth) * 2;
  const queryRows = valuePanels + <usize>(width * depth) * 2;
  const sums = queryRows + <usize>(QUERY_TILE * depth) * 2;
  const weights = sums + <usize>(QUERY_TILE * width) * 4;
  const depthBytes = (<usize>depth) << 1;
  const sumBytes = (<usize>width) << 2;
  const weightBytes = (<usize>width) << 1;
  // The greatest whole number whose square D times over stays below 2^31.
  const most = min(MOST, floor(sqrt<f32>(<f32>2147483000 / <f32>D)) - 1);
  const root = sqrt<f32>(<f32>D);

  for (let head = 0; head < A; head++) {
    const at = <usize>(head * D) << 2;
    const keyScale = greatestOf(k + at, strideBytes, keys, D) / most;
    const valueScale = greatestOf(v + at, strideBytes, keys, D) / MOST_VALUE;
    for (let row = 0; row < keys; row++) {
      const to = keyPanels + <usize>(row & ~7) * depthBytes + <usize>((row & 7) << 2);
      roundRow(to, PANEL_STEP_BYTES, k + at + <usize>row * strideBytes, reciprocal(keyScale), D);
    }
    packValues(valuePanels, v + at, strideBytes, reciprocal(valueScale), keys, D);
    for (let query = 0; query < queries; query += QUERY_TILE) {
      const rows = min(queries - query, QUERY_TILE);
      const from = <usize>query * strideBytes + at;
      for (let row = 0; row < rows; row++) {
        const x = q + from + <usize>row * strideBytes;
        const scale = greatestOf(x, 0, 1, D) / most;
        roundRow(rowInGroups(queryRows, row, depth), GROUP_STEP_BYTES, x, reciprocal(scale), D);
        store<f32>(scoreFactors + ((<usize>row) << 2), (scale * keyScale) / root);
      }
      for (let n = 0; n < keys; n += 8)
        multiplyPanelI16(sums + ((<usize>n) << 2), sumBytes, queryRows, groupOffset(depth), keyPanels + (<usize>n) * depthBytes, rows, depth);
      for (let row = 0; row < rows; row++) {
        const probabilities = scores ? scores + ((<usize>(head * queries + query + row) * <usize>keys) << 2) : 0;
        const factor = load<f32>(scoreFactors + ((<usize>row) << 2));
        const total = softmaxRow(rowInGroups(weights, row, width), sums + <usize>row * sumBytes, probabilities, keys, factor);
        store<f32>(contextFactors + ((<usize>row) << 2), valueScale / total);
      }
      for (let n = 0; n < D; n += 8) {
        multiplyPanelI16(sums, 32, weights, groupOffset(width), valuePanels + (<usize>n) * weightBytes, rows, width);
        writeContext(context + from + ((<usize>n) << 2), strideBytes, sums, rows, min(D - n, 8));
      }
    }
  }
}

/** 1 / x, or 0 where that would not be a finite number: a scale so small means values of 0. */
// @ts-ignore: decorator
@inline
function reciprocal(x: f32): f32 {
  return x < LEAST_SCALE ? 0 : 1 / x;
}

/** The greatest |x| of rows × columns; NaN if one is NaN or infinite, as the sign of ∞·0 would differ by engine. */
function greatestOf(x: usize, strideBytes: usize, rows: i32, columns: i32): f32 {
  const tail = columns & 3;
  const zero = f32x4.splat(0);
  let greatest = zero, isNaN = zero;
  for (let row = 0; row < rows; row++, x += strideBytes) {
    const end = x + ((<usize>(columns - tail)) << 2);
    for (let at = x; at < end; at += 16) {
      const v = v128.load(at);
      greatest = f32x4.pmax(greatest, f32x4.abs(v));
      isNaN = v128.or(isNaN, f32x4.ne(v, v));
    }
    if (tail) {
      const v = loadLanes(end, tail, zero);
      greatest = f32x4.pmax(greatest, f32x4.abs(v));
      isNaN = v128.or(isNaN, f32x4.ne(v, v));
    }
  }
  const most = maxLanes(greatest);
  return v128.any_true(isNaN) || most == Infinity ? NaN : most;
}

/** 8 floats (count of them there, 0 beyond) times `inverse`, rounded to 16 bits. */
// @ts-ignore: decorator
@inline
function roundEight(x: usize, count: i32, inverse: v128): v128 {
  const zero = f32x4.splat(0);
  let a = zero, b = zero;
  if (count >= 8) {
    a = v128.load(x);
    b = v128.load(x, 16);
  } else if (count >= 4) {
    a = v128.load(x);
    if (count > 4) b = loadLanes(x + 16, count - 4, zero);
  } else if (count > 0) a = loadLanes(x, count, zero);
  return i16x8.narrow_i32x4_s(roundToIntegers(f32x4.mul(a, inverse)), roundToIntegers(f32x4.mul(b, inverse)));
}

/** f32 [D] → i16 [roundUp8(D)], its pairs stepBytes apart. */
function roundRow(to: usize, stepBytes: usize, x: usize, inverse: f32, D: i32): void {
  const inverses = f32x4.splat(inverse);
  for (let d = 0; d < D; d += 8, to += stepBytes << 2, x += 32) storePairs(to, stepBytes, roundEight(x, D - d, inverses));
}

/** V f32 [keys][D] → i16 [roundUp8(D)/8][roundUp8(keys)/2][8][2]: neighbouring keys side by side, 0 beyond keys and D. */
function packValues(panels: usize, v: usize, strideBytes: usize, inverse: f32, keys: i32, D: i32): void {
  const inverses = f32x4.splat(inverse);
  const width = roundUp8(keys);
  for (let d = 0; d < D; d += 8, v += 32) {
    let row = v;
    for (let key = 0; key < width; key += 2, row += strideBytes << 1, panels += 32) {
      const even = roundEight(row, key < keys ? D - d : 0, inverses);
      const odd = roundEight(row + strideBytes, key + 1 < keys ? D - d : 0, inverses);
      v128.store(panels, i16x8.shuffle(even, odd, 0, 8, 1, 9, 2, 10, 3, 11));
      v128.store(panels, i16x8.shuffle(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    }
  }
}

/**
 * One row: e^(factor·sums - their greatest) in steps; returns Σ of the steps, NaN where factor is.
 *   weights        i16 [roundUp8(keys)] of a group of rows (matmul-i16.ts), 0 beyond keys
 *   sums           i32 [roundUp8(keys)], used up
 *   probabilities  f32 [keys], the exact values; or 0
 */
function softmaxRow(weights: usize, sums: usize, probabilities: usize, keys: i32, factor: f32): f32 {
  const tail = keys & 3;
  const end = sums + ((<usize>(keys - tail)) << 2);
  const lowest = i32x4.splat(i32.MIN_VALUE);
  let most = lowest;
  for (let at = sums; at < end; at += 16) most = i32x4.max_s(most, v128.load(at));
  if (tail) most = i32x4.max_s(most, loadLanes(end, tail, lowest));
  const pairs = i32x4.max_s(most, i32x4.shuffle(most, most, 2, 3, 0, 1));
  const greatest = max(i32x4.extract_lane(pairs, 0), i32x4.extract_lane(pairs, 1));
  const factors = f32x4.splat(factor);
  const shift = f32x4.splat(<f32>greatest * factor);
  const zero = f32x4.splat(0);

  let total: f64 = 0;
  let sum = zero;
  for (let block = sums; block < end; block += EXP_BLOCK_BYTES) {
    const blockEnd = min(block + EXP_BLOCK_BYTES, end);
    for (let at = block; at < blockEnd; at += 16) {
      v128.store(at, f32x4.sub(f32x4.mul(f32x4.convert_i32x4_s(v128.load(at)), factors), shift));
    }
    expBlock(block, blockEnd - block);
    for (let at = block; at < blockEnd; at += 16) {
      sum = f32x4.add(sum, v128.load(at));
      if (((at - sums) & (BLOCK_BYTES - 1)) == BLOCK_BYTES - 16) {
        total += <f64>sumLanes(sum);
        sum = zero;
      }
    }
  }
  if (tail) {
    let e = exp4(f32x4.sub(f32x4.mul(f32x4.convert_i32x4_s(loadLanes(end, tail, zero)), factors), shift));
    e = f32x4.replace_lane(e, 3, 0);
    if (tail < 3) e = f32x4.replace_lane(e, 2, 0);
    if (tail < 2) e = f32x4.replace_lane(e, 1, 0);
    v128.store(end, e);
    sum = f32x4.add(sum, e);
  }
  total += <f64>sumLanes(sum);

  // The sums' place holds e^x now: 0 beyond keys, up to a multiple of 8.
  const whole = sums + ((<usize>roundUp8(keys)) << 2);
  for (let at = end + (tail ? 16 : 0); at < whole; at += 16) v128.store(at, zero);
  const steps = f32x4.splat(<f32>min(<f64>MOST, MOST_WEIGHTS / total));
  let stepSum = i32x4.splat(0);
  for (let at = sums; at < whole; at += 32, weights += groupOffset(8)) {
    const a = roundToIntegers(f32x4.mul(v128.load(at), steps));
    const b = roundToIntegers(f32x4.mul(v128.load(at, 16), steps));
    stepSum = i32x4.add(stepSum, i32x4.add(a, b));
    storePairs(weights, GROUP_STEP_BYTES, i16x8.narrow_i32x4_s(a, b));
  }
  if (probabilities) {
    const inverse = f32x4.splat(<f32>(1 / total));
    for (let at = sums; at < end; at += 16, probabilities += 16) v128.store(probabilities, f32x4.mul(v128.load(at), inverse));
    if (tail) storeLanes(probabilities, f32x4.mul(v128.load(end), inverse), tail);
  }
  const halves = i32x4.add(stepSum, i32x4.shuffle(stepSum, stepSum, 2, 3, 0, 1));
  const count = i32x4.extract_lane(halves, 0) + i32x4.extract_lane(halves, 1);
  return total == total ? <f32>count : NaN;
}

/** Weighted sums i32 [rows][8] → columns of the context. */
function writeContext(context: usize, strideBytes: usize, sums: usize, rows: i32, columns: i32): void {
  for (let row = 0; row < rows; row++, context += strideBytes, sums += 32) {
    const factor = v128.load32_splat(contextFactors + ((<usize>row) << 2));
    const a = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums)), factor);
    const b = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums, 16)), factor);
    if (columns < 4) storeLanes(context, a, columns);
    else {
      v128.store(context, a);
      if (columns == 8) v128.store(context, b, 16);
      else if (columns > 4) storeLanes(context + 16, b, columns - 4);
    }
  }
}
