// The most multiply-adds that the engine can do, for benchmarks: 12 independent accumulators, operands in registers, no memory.
import { multiplyAdd } from "./simd";

/**
 * Runs `steps` rounds of 12 four-lane multiply-adds (96 flops a round). The operands come from memory at `operands`
 * (f32 [8]): V8 would rebuild constants at each use; the accumulator is a factor, or
 * the product would be taken out of the loop. The result goes back there, so that nothing can be left out.
 */
export function multiplyAddPeak(operands: usize, steps: i32): void {
  const x = v128.load(operands);
  const y = v128.load(operands, 16);
  let s0 = x,
    s1 = y,
    s2 = x,
    s3 = y,
    s4 = x,
    s5 = y,
    s6 = x,
    s7 = y,
    s8 = x,
    s9 = y,
    s10 = x,
    s11 = y;
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
