// Rows of floats → 8-bit integers with a scale and a zero point a row, as the int8 matmul reads its first operand.
//
//   scale = max(x, 0) / 255 - min(x, 0) / 255     zero = round(-min(x, 0)·1/scale)     q = clamp(round(x·1/scale + zero), 0, 255)
//   x ≈ (q - zero)·scale
//
//   out     in the form in use: bytes, tile after tile (tiles.ts) of up to 6 rows as [roundUp4(K)/4][height][4], so that the matmul
//           reads a tile forward under one pointer, and one row is [roundUp4(K)]; or for pairs i16 [ceil(M/4)][roundUp4(K)/2][4][2] as
//           matmul-i16.ts takes them, of every four neighbours the first and third, then the second and fourth. What lies beyond K
//           meets weights of 0
//   scales  f32 [M]            zeros  i32 [M]: what to take off each value of out to get q - zero
//   x       f32 [M][K]         rows strideBytes apart, only read
//
// Any M, K ≥ 1, alignment to 4 bytes. A row of 0 (or below 3e-36 throughout) gets scale 0 and only zeros. A row with NaN or
// an infinity gets scale NaN, so that all that is computed from it is NaN; its values say nothing. About 6·M·K operations.
import { GROUP_STEP_BYTES, groupOffset, rowInGroups, storePairs } from "./matmul-i16";
import { roundUp4 } from "./pack";
import { dotBytes, loadLanes, maxLanes } from "./simd";
import { tileHeight } from "./tiles";

/** The forms: 16-bit q - zero for dotPairs; bytes q for an unsigned byte dot; bytes q - 128 for a signed one. */
export const PAIRS: i32 = 0;
export const UNSIGNED: i32 = 1;
export const SIGNED: i32 = 2;

/** The form in use, of this instance: set by the host, which has asked dotProbe what the engine does. */
export let form: i32 = PAIRS;

export function setForm(value: i32): void {
  form = value;
}

/**
 * One lane of a byte dot of four times a·b: by its result for -128 and 255 the host knows what the engine does with bytes above 127.
 * 0 on a build without byte dots.
 */
export function dotProbe(a: i32, b: i32): i32 {
  const zero = i32x4.splat(0);
  return i32x4.extract_lane(dotBytes(i8x16.splat(<i8>a), i8x16.splat(<i8>b), zero), 0);
}

/** The tallest tile of bytes. */
export const BYTE_TILE_ROWS: i32 = 6;
/**
 * Added to a float of less than 2^22 it leaves the float's rounding to a whole number (ties to even) in the low bits: 1.5·2^23. In memory,
 * to be loaded before a loop: V8 makes a constant anew at each use, with three instructions.
 */
export const ROUNDER = memory.data<f32>([12582912]);
/** Below, the scale's reciprocal would leave the range of floats: taken for a row of 0. */
export const LEAST_SCALE: f32 = 1.17549435e-38;

/** round(x) as integers, for |x| < 2^22; anything for others. `rounder`: lanes of ROUNDER. */
// @ts-ignore: decorator
@inline
export function roundToIntegers(x: v128, rounder: v128): v128 {
  return i32x4.sub(f32x4.add(x, rounder), rounder);
}

export function quantizeRows(out: usize, scales: usize, zeros: usize, x: usize, strideBytes: usize, M: i32, K: i32): void {
  const depth = roundUp4(K);
  let height = 0;
  for (let m = 0; m < M; m += height) {
    height = rowsSideBySide(m, M);
    const tile = tileAt(out, m, depth);
    for (let row = 0; row < height; row++, scales += 4, zeros += 4, x += strideBytes) {
      quantizeRow(tile + ((<usize>row) << 2), (<usize>height) << 2, scales, zeros, x, K);
    }
  }
}

/** Rows that lie side by side from row m on in the form in use: a tile of bytes; a row of pairs has its place in a group by itself. */
export function rowsSideBySide(m: i32, M: i32): i32 {
  return form == PAIRS ? 1 : tileHeight(m, M, BYTE_TILE_ROWS);
}

/** Where they begin, rows of roundUp4(K) = depth values. */
export function tileAt(rows: usize, m: i32, depth: i32): usize {
  return form == PAIRS ? rowInGroups(rows, m, depth) : rows + <usize>(m * depth);
}

/** Bytes go to `out` in fours, stepBytes apart; pairs where matmul-i16.ts wants them. */
function quantizeRow(out: usize, stepBytes: usize, scaleAt: usize, zeroAt: usize, x: usize, K: i32): void {
  const tail = K & 3;
  const end = x + ((<usize>(K - tail)) << 2);
  const none = f32x4.splat(0);
  // pmin and pmax are one instruction each where min and max are six. They may lose a NaN, which a sum of all keeps; that of infinities may
  // be one too, and rightly. Four sums, or each addition would wait for the one before.
  let least = none, greatest = none, sum0 = none, sum1 = none, sum2 = none, sum3 = none;
  let at = x;
  for (; at + 64 <= end; at += 64) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    least = f32x4.pmin(least, f32x4.pmin(f32x4.pmin(a, b), f32x4.pmin(c, d)));
    greatest = f32x4.pmax(greatest, f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d)));
    sum0 = f32x4.add(sum0, a);
    sum1 = f32x4.add(sum1, b);
    sum2 = f32x4.add(sum2, c);
    sum3 = f32x4.add(sum3, d);
  }
  for (; at < end || tail; at += 16) {
    const a = at < end ? v128.load(at) : loadLanes(at, tail, none);
    least = f32x4.pmin(least, a);
    greatest = f32x4.pmax(greatest, a);
    sum0 = f32x4.add(sum0, a);
    if (at == end) break;
  }
  const isNaN = v128.or(
    v128.or(f32x4.ne(sum0, sum0), f32x4.ne(sum1, sum1)), v128.or(f32x4.ne(sum2, sum2), f32x4.ne(sum3, sum3)),
  );
  const low = -maxLanes(f32x4.neg(least));
  const high = maxLanes(greatest);
  let scale: f32 = high / 255 - low / 255; // not (high - low) / 255, which the greatest floats would overflow
  let inverse: f32 = 0;
  if (scale < LEAST_SCALE) scale = 0;
  else inverse = 1 / scale;
  const zero = i32x4.extract_lane(roundToIntegers(f32x4.splat(-low * inverse), v128.load32_splat(ROUNDER)), 0) & 255; // 0 … 255; & for NaN
  // Infinity too: x·0 would be NaN, and its sign, which differs by engine, would decide what q becomes.
  store<f32>(scaleAt, v128.any_true(isNaN) || scale == Infinity ? NaN : scale);
  store<i32>(zeroAt, form == PAIRS ? 0 : form == UNSIGNED ? zero : zero - 128);
  writeRow(out, stepBytes, x, end, tail, inverse, zero);
}

/** What turns bytes q into those of the form in use. */
// @ts-ignore: decorator
@inline
export function signFlip(): v128 {
  return i8x16.splat(form == SIGNED ? -128 : 0);
}

/** Eight neighbours of a row in the order in which pairs have them. */
// @ts-ignore: decorator
@inline
export function pairsOfEight(a: v128, b: v128): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shuffle(a, a, 0, 2, 1, 3), i32x4.shuffle(b, b, 0, 2, 1, 3));
}

/** Sixteen neighbours of a row, 16-bit, as bytes, in fours. */
// @ts-ignore: decorator
@inline
export function storeSixteenBytes(out: usize, stepBytes: usize, low: v128, high: v128, flip: v128): void {
  const bytes = v128.xor(i8x16.narrow_i16x8_u(low, high), flip);
  v128.store32_lane(out, bytes, 0);
  v128.store32_lane(out + stepBytes, bytes, 1);
  v128.store32_lane(out + (stepBytes << 1), bytes, 2);
  v128.store32_lane(out + stepBytes * 3, bytes, 3);
}

function writeRow(out: usize, stepBytes: usize, x: usize, end: usize, tail: i32, inverse: f32, zero: i32): void {
  const inverses = f32x4.splat(inverse);
  // Rounding adds zero as well, and what is taken off again leaves q, or q - zero.
  const isPairs = form == PAIRS;
  const rounder = v128.load32_splat(ROUNDER);
  const rounderWithZero = f32x4.add(rounder, f32x4.splat(<f32>zero));
  const left = isPairs ? rounderWithZero : rounder;
  const lowest = i16x8.splat(<i16>-zero);
  const highest = i16x8.splat(<i16>(255 - zero));
  const flip = signFlip();
  let at = x;
  if (isPairs) {
    for (; at + 32 <= end; at += 32, out += groupOffset(8)) {
      const a = rounded(v128.load(at), inverses, rounderWithZero, left);
      const b = rounded(v128.load(at, 16), inverses, rounderWithZero, left);
      storePairs(out, GROUP_STEP_BYTES, i16x8.min_s(i16x8.max_s(pairsOfEight(a, b), lowest), highest));
    }
  } else {
    for (; at + 64 <= end; at += 64, out += stepBytes << 2) {
      const a = rounded(v128.load(at), inverses, rounderWithZero, left);
      const b = rounded(v128.load(at, 16), inverses, rounderWithZero, left);
      const c = rounded(v128.load(at, 32), inverses, rounderWithZero, left);
      const d = rounded(v128.load(at, 48), inverses, rounderWithZero, left);
      storeSixteenBytes(out, stepBytes, i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d), flip);
    }
  }
  for (; at < end || tail; at += 16) {
    const isTail = at == end;
    const floats = isTail ? loadLanes(at, tail, f32x4.splat(0)) : v128.load(at);
    const a = rounded(floats, inverses, rounderWithZero, left);
    const v = i16x8.narrow_i32x4_s(a, a);
    if (isPairs) {
      const bounded = i16x8.min_s(i16x8.max_s(v, lowest), highest);
      const pairs = i16x8.shuffle(bounded, bounded, 0, 2, 1, 3, 0, 2, 1, 3);
      v128.store32_lane(out, pairs, 0);
      v128.store32_lane(out, pairs, 1, GROUP_STEP_BYTES);
      out += groupOffset(4);
    } else {
      v128.store32_lane(out, v128.xor(i8x16.narrow_i16x8_u(v, v), flip), 0);
      out += stepBytes;
    }
    if (isTail) break;
  }
}

/** round(x·inverse + zero), less zero where `left` has it too. */
// @ts-ignore: decorator
@inline
function rounded(x: v128, inverses: v128, rounderWithZero: v128, left: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(x, inverses), rounderWithZero), left);
}
