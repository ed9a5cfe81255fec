// e^x on f32, four at a time or a block at a time.
//
// Within 2 units in the last place on -87.33 … 88.37; 1.2e-38, the smallest normal float, below, infinity above; NaN gives NaN.
// Cephes' expf: x = n·ln 2 + r, |r| ≤ ln 2 / 2; 2^n is made in the exponent's bits, where n = 128 is infinity. About 20 flops an element.
import { roundedMultiplyAdd } from "./simd";

/**
 * Polynomials are summed in pairs, not term by term: a chain of additions waits for each, and few elements fit the CPU's window.
 * Constants lie in memory and are loaded where they are used: V8 does not keep v128 constants in registers but makes each anew at
 * each use, with three instructions. Measured on an EPYC, Node 24, both together: GELU took 2.3 ns an element instead of 3.8.
 */
// @ts-ignore: decorator
@inline
export function constant(table: usize, index: usize): v128 {
  return v128.load32_splat(table + (index << 2));
}

/** c·x + d, constants of a table. */
// @ts-ignore: decorator
@inline
export function line(x: v128, table: usize, c: usize, d: usize): v128 {
  return roundedMultiplyAdd(constant(table, c), x, constant(table, d));
}

/** For `constant`, index 0. */
export const ONE = memory.data<f32>([1]);
/** Bounds, 1/ln 2, 1.5·2^23, -ln 2 in two parts, and the polynomial of (e^r - 1 - r) / r² from the highest power. */
const EXP = memory.data<f32>([
  -87.33654, 88.72283, 1.44269504088896341, 12582912, -0.693359375, 2.12194440e-4, 1.9875691500e-4, 1.3981999507e-3,
  8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
]);

/** pmax and pmin with x first keep NaN, and are one instruction where max and min are six. */
// @ts-ignore: decorator
@inline
function bounded(x: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, constant(EXP, 0)), constant(EXP, 1));
}

/** n + 1.5·2^23, which leaves n in the low bits. */
// @ts-ignore: decorator
@inline
function shiftedPower(x: v128): v128 {
  return f32x4.add(f32x4.mul(x, constant(EXP, 2)), constant(EXP, 3));
}

/** r */
// @ts-ignore: decorator
@inline
function remainder(x: v128, shifted: v128): v128 {
  const n = f32x4.sub(shifted, constant(EXP, 3));
  return roundedMultiplyAdd(n, constant(EXP, 5), roundedMultiplyAdd(n, constant(EXP, 4), x));
}

/** e^r · 2^n */
// @ts-ignore: decorator
@inline
function scaledPolynomial(r: v128, shifted: v128): v128 {
  const r2 = f32x4.mul(r, r);
  let p = roundedMultiplyAdd(line(r, EXP, 6, 7), r2, line(r, EXP, 8, 9));
  p = roundedMultiplyAdd(p, r2, line(r, EXP, 10, 11));
  p = roundedMultiplyAdd(p, r2, f32x4.add(r, constant(ONE, 0)));
  return f32x4.mul(p, i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23));
}

/** e^x of four. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const inside = bounded(x);
  const shifted = shiftedPower(inside);
  return scaledPolynomial(remainder(inside, shifted), shifted);
}

/** The most that expBlock takes at once. */
export const EXP_BLOCK_BYTES: usize = 1024;
const shiftedPowers: usize = memory.data(<i32>EXP_BLOCK_BYTES, 16);

/**
 * x[i] = e^x[i] for `bytes`, a multiple of 16, at most EXP_BLOCK_BYTES. The same bits as exp4, faster: as one loop the chain from x to
 * e^x is so long that few elements fit the CPU's window at once (measured on an EPYC, Node 24: 1 to 3 % of a forward pass in q8).
 */
export function expBlock(x: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const inside = bounded(v128.load(x + i));
    const shifted = shiftedPower(inside);
    v128.store(shiftedPowers + i, shifted);
    v128.store(x + i, remainder(inside, shifted));
  }
  for (let i: usize = 0; i < bytes; i += 16) v128.store(x + i, scaledPolynomial(v128.load(x + i), v128.load(shiftedPowers + i)));
}
