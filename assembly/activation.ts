// Elementwise functions on f32: y[i] = f(x[i]), in place, any length, any alignment.
//
//   gelu       x/2 · (1 + erf(x/√2)), exact erf             (Transformers: gelu)
//   gelu_tanh  x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³)))   (Transformers: gelu_new, gelu_pytorch_tanh)
//   relu       max(x, 0)
//   silu       x / (1 + e^-x)                               (Transformers: silu, swish)
//   tanh       tanh x
//
// NaN gives NaN. About 25 flops an element for erf and tanh (one division), 20 for exp.
import { loadLanes, multiplyAdd, storeLanes } from "./simd";

export const NONE: i32 = 0;
export const GELU: i32 = 1;
export const GELU_TANH: i32 = 2;
export const RELU: i32 = 3;
export const SILU: i32 = 4;
export const TANH: i32 = 5;

// @ts-ignore: decorator
@inline
function polynomialStep(sum: v128, x: v128, coefficient: f32): v128 {
  return multiplyAdd(sum, x, f32x4.splat(coefficient));
}

/** e^x within 2 units in the last place; 0 below -87.3, infinity above 88.7. Cephes' expf: x = n·ln 2 + r, |r| ≤ ln 2 / 2. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const bounded = f32x4.min(f32x4.max(x, f32x4.splat(-87.33654)), f32x4.splat(88.72283));
  const n = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(1.44269504088896341)));
  let r = multiplyAdd(n, f32x4.splat(-0.693359375), bounded);
  r = multiplyAdd(n, f32x4.splat(2.12194440e-4), r);
  let p = f32x4.splat(1.9875691500e-4);
  p = polynomialStep(p, r, 1.3981999507e-3);
  p = polynomialStep(p, r, 8.3334519073e-3);
  p = polynomialStep(p, r, 4.1665795894e-2);
  p = polynomialStep(p, r, 1.6666665459e-1);
  p = polynomialStep(p, r, 5.0000001201e-1);
  p = multiplyAdd(p, f32x4.mul(r, r), f32x4.add(r, f32x4.splat(1)));
  // 2^n in two factors: n = 128 (x just below 88.72) has no float of its own.
  const whole = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(whole, 1);
  p = f32x4.mul(p, i32x4.shl(i32x4.add(half, i32x4.splat(127)), 23));
  p = f32x4.mul(p, i32x4.shl(i32x4.add(i32x4.sub(whole, half), i32x4.splat(127)), 23));
  p = v128.bitselect(f32x4.splat(0), p, f32x4.lt(x, f32x4.splat(-87.33654)));
  return v128.bitselect(f32x4.splat(Infinity), p, f32x4.gt(x, f32x4.splat(88.72283)));
}

/** erf x, max abs error 2e-7: x·P(x²)/Q(x²) on |x| ≤ 4 (Eigen's rational fit); beyond, erf is ±1 in f32. */
// @ts-ignore: decorator
@inline
function erf4(x: v128): v128 {
  const t = f32x4.min(f32x4.max(x, f32x4.splat(-4)), f32x4.splat(4));
  const s = f32x4.mul(t, t);
  let p = f32x4.splat(-2.72614225801306e-10);
  p = polynomialStep(p, s, 2.77068142495902e-8);
  p = polynomialStep(p, s, -2.10102402082508e-6);
  p = polynomialStep(p, s, -5.69250639462346e-5);
  p = polynomialStep(p, s, -7.34990630326855e-4);
  p = polynomialStep(p, s, -2.954600101e-3);
  p = polynomialStep(p, s, -1.60960333262415e-2);
  let q = f32x4.splat(-1.45660718464996e-5);
  q = polynomialStep(q, s, -2.13374055278905e-4);
  q = polynomialStep(q, s, -1.68282697438203e-3);
  q = polynomialStep(q, s, -7.37332916720468e-3);
  q = polynomialStep(q, s, -1.42647390514189e-2);
  const e = f32x4.div(f32x4.mul(t, p), q);
  return f32x4.min(f32x4.max(e, f32x4.splat(-1)), f32x4.splat(1));
}

/** tanh x, max abs error 2e-7: x·P(x²)/Q(x²) on |x| ≤ 9 (Eigen's rational fit); beyond, tanh is ±1 in f32. */
// @ts-ignore: decorator
@inline
function tanh4(x: v128): v128 {
  const t = f32x4.min(f32x4.max(x, f32x4.splat(-9)), f32x4.splat(9));
  const s = f32x4.mul(t, t);
  let p = f32x4.splat(-2.76076847742355e-16);
  p = polynomialStep(p, s, 2.00018790482477e-13);
  p = polynomialStep(p, s, -8.60467152213735e-11);
  p = polynomialStep(p, s, 5.12229709037114e-8);
  p = polynomialStep(p, s, 1.48572235717979e-5);
  p = polynomialStep(p, s, 6.37261928875436e-4);
  p = polynomialStep(p, s, 4.89352455891786e-3);
  let q = f32x4.splat(1.19825839466702e-6);
  q = polynomialStep(q, s, 1.18534705686654e-4);
  q = polynomialStep(q, s, 2.26843463243900e-3);
  q = polynomialStep(q, s, 4.89352518554385e-3);
  const y = f32x4.div(f32x4.mul(t, p), q);
  return f32x4.min(f32x4.max(y, f32x4.splat(-1)), f32x4.splat(1));
}

// @ts-ignore: decorator
@inline
function activate4(x: v128, kind: i32): v128 {
  if (kind == GELU) {
    const half = f32x4.mul(x, f32x4.splat(0.5));
    return multiplyAdd(half, erf4(f32x4.mul(x, f32x4.splat(0.70710678118654752))), half);
  }
  if (kind == GELU_TANH) {
    const half = f32x4.mul(x, f32x4.splat(0.5));
    const cube = f32x4.mul(f32x4.mul(x, x), x);
    const inner = f32x4.mul(multiplyAdd(cube, f32x4.splat(0.044715), x), f32x4.splat(0.79788456080286536));
    return multiplyAdd(half, tanh4(inner), half);
  }
  // pmax, not max: on x86 one instruction; (0 < x) ? x : 0 would hide NaN, (x < 0) ? 0 : x keeps it.
  if (kind == RELU) return f32x4.pmax(x, f32x4.splat(0));
  if (kind == SILU) return f32x4.div(x, f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))));
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
