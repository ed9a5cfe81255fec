// K and V of one head → bytes, in the panels of pack-i8.ts, for attention-i8.ts.
//
//   K  to ±127 with a scale a key
//   V  to ±127 with a scale a column, less the middle of the column's range, which is added to the context
//
// A NaN or an infinity makes the scale of its key, or of its column of V, NaN.
import { roundUp8 } from "./pack";
import { panelI8Bytes, STEP_BYTES } from "./pack-i8";
import { LEAST_SCALE, roundToIntegers } from "./quantize";
import { loadLanes, maxLanes, sumLanes } from "./simd";

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
  const zero = f32x4.splat(0);
  if (count >= 4) return v128.load(x);
  return count > 0 ? loadLanes(x, count, zero) : zero;
}

/** 0; NaN for a NaN or an infinity, whose product with 0 would have a sign that differs by engine. */
// @ts-ignore: decorator
@inline
function nanUnlessFinite(x: v128): v128 {
  return f32x4.sub(x, x);
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
  let greatest = f32x4.splat(0), bad = greatest;
  for (let d = 0; d < D; d += 4) {
    const x = loadFour(k + ((<usize>d) << 2), D - d);
    greatest = f32x4.pmax(greatest, f32x4.abs(x));
    bad = f32x4.add(bad, nanUnlessFinite(x));
  }
  return maxLanes(greatest) / MOST + sumLanes(bad);
}

/** One key, in steps of its scale: ±127 at most, or anything where the scale is NaN. */
function writeKey(to: usize, k: usize, inverse: v128, D: i32): void {
  const center = f32x4.splat(0);
  for (let d = 0; d < D; d += 8, k += 32, to += STEP_BYTES << 1) {
    const values = roundEight(k, D - d, center, center, inverse, inverse);
    const bytes = i8x16.narrow_i16x8_s(values, values);
    v128.store32_lane(to, bytes, 0);
    if (d + 4 < D) v128.store32_lane(to + STEP_BYTES, bytes, 1);
  }
}

/**
 * V f32 [keys][D] → i8 [ceil(D/8)][ceil(keys/4)][8][4], scales and centers, f32 [roundUp8(D)]; beyond keys what meets weights of 0, beyond
 * D what nobody reads.
 */
export function packValues(panels: usize, scales: usize, centers: usize, v: usize, strideBytes: usize, keys: i32, D: i32): void {
  const half = f32x4.splat(0.5);
  const most = f32x4.splat(MOST);
  for (let d = 0; d < D; d += 8, v += 32, scales += 32, centers += 32) {
    const columns = D - d;
    let low0 = loadFour(v, columns), low1 = loadFour(v + 16, columns - 4);
    let high0 = low0, high1 = low1, bad0 = f32x4.splat(0), bad1 = bad0;
    let row = v;
    for (let key = 0; key < keys; key++, row += strideBytes) {
      const a = loadFour(row, columns);
      const b = loadFour(row + 16, columns - 4);
      low0 = f32x4.pmin(low0, a);
      low1 = f32x4.pmin(low1, b);
      high0 = f32x4.pmax(high0, a);
      high1 = f32x4.pmax(high1, b);
      bad0 = f32x4.add(bad0, nanUnlessFinite(a));
      bad1 = f32x4.add(bad1, nanUnlessFinite(b));
    }
    // Halved first: the sum or difference of the greatest floats is infinite.
    low0 = f32x4.mul(low0, half);
    low1 = f32x4.mul(low1, half);
    high0 = f32x4.mul(high0, half);
    high1 = f32x4.mul(high1, half);
    const center0 = f32x4.add(high0, low0);
    const center1 = f32x4.add(high1, low1);
    const scale0 = f32x4.add(f32x4.div(f32x4.sub(high0, low0), most), bad0);
    const scale1 = f32x4.add(f32x4.div(f32x4.sub(high1, low1), most), bad1);
    v128.store(scales, scale0);
    v128.store(scales, scale1, 16);
    v128.store(centers, center0);
    v128.store(centers, center1, 16);
    const inverse0 = reciprocals(scale0);
    const inverse1 = reciprocals(scale1);
    row = v;
    for (let key = 0; key < keys; key += 4, panels += STEP_BYTES) {
      const r0 = roundEight(row, columns, center0, center1, inverse0, inverse1);
      row += strideBytes;
      const r1 = roundEight(row, key + 1 < keys ? columns : 0, center0, center1, inverse0, inverse1);
      row += strideBytes;
      const r2 = roundEight(row, key + 2 < keys ? columns : 0, center0, center1, inverse0, inverse1);
      row += strideBytes;
      const r3 = roundEight(row, key + 3 < keys ? columns : 0, center0, center1, inverse0, inverse1);
      row += strideBytes;
      const low = i8x16.narrow_i16x8_s(r0, r1);
      const high = i8x16.narrow_i16x8_s(r2, r3);
      v128.store(panels, i8x16.shuffle(low, high, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27));
      v128.store(panels, i8x16.shuffle(low, high, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31), 16);
    }
  }
}

/** Eight floats (count of them there, 0 beyond) in steps from their centers, as 16-bit integers. */
// @ts-ignore: decorator
@inline
function roundEight(x: usize, count: i32, center0: v128, center1: v128, inverse0: v128, inverse1: v128): v128 {
  const a = roundToIntegers(f32x4.mul(f32x4.sub(loadFour(x, count), center0), inverse0));
  const b = roundToIntegers(f32x4.mul(f32x4.sub(loadFour(x + 16, count - 4), center1), inverse1));
  return i16x8.narrow_i32x4_s(a, b);
}
