// Rows of floats → 8-bit integers with a scale and a zero point a row, as the int8 matmul reads its first operand.
//
//   scale = max(x, 0) / 255 - min(x, 0) / 255     zero = round(-min(x, 0)·1/scale)     q = clamp(round(x·1/scale + zero), 0, 255)
//   x ≈ (q - zero)·scale
//
//   out     in the form in use: bytes, tile after tile (tiles.ts) of up to 6 rows as [roundUp4(K)/4][height][4], so that the matmul
//           reads a tile forward under one pointer, and one row is [roundUp4(K)]; or pairs (quantize-pairs.ts). What lies beyond K meets
//           weights of 0
//   scales  f32 [M]            zeros  i32 [M]: what to take off each value of out to get q - zero
//   x       f32 [M][K]         rows strideBytes apart, only read
//
// Any M, K ≥ 1, alignment to 4 bytes. A row of 0 (or below 3e-36 throughout) gets scale 0 and only zeros. A row with NaN or
// an infinity gets scale NaN, so that all that is computed from it is NaN; its values say nothing. About 5·M·K operations.
import { rowInGroups } from "./matmul-i16";
import { roundUp4 } from "./pack";
import { quantizePairs } from "./quantize-pairs";
import { inverseOf, lowOf, ROUNDER, scaleOf, storedScale, zeroOf } from "./scales";
import { dotBytes, loadLanes } from "./simd";
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

export function quantizeRows(out: usize, scales: usize, zeros: usize, x: usize, strideBytes: usize, M: i32, K: i32): void {
  if (form == PAIRS) {
    quantizePairs(out, scales, zeros, x, strideBytes, M, K);
    return;
  }
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

/** Bytes go to `out` in fours, stepBytes apart. */
function quantizeRow(out: usize, stepBytes: usize, scaleAt: usize, zeroAt: usize, x: usize, K: i32): void {
  const tail = K & 3;
  const end = x + ((<usize>(K - tail)) << 2);
  const none = i32x4.splat(0);
  let signed = none, unsigned = none;
  let at = x;
  for (; at + 64 <= end; at += 64) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    signed = i32x4.max_s(signed, i32x4.max_s(i32x4.max_s(a, b), i32x4.max_s(c, d)));
    unsigned = i32x4.max_u(unsigned, i32x4.max_u(i32x4.max_u(a, b), i32x4.max_u(c, d)));
  }
  for (; at < end || tail; at += 16) {
    const a = at < end ? v128.load(at) : loadLanes(at, tail, none);
    signed = i32x4.max_s(signed, a);
    unsigned = i32x4.max_u(unsigned, a);
    if (at == end) break;
  }
  signed = i32x4.max_s(signed, i32x4.shuffle(signed, signed, 2, 3, 0, 1));
  unsigned = i32x4.max_u(unsigned, i32x4.shuffle(unsigned, unsigned, 2, 3, 0, 1));
  const high = i32x4.max_s(signed, i32x4.shuffle(signed, signed, 1, 0, 3, 2));
  const low = lowOf(i32x4.max_u(unsigned, i32x4.shuffle(unsigned, unsigned, 1, 0, 3, 2)));
  const scale = scaleOf(high, low);
  const inverse = inverseOf(scale);
  const zero = zeroOf(low, inverse);
  v128.store32_lane(scaleAt, storedScale(scale), 0);
  v128.store32_lane(zeroAt, form == UNSIGNED ? zero : i32x4.sub(zero, i32x4.splat(128)), 0);
  writeRow(out, stepBytes, x, end, tail, inverse, f32x4.convert_i32x4_s(zero));
}

/** What turns bytes q into those of the form in use. */
// @ts-ignore: decorator
@inline
export function signFlip(): v128 {
  return i8x16.splat(form == SIGNED ? -128 : 0);
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

function writeRow(out: usize, stepBytes: usize, x: usize, end: usize, tail: i32, inverse: v128, zero: v128): void {
  const rounder = v128.load32_splat(ROUNDER);
  const rounderWithZero = f32x4.add(rounder, zero);
  const flip = signFlip();
  let at = x;
  for (; at + 64 <= end; at += 64, out += stepBytes << 2) {
    const a = quantized(v128.load(at), inverse, rounderWithZero, rounder);
    const b = quantized(v128.load(at, 16), inverse, rounderWithZero, rounder);
    const c = quantized(v128.load(at, 32), inverse, rounderWithZero, rounder);
    const d = quantized(v128.load(at, 48), inverse, rounderWithZero, rounder);
    storeSixteenBytes(out, stepBytes, i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d), flip);
  }
  for (; at < end || tail; at += 16, out += stepBytes) {
    const isTail = at == end;
    const floats = isTail ? loadLanes(at, tail, f32x4.splat(0)) : v128.load(at);
    const a = quantized(floats, inverse, rounderWithZero, rounder);
    const v = i16x8.narrow_i32x4_s(a, a);
    v128.store32_lane(out, v128.xor(i8x16.narrow_i16x8_u(v, v), flip), 0);
    if (isTail) break;
  }
}

/** round(x·inverse + zero) */
// @ts-ignore: decorator
@inline
function quantized(x: v128, inverse: v128, rounderWithZero: v128, rounder: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(x, inverse), rounderWithZero), rounder);
}
