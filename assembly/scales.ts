// Lane by lane, the scale and zero point of a row (quantize.ts has the formula) from its extremes; and how floats are rounded to integers.
//
// The extremes are found in integers: as such floats without a sign have their own order and those with one stand above them, the least
// float last. So max(x, 0) is the greatest as signed integers from 0 on, and min(x, 0) as unsigned ones, if that has a sign. A NaN stands
// beyond infinity and becomes one of the extremes, of which floats' pmin and pmax might lose it.

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

/** The extreme below 0, or 0, of the greatest as unsigned integers. */
// @ts-ignore: decorator
@inline
export function lowOf(greatest: v128): v128 {
  return v128.and(greatest, i32x4.shr_s(greatest, 31));
}

/** 0 for a row of 0, or below 3e-36 throughout; NaN or Infinity where a row has one. */
// @ts-ignore: decorator
@inline
export function scaleOf(high: v128, low: v128): v128 {
  const most = f32x4.splat(255);
  const scale = f32x4.sub(f32x4.div(high, most), f32x4.div(low, most)); // (high - low) / 255 would overflow for the greatest floats
  return v128.andnot(scale, f32x4.lt(scale, f32x4.splat(LEAST_SCALE)));
}

/** 1/scale, 0 where it is 0. */
// @ts-ignore: decorator
@inline
export function inverseOf(scale: v128): v128 {
  return v128.andnot(f32x4.div(f32x4.splat(1), scale), f32x4.eq(scale, f32x4.splat(0)));
}

/** 0 … 255, for NaN too. */
// @ts-ignore: decorator
@inline
export function zeroOf(low: v128, inverse: v128): v128 {
  return v128.and(roundToIntegers(f32x4.mul(f32x4.neg(low), inverse), v128.load32_splat(ROUNDER)), i32x4.splat(255));
}

/**
 * The scale as it is stored, NaN where it is not finite: x·0 would be NaN for an infinity, and its sign, which differs by engine, would
 * decide what q becomes. Always the same NaN, as 2^x in attention-i8.ts takes a float's low bits.
 */
// @ts-ignore: decorator
@inline
export function storedScale(scale: v128): v128 {
  return v128.bitselect(scale, f32x4.splat(NaN), f32x4.lt(scale, f32x4.splat(Infinity)));
}
