// The few words that differ by CPU feature, chosen at compile time: one source, two builds (asconfig.json).

/**
 * How the test-only builds (test/support/emulated-dot.ts) write the byte dot out in plain wasm, so that each form of the int8
 * kernels runs on any machine: 0 the engine's own instruction, 1 unsigned, 2 signed second operand. A constant of asconfig.json.
 */
// @ts-ignore: defined by the compiler option `use`
const EMULATED: i32 = EMULATED_DOT;

/** a·b + c per lane, for the f32 matmul. Fused on the relaxed build where the CPU can, mul then add on the simd build. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return roundedMultiplyAdd(a, b, c);
}

/** a·b + c per lane, rounded twice: the same bits on every engine, for all that q8 computes in f32. */
// @ts-ignore: decorator
@inline
export function roundedMultiplyAdd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Whether this build has a byte dot at all; what it does with bytes above 127 the host finds out (quantize.ts). */
export const HAS_DOT: bool = ASC_FEATURE_RELAXED_SIMD || EMULATED != 0;

/** sums[i] + Σ a[4·i + j]·b[4·i + j], j = 0 … 3: a signed bytes; b as the engine reads them. Only where HAS_DOT. */
// @ts-ignore: decorator
@inline
export function dotBytes(a: v128, b: v128, sums: v128): v128 {
  if (EMULATED) return emulatedDot(a, b, sums);
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, sums);
  return sums;
}

// @ts-ignore: decorator
@inline
function emulatedDot(a: v128, b: v128, sums: v128): v128 {
  const low = i32x4.dot_i16x8_s(
    i16x8.extend_low_i8x16_s(a),
    EMULATED == 1 ? i16x8.extend_low_i8x16_u(b) : i16x8.extend_low_i8x16_s(b),
  );
  const high = i32x4.dot_i16x8_s(
    i16x8.extend_high_i8x16_s(a),
    EMULATED == 1 ? i16x8.extend_high_i8x16_u(b) : i16x8.extend_high_i8x16_s(b),
  );
  // Pairs of neighbours: lanes 0 + 1, 2 + 3 of each half.
  const even = i32x4.shuffle(low, high, 0, 2, 4, 6);
  const odd = i32x4.shuffle(low, high, 1, 3, 5, 7);
  return i32x4.add(sums, i32x4.add(even, odd));
}

/** Σ pairs: lane i is a[2·i]·b[2·i] + a[2·i + 1]·b[2·i + 1] + sums[i], 16-bit integers. Exact on every engine. */
// @ts-ignore: decorator
@inline
export function dotPairs(a: v128, b: v128, sums: v128): v128 {
  return i32x4.add(sums, i32x4.dot_i16x8_s(a, b));
}

/** The sum of the four lanes, as (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  const pairs = f32x4.add(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/**
 * The greatest of the four lanes; a NaN is left out or not. Not by f32's max, which V8 makes a branch that is mispredicted half the time,
 * nor by f32x4's, which is six instructions.
 */
// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): f32 {
  const pairs = f32x4.pmax(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(pairs, i32x4.shuffle(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** Lanes 0 … count-1 of `from`, the others of `to`; count is 1 … 3. For the tail of a row. */
// @ts-ignore: decorator
@inline
export function storeLanes(to: usize, v: v128, count: i32): void {
  v128.store32_lane(to, v, 0);
  if (count > 1) v128.store32_lane(to, v, 1, 4);
  if (count > 2) v128.store32_lane(to, v, 2, 8);
}

/** The first `count` (1 … 3) floats from `from`, `fill` in the other lanes. Reads nothing beyond them. */
// @ts-ignore: decorator
@inline
export function loadLanes(from: usize, count: i32, fill: v128): v128 {
  let v = v128.load32_lane(from, fill, 0);
  if (count > 1) v = v128.load32_lane(from, v, 1, 4);
  if (count > 2) v = v128.load32_lane(from, v, 2, 8);
  return v;
}
