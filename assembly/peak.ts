// The most multiply-adds that the engine can do, for benchmarks: independent accumulators, operands in registers, no memory.
import { dotBytes, dotPairs, HAS_DOT, multiplyAdd } from "./simd";

/**
 * Runs `steps` rounds of 12 four-lane multiply-adds (96 flops a round). The operands come from memory at `operands` (f32 [8]): V8 would
 * rebuild constants at each use; the accumulator is a factor, or the product would be taken out of the loop. The result goes back there,
 * so that nothing can be left out.
 */
export function multiplyAddPeak(operands: usize, steps: i32): void {
  const x = v128.load(operands);
  const y = v128.load(operands, 16);
  let s0 = x, s1 = y, s2 = x, s3 = y, s4 = x, s5 = y, s6 = x, s7 = y, s8 = x, s9 = y, s10 = x, s11 = y;
  for (let i = 0; i < steps; i++) {
    s0 = multiplyAdd(s0, x, y);
    s1 = multiplyAdd(s1, x, y);
    s2 = multiplyAdd(s2, x, y);
    s3 = multiplyAdd(s3, x, y);
    s4 = multiplyAdd(s4, x, y);
    s5 = multiplyAdd(s5, x, y);
    s6 = multiplyAdd(s6, x, y);
    s7 = multiplyAdd(s7, x, y);
    s8 = multiplyAdd(s8, x, y);
    s9 = multiplyAdd(s9, x, y);
    s10 = multiplyAdd(s10, x, y);
    s11 = multiplyAdd(s11, x, y);
  }
  const even = f32x4.add(f32x4.add(f32x4.add(s0, s2), f32x4.add(s4, s6)), f32x4.add(s8, s10));
  const odd = f32x4.add(f32x4.add(f32x4.add(s1, s3), f32x4.add(s5, s7)), f32x4.add(s9, s11));
  v128.store(operands, f32x4.add(even, odd));
}

/** The same with 16-bit pairs: 192 operations a round. Operands are v128 [2], the result goes there. */
export function pairDotPeak(operands: usize, steps: i32): void {
  const x = v128.load(operands);
  const y = v128.load(operands, 16);
  let s0 = x, s1 = y, s2 = x, s3 = y, s4 = x, s5 = y, s6 = x, s7 = y, s8 = x, s9 = y, s10 = x, s11 = y;
  let t: v128;
  for (let i = 0; i < steps; i++) {
    // Each sum is a factor too, or the product would be taken out of the loop. Two products, then two sums, which take each other's
    // product so that the compiler keeps this order: one after another an EPYC sends all products to one of its two schedulers at
    // times (measured: 64 Gop/s, at other times 91; in this order always 95).
    t = i32x4.dot_i16x8_s(s0, y);
    s0 = dotPairs(s1, y, s0);
    s1 = i32x4.add(s1, t);
    t = i32x4.dot_i16x8_s(s2, y);
    s2 = dotPairs(s3, y, s2);
    s3 = i32x4.add(s3, t);
    t = i32x4.dot_i16x8_s(s4, y);
    s4 = dotPairs(s5, y, s4);
    s5 = i32x4.add(s5, t);
    t = i32x4.dot_i16x8_s(s6, y);
    s6 = dotPairs(s7, y, s6);
    s7 = i32x4.add(s7, t);
    t = i32x4.dot_i16x8_s(s8, y);
    s8 = dotPairs(s9, y, s8);
    s9 = i32x4.add(s9, t);
    t = i32x4.dot_i16x8_s(s10, y);
    s10 = dotPairs(s11, y, s10);
    s11 = i32x4.add(s11, t);
  }
  const even = i32x4.add(i32x4.add(i32x4.add(s0, s2), i32x4.add(s4, s6)), i32x4.add(s8, s10));
  const odd = i32x4.add(i32x4.add(i32x4.add(s1, s3), i32x4.add(s5, s7)), i32x4.add(s9, s11));
  v128.store(operands, i32x4.add(even, odd));
}

/** The same with byte dots, 12 accumulators: 384 operations a round. Does nothing on a build without them. */
export function byteDotPeak(operands: usize, steps: i32): void {
  if (!HAS_DOT) return;
  const x = v128.load(operands);
  const y = v128.load(operands, 16);
  let s0 = x, s1 = y, s2 = x, s3 = y, s4 = x, s5 = y, s6 = x, s7 = y, s8 = x, s9 = y, s10 = x, s11 = y;
  for (let i = 0; i < steps; i++) {
    s0 = dotBytes(x, s0, s0);
    s1 = dotBytes(x, s1, s1);
    s2 = dotBytes(x, s2, s2);
    s3 = dotBytes(x, s3, s3);
    s4 = dotBytes(x, s4, s4);
    s5 = dotBytes(x, s5, s5);
    s6 = dotBytes(x, s6, s6);
    s7 = dotBytes(x, s7, s7);
    s8 = dotBytes(x, s8, s8);
    s9 = dotBytes(x, s9, s9);
    s10 = dotBytes(x, s10, s10);
    s11 = dotBytes(x, s11, s11);
  }
  const even = i32x4.add(i32x4.add(i32x4.add(s0, s2), i32x4.add(s4, s6)), i32x4.add(s8, s10));
  const odd = i32x4.add(i32x4.add(i32x4.add(s1, s3), i32x4.add(s5, s7)), i32x4.add(s9, s11));
  v128.store(operands, i32x4.add(even, odd));
}
