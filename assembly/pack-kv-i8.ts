// K and V of one head → bytes, in the panels of pack-i8.ts, for attention-i8.ts.
//
//   K  to ±127 with a scale a key
//   V  to ±127 with a scale a column, less the middle of the column's range, which is added to the context
//
// A NaN or an infinity makes the scale of its key, or of its column of V, NaN.
import { roundUp8 } from "./pack";
import { panelI8Bytes, STEP_BYTES } from "./pack-i8";
import { LEAST_SCALE, ROUNDER, roundToIntegers } from "./scales";
import { loadLanes, maxLanes } from "./simd";

const MOST: f32 = 127;
/** Of a panel of keys, f32 [8]. */
const keyScales: usize = memory.data(32, 16);

/** Lanes of 1 / x, or of 0 where that would not be a finite number: a scale so small means values of 0. */
// @ts-ignore: decorator
@inline
function reciprocals(x: v128): v128 {
  return v128.andnot(f32x4.div(f32x4.splat(1), x), f32x4.lt(x, f32x4.splat(LEAST_SCALE)));
}

/** `count` of four floats, 0 beyond. */
// @ts-ignore: decorator
@inline
export function loadFour(x: usize, count: i32): v128 {
  return count >= 4 ? v128.load(x) : loadFew(x, count);
}

/** The same of a count below 4. A function of its own: inlined at each load of a head whose size is no multiple of 8 it was 5 % of all code. */
function loadFew(x: usize, count: i32): v128 {
  const zero = f32x4.splat(0);
  return count > 0 ? loadLanes(x, count, zero) : zero;
}

/** Scales, but NaN where one is infinite or the sum of all values is NaN: the greatest and least values leave a NaN out. */
// @ts-ignore: decorator
@inline
function nanUnlessFinite(scales: v128, sums: v128): v128 {
  return v128.or(scales, v128.or(f32x4.ne(sums, sums), f32x4.ne(f32x4.sub(scales, scales), f32x4.splat(0))));
}

/** K f32 [keys][D] → i8 [ceil(keys/8)][ceil(D/4)][8][4] and scales times `factor`, f32 [roundUp8(keys)]; 0 beyond keys. */
export function packKeys(panels: usize, scales: usize, k: usize, strideBytes: usize, keys: i32, D: i32, factor: f32): void {
  const panelBytes = panelI8Bytes(D);
  const width = roundUp8(keys);
  if (keys < width) {
    memory.fill(panels + <usize>(keys >> 3) * panelBytes, 0, panelBytes);
    memory.fill(scales + ((<usize>keys) << 2), 0, (<usize>(width - keys)) << 2);
  }
  for (let key = 0; key < keys; key += 8, panels += panelBytes) {
    const rowsBytes = (<usize>min(keys - key, 8)) << 2;
    // The scales of all keys of a panel first: so what is loaded of rows far apart is waited for at once.
    let row = k;
    for (let i: usize = 0; i < rowsBytes; i += 4, row += strideBytes) store<f32>(keyScales + i, keyScale(row, D));
    for (let i: usize = 0; i < rowsBytes; i += 4, k += strideBytes, scales += 4) {
      store<f32>(scales, load<f32>(keyScales + i) * factor);
      writeKey(panels + i, k, reciprocals(v128.load32_splat(keyScales + i)), D);
    }
  }
}

/** The greatest |k| / 127; NaN if one is not finite. */
function keyScale(k: usize, D: i32): f32 {
  const zero = f32x4.splat(0);
  let low0 = zero, low1 = zero, high0 = zero, high1 = zero, sum0 = zero, sum1 = zero;
  for (let d = 0; d < D; d += 8, k += 32) {
    const a = loadFour(k, D - d);
    const b = loadFour(k + 16, D - d - 4);
    low0 = f32x4.pmin(low0, a);
    low1 = f32x4.pmin(low1, b);
    high0 = f32x4.pmax(high0, a);
    high1 = f32x4.pmax(high1, b);
    sum0 = f32x4.add(sum0, a);
    sum1 = f32x4.add(sum1, b);
  }
  const scale = maxLanes(f32x4.pmax(f32x4.neg(f32x4.pmin(low0, low1)), f32x4.pmax(high0, high1))) / MOST;
  const isNaN = v128.or(f32x4.ne(sum0, sum0), f32x4.ne(sum1, sum1));
  return v128.any_true(isNaN) || scale == Infinity ? NaN : scale;
}

/** One key, in steps of its scale: ±127 at most, or anything where the scale is NaN. */
function writeKey(to: usize, k: usize, inverse: v128, D: i32): void {
  const rounder = v128.load32_splat(ROUNDER);
  let d = 0;
  for (; d + 16 <= D; d += 16, k += 64, to += STEP_BYTES << 2) {
    const low = i16x8.narrow_i32x4_s(roundFour(v128.load(k), inverse, rounder), roundFour(v128.load(k, 16), inverse, rounder));
    const high = i16x8.narrow_i32x4_s(roundFour(v128.load(k, 32), inverse, rounder), roundFour(v128.load(k, 48), inverse, rounder));
    const bytes = i8x16.narrow_i16x8_s(low, high);
    v128.store32_lane(to, bytes, 0);
    v128.store32_lane(to, bytes, 1, STEP_BYTES);
    v128.store32_lane(to, bytes, 2, STEP_BYTES << 1);
    v128.store32_lane(to, bytes, 3, STEP_BYTES * 3);
  }
  for (; d < D; d += 4, k += 16, to += STEP_BYTES) {
    const four = roundFour(loadFour(k, D - d), inverse, rounder);
    const values = i16x8.narrow_i32x4_s(four, four);
    v128.store32_lane(to, i8x16.narrow_i16x8_s(values, values), 0);
  }
}

// @ts-ignore: decorator
@inline
function roundFour(x: v128, inverse: v128, rounder: v128): v128 {
  return roundToIntegers(f32x4.mul(x, inverse), rounder);
}

/**
 * V f32 [keys][D] → i8 [ceil(D/8)][ceil(keys/4)][8][4], scales and centers, f32 [roundUp8(D)]; beyond keys what meets weights of 0, beyond
 * D what nobody reads.
 */
export function packValues(panels: usize, scales: usize, centers: usize, v: usize, strideBytes: usize, keys: i32, D: i32): void {
  const panelBytes = panelI8Bytes(keys);
  let columns = D;
  for (; columns >= 8; columns -= 8, panels += panelBytes, v += 32, scales += 32, centers += 32) {
    packColumns(panels, scales, centers, v, strideBytes, keys, 8);
  }
  if (columns) packColumns(panels, scales, centers, v, strideBytes, keys, columns);
}

/** One panel, of up to 8 columns. Compiled for 8 apart from fewer, or each load would ask how many. */
// @ts-ignore: decorator
@inline
function packColumns(panel: usize, scales: usize, centers: usize, v: usize, strideBytes: usize, keys: i32, columns: i32): void {
  const zero = f32x4.splat(0);
  const half = f32x4.splat(0.5);
  const most = f32x4.splat(MOST);
  let low0 = loadFour(v, columns), low1 = loadFour(v + 16, columns - 4);
  let high0 = low0, high1 = low1, sum0 = zero, sum1 = zero;
  let row = v;
  for (let key = 0; key < keys; key++, row += strideBytes) {
    const a = loadFour(row, columns);
    const b = loadFour(row + 16, columns - 4);
    low0 = f32x4.pmin(low0, a);
    low1 = f32x4.pmin(low1, b);
    high0 = f32x4.pmax(high0, a);
    high1 = f32x4.pmax(high1, b);
    sum0 = f32x4.add(sum0, a);
    sum1 = f32x4.add(sum1, b);
  }
  // Halved first: the sum or difference of the greatest floats is infinite.
  low0 = f32x4.mul(low0, half);
  low1 = f32x4.mul(low1, half);
  high0 = f32x4.mul(high0, half);
  high1 = f32x4.mul(high1, half);
  const center0 = f32x4.add(high0, low0);
  const center1 = f32x4.add(high1, low1);
  const scale0 = nanUnlessFinite(f32x4.div(f32x4.sub(high0, low0), most), sum0);
  const scale1 = nanUnlessFinite(f32x4.div(f32x4.sub(high1, low1), most), sum1);
  v128.store(scales, scale0);
  v128.store(scales, scale1, 16);
  v128.store(centers, center0);
  v128.store(centers, center1, 16);
  const inverse0 = reciprocals(scale0);
  const inverse1 = reciprocals(scale1);
  const rounder = v128.load32_splat(ROUNDER);
  row = v;
  for (let key = 0; key < keys; key += 4, panel += STEP_BYTES) {
    const row1 = key + 1 < keys ? row + strideBytes : row;
    const row2 = key + 2 < keys ? row1 + strideBytes : row;
    const row3 = key + 3 < keys ? row2 + strideBytes : row;
    const r0 = roundEight(row, columns, center0, center1, inverse0, inverse1, rounder);
    const r1 = roundEight(row1, columns, center0, center1, inverse0, inverse1, rounder);
    const r2 = roundEight(row2, columns, center0, center1, inverse0, inverse1, rounder);
    const r3 = roundEight(row3, columns, center0, center1, inverse0, inverse1, rounder);
    row = row3 + strideBytes;
    const low = i8x16.narrow_i16x8_s(r0, r1);
    const high = i8x16.narrow_i16x8_s(r2, r3);
    v128.store(panel, i8x16.shuffle(low, high, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27));
    v128.store(panel, i8x16.shuffle(low, high, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31), 16);
  }
}

/** Eight floats (count of them there, 0 beyond) in steps from their centers, as 16-bit integers. */
// @ts-ignore: decorator
@inline
function roundEight(
  x: usize, count: i32, center0: v128, center1: v128, inverse0: v128, inverse1: v128, rounder: v128,
): v128 {
  const a = roundToIntegers(f32x4.mul(f32x4.sub(loadFour(x, count), center0), inverse0), rounder);
  const b = roundToIntegers(f32x4.mul(f32x4.sub(loadFour(x + 16, count - 4), center1), inverse1), rounder);
  return i16x8.narrow_i32x4_s(a, b);
}
