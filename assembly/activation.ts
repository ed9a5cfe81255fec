// Elementwise functions on f32: y[i] = f(x[i]), in place, any length, any alignment.
//
//   gelu       x/2 · (1 + erf(x/√2)), exact erf             (Transformers: gelu)
//   gelu_tanh  x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³)))   (Transformers: gelu_new, gelu_pytorch_tanh)
//   relu       max(x, 0)
//   silu       x / (1 + e^-x)                               (Transformers: silu, swish)
//   tanh       tanh x
//
// NaN gives NaN. About 40 flops an element for gelu, 30 for the others but relu; one division each.
import { loadLanes, roundedMultiplyAdd, storeLanes } from "./simd";

export const NONE: i32 = 0;
export const GELU: i32 = 1;
export const GELU_TANH: i32 = 2;
export const RELU: i32 = 3;
export const SILU: i32 = 4;
export const TANH: i32 = 5;

/**
 * Polynomials are summed in pairs, not term by term: a chain of additions waits for each, and few elements fit the CPU's window.
 * Constants lie in memory and are loaded where they are used: V8 does not keep v128 constants in registers but makes each anew at
 * each use, with three instructions. Measured on an EPYC, Node 24, both together: GELU takes 2.3 ns an element instead of 3.8.
 */
// @ts-ignore: decorator
@inline
function constant(table: usize, index: usize): v128 {
  return v128.load32_splat(table + (index << 2));
}

/** c·x + d, constants of a table. */
// @ts-ignore: decorator
@inline
function line(x: v128, table: usize, c: usize, d: usize): v128 {
  return roundedMultiplyAdd(constant(table, c), x, constant(table, d));
}

const ONE = memory.data<f32>([1]);
/** Bounds, 1/ln 2, 1.5·2^23, -ln 2 in two parts, and the polynomial of (e^r - 1 - r) / r² from the highest power. */
const EXP = memory.data<f32>([
  -87.33654, 88.72283, 1.44269504088896341, 12582912, -0.693359375, 2.12194440e-4, 1.9875691500e-4, 1.3981999507e-3,
  8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
]);

/**
 * e^x within 2 units in the last place on -87.33 … 88.37; 1.2e-38, the smallest normal float, below, infinity above.
 * Cephes' expf: x = n·ln 2 + r, |r| ≤ ln 2 / 2; 2^n is made in the exponent's bits, where n = 128 is infinity.
 * Adding 1.5·2^23 leaves n in the low bits. pmax and pmin with x first keep NaN, and are one instruction where max and min are six.
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const bounded = f32x4.pmin(f32x4.pmax(x, constant(EXP, 0)), constant(EXP, 1));
  const shifted = f32x4.add(f32x4.mul(bounded, constant(EXP, 2)), constant(EXP, 3));
  const n = f32x4.sub(shifted, constant(EXP, 3));
  let r = roundedMultiplyAdd(n, constant(EXP, 4), bounded);
  r = roundedMultiplyAdd(n, constant(EXP, 5), r);
  const r2 = f32x4.mul(r, r);
  let p = roundedMultiplyAdd(line(r, EXP, 6, 7), r2, line(r, EXP, 8, 9));
  p = roundedMultiplyAdd(p, r2, line(r, EXP, 10, 11));
  p = roundedMultiplyAdd(p, r2, f32x4.add(r, constant(ONE, 0)));
  return f32x4.mul(p, i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23));
}

/** x / (1 + e^minusZ): x times the logistic function of z. */
// @ts-ignore: decorator
@inline
function timesLogistic(x: v128, minusZ: v128): v128 {
  return f32x4.div(x, f32x4.add(constant(ONE, 0), exp4(minusZ)));
}

/** 6.5² and -h below, from the highest power of x². */
const GELU_FIT = memory.data<f32>([
  42.25, -3.6111259441e-9, 2.6688849426e-7, -7.9381553866e-6, 1.1047989294e-4, 6.6261301132e-5, -7.2668568737e-2, -1.5957684316,
]);

/**
 * x·Φ(x) as x / (1 + e^-z), z = x·h(x²) = ln(Φ(x) / Φ(-x)), which is odd and smooth: h is a minimax fit of degree 6 for the error of
 * x·Φ(x) (6.7e-8) on |x| ≤ 6.5. Beyond, Φ is 0 or 1 in f32. Measured: erf as a rational function of x errs by 1.2e-6 near
 * x = 5, as its rounding errors are multiplied by x; here they are multiplied by 1 - Φ.
 */
// @ts-ignore: decorator
@inline
function gelu4(x: v128): v128 {
  const s = f32x4.pmin(f32x4.mul(x, x), constant(GELU_FIT, 0));
  const s2 = f32x4.mul(s, s);
  const high = roundedMultiplyAdd(constant(GELU_FIT, 1), s2, line(s, GELU_FIT, 2, 3));
  const low = roundedMultiplyAdd(line(s, GELU_FIT, 4, 5), s2, line(s, GELU_FIT, 6, 7));
  const h = roundedMultiplyAdd(high, f32x4.mul(s2, s2), low);
  return timesLogistic(x, f32x4.mul(x, h));
}

const GELU_TANH_FIT = memory.data<f32>([0.044715, -1.59576912160573071]);

/** x/2·(1 + tanh u) = x / (1 + e^-2u), u = √(2/π)·(x + 0.044715·x³). */
// @ts-ignore: decorator
@inline
function geluTanh4(x: v128): v128 {
  const cube = f32x4.mul(f32x4.mul(x, x), x);
  const sum = roundedMultiplyAdd(cube, constant(GELU_TANH_FIT, 0), x);
  return timesLogistic(x, f32x4.mul(sum, constant(GELU_TANH_FIT, 1)));
}

/** 9, P and Q below, each from the highest power of x². */
const TANH_FIT = memory.data<f32>([
  -9, 9, -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5,
  6.37261928875436e-4, 4.89352455891786e-3, 1.19825839466702e-6, 1.18534705686654e-4, 2.26843463243900e-3, 4.89352518554385e-3,
]);

/** tanh x, max abs error 4e-7: x·P(x²)/Q(x²) on |x| ≤ 9 (Eigen's rational fit); beyond, tanh is ±1 in f32. */
// @ts-ignore: decorator
@inline
function tanh4(x: v128): v128 {
  const t = f32x4.pmin(f32x4.pmax(x, constant(TANH_FIT, 0)), constant(TANH_FIT, 1));
  const s = f32x4.mul(t, t);
  // Term by term: so the quotient is 1 from 9 on, as it should be.
  let p = constant(TANH_FIT, 2);
  for (let i: usize = 3; i <= 8; i++) p = roundedMultiplyAdd(p, s, constant(TANH_FIT, i));
  let q = constant(TANH_FIT, 9);
  for (let i: usize = 10; i <= 12; i++) q = roundedMultiplyAdd(q, s, constant(TANH_FIT, i));
  const one = constant(ONE, 0);
  const y = f32x4.div(f32x4.mul(t, p), q);
  return f32x4.pmin(f32x4.pmax(y, f32x4.neg(one)), one);
}

// @ts-ignore: decorator
@inline
function activate4(x: v128, kind: i32): v128 {
  if (kind == GELU) return gelu4(x);
  if (kind == GELU_TANH) return geluTanh4(x);
  // pmax, not max: on x86 one instruction; (0 < x) ? x : 0 would hide NaN, (x < 0) ? 0 : x keeps it.
  if (kind == RELU) return f32x4.pmax(x, f32x4.splat(0));
  if (kind == SILU) return timesLogistic(x, f32x4.neg(x));
  return tanh4(x);
}

// @ts-ignore: decorator
@inline
function activateRowsAs(kind: i32, x: usize, rowStrideBytes: usize, rows: i32, columns: i32): void {
  const tail = columns & 3;
  const wholeBytes = <usize>(columns - tail) << 2;
  for (let row = 0; row < rows; row++, x += rowStrideBytes) {
    const end = x + wholeBytes;
    for (let at = x; at < end; at += 16) v128.store(at, activate4(v128.load(at), kind));
    if (tail) storeLanes(end, activate4(loadLanes(end, tail, f32x4.splat(0)), kind), tail);
  }
}

function geluRows(x: usize, stride: usize, rows: i32, columns: i32): void {
  activateRowsAs(GELU, x, stride, rows, columns);
}
function geluTanhRows(x: usize, stride: usize, rows: i32, columns: i32): void {
  activateRowsAs(GELU_TANH, x, stride, rows, columns);
}
function reluRows(x: usize, stride: usize, rows: i32, columns: i32): void {
  activateRowsAs(RELU, x, stride, rows, columns);
}
function siluRows(x: usize, stride: usize, rows: i32, columns: i32): void {
  activateRowsAs(SILU, x, stride, rows, columns);
}
function tanhRows(x: usize, stride: usize, rows: i32, columns: i32): void {
  activateRowsAs(TANH, x, stride, rows, columns);
}

/**
 * Applies the function `kind` in place to `columns` floats of each of `rows` rows that lie `rowStrideBytes` apart.
 *   x  f32 [rows][columns]
 */
export function activateRows(kind: i32, x: usize, rowStrideBytes: usize, rows: i32, columns: i32): void {
  // One function a kind: each is small, and V8 optimises it as soon as it is hot.
  if (kind == GELU) geluRows(x, rowStrideBytes, rows, columns);
  else if (kind == GELU_TANH) geluTanhRows(x, rowStrideBytes, rows, columns);
  else if (kind == RELU) reluRows(x, rowStrideBytes, rows, columns);
  else if (kind == SILU) siluRows(x, rowStrideBytes, rows, columns);
  else if (kind == TANH) tanhRows(x, rowStrideBytes, rows, columns);
}
