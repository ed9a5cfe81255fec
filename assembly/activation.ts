// Elementwise functions on f32: y[i] = f(x[i]), in place, any length, any alignment.
//
//   gelu       x/2 · (1 + erf(x/√2)), exact erf             (Transformers: gelu)
//   gelu_tanh  x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³)))   (Transformers: gelu_new, gelu_pytorch_tanh)
//   relu       max(x, 0)
//   silu       x / (1 + e^-x)                               (Transformers: silu, swish)
//   tanh       tanh x
//
// NaN gives NaN. About 40 flops an element for gelu, 30 for the others but relu; one division each. Where the result is rounded to 8 bits
// next, gelu and gelu_tanh may be off by 1.4e-4 (`forRounding`): 20 flops, no division.
import { constant, EXP_BLOCK_BYTES, exp4, expBlock, line, ONE } from "./exp";
import { loadLanes, roundedMultiplyAdd, storeLanes } from "./simd";

export const NONE: i32 = 0;
export const GELU: i32 = 1;
export const GELU_TANH: i32 = 2;
export const RELU: i32 = 3;
export const SILU: i32 = 4;
export const TANH: i32 = 5;
const ROUNDED_GELU: i32 = 6;
const ROUNDED_GELU_TANH: i32 = 7;

/** The kind for results that are rounded to 8 bits: most are as they are. */
export function forRounding(kind: i32): i32 {
  if (kind == GELU) return ROUNDED_GELU;
  return kind == GELU_TANH ? ROUNDED_GELU_TANH : kind;
}

/** 6.5² and -h below, from the highest power of x². */
const GELU_FIT = memory.data<f32>([
  42.25, -3.6111259441e-9, 2.6688849426e-7, -7.9381553866e-6, 1.1047989294e-4, 6.6261301132e-5, -7.2668568737e-2, -1.5957684316,
]);

/**
 * -z of x·Φ(x) = x / (1 + e^-z), z = x·h(x²) = ln(Φ(x) / Φ(-x)), which is odd and smooth: h is a minimax fit of degree 6 for the error of
 * x·Φ(x) (6.7e-8) on |x| ≤ 6.5. Beyond, Φ is 0 or 1 in f32. Measured: erf as a rational function of x errs by 1.2e-6 near
 * x = 5, as its rounding errors are multiplied by x; here they are multiplied by 1 - Φ.
 */
// @ts-ignore: decorator
@inline
function geluExponent(x: v128): v128 {
  const s = f32x4.pmin(f32x4.mul(x, x), constant(GELU_FIT, 0));
  const s2 = f32x4.mul(s, s);
  const high = roundedMultiplyAdd(constant(GELU_FIT, 1), s2, line(s, GELU_FIT, 2, 3));
  const low = roundedMultiplyAdd(line(s, GELU_FIT, 4, 5), s2, line(s, GELU_FIT, 6, 7));
  const h = roundedMultiplyAdd(high, f32x4.mul(s2, s2), low);
  return f32x4.mul(x, h);
}

const GELU_TANH_FIT = memory.data<f32>([0.044715, -1.59576912160573071]);

/** -2u of x/2·(1 + tanh u) = x / (1 + e^-2u), u = √(2/π)·(x + 0.044715·x³). */
// @ts-ignore: decorator
@inline
function geluTanhExponent(x: v128): v128 {
  const cube = f32x4.mul(f32x4.mul(x, x), x);
  const sum = roundedMultiplyAdd(cube, constant(GELU_TANH_FIT, 0), x);
  return f32x4.mul(sum, constant(GELU_TANH_FIT, 1));
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

/** -z of the functions that are x / (1 + e^-z): GELU, GELU_TANH, SILU. */
// @ts-ignore: decorator
@inline
function exponent(x: v128, kind: i32): v128 {
  if (kind == GELU) return geluExponent(x);
  if (kind == GELU_TANH) return geluTanhExponent(x);
  return f32x4.neg(x);
}

/** x / (1 + e): x times the logistic function of z where e is e^-z. */
// @ts-ignore: decorator
@inline
function timesLogistic(x: v128, e: v128): v128 {
  return f32x4.div(x, f32x4.add(constant(ONE, 0), e));
}

/** Of one block: -z, then e^-z. */
const exponents: usize = memory.data(<i32>EXP_BLOCK_BYTES, 16);

/** rows × bytes, in all at most EXP_BLOCK_BYTES. */
// @ts-ignore: decorator
@inline
function logisticBlock(kind: i32, x: usize, rowStrideBytes: usize, rows: i32, bytes: usize): void {
  let e = exponents;
  let from = x;
  for (let row = 0; row < rows; row++, from += rowStrideBytes, e += bytes) {
    for (let i: usize = 0; i < bytes; i += 16) v128.store(e + i, exponent(v128.load(from + i), kind));
  }
  expBlock(exponents, e - exponents);
  e = exponents;
  for (let row = 0; row < rows; row++, x += rowStrideBytes, e += bytes) {
    for (let i: usize = 0; i < bytes; i += 16) v128.store(x + i, timesLogistic(v128.load(x + i), v128.load(e + i)));
  }
}

/** The functions x / (1 + e^-z), in blocks of part of a row or of several rows: the f32 matmul has rows of 8 floats. */
// @ts-ignore: decorator
@inline
function logisticRowsAs(kind: i32, x: usize, rowStrideBytes: usize, rows: i32, columns: i32): void {
  const tail = columns & 3;
  const wholeBytes = <usize>(columns - tail) << 2;
  const rowsAtOnce = max(1, <i32>(EXP_BLOCK_BYTES / max(16, wholeBytes)));
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const count = min(rows - row, rowsAtOnce);
    const first = x + <usize>row * rowStrideBytes;
    for (let at: usize = 0; at < wholeBytes; at += EXP_BLOCK_BYTES) {
      logisticBlock(kind, first + at, rowStrideBytes, count, min(wholeBytes - at, EXP_BLOCK_BYTES));
    }
  }
  if (tail) {
    let end = x + wholeBytes;
    for (let row = 0; row < rows; row++, end += rowStrideBytes) {
      const last = loadLanes(end, tail, f32x4.splat(0));
      storeLanes(end, timesLogistic(last, exp4(exponent(last, kind))), tail);
    }
  }
}

/** -4, 4, 1/2 and P below, from the highest power of x²; of gelu, then of gelu_tanh. */
const ROUNDED_GELU_FIT = memory.data<f32>([
  -4, 4, 0.5, -4.39297904e-10, 5.06112166e-8, -2.31218633e-6, 5.74285768e-5, -8.83024186e-4, 9.04063508e-3, -6.50657117e-2, 0.398187548,
]);
const ROUNDED_GELU_TANH_FIT = memory.data<f32>([
  -4, 4, 0.5, -1.13682153e-9, 9.56306963e-8, -3.4922848e-6, 7.34912246e-5, -1.00282871e-3, 9.50814504e-3, -6.58516064e-2, 0.398478508,
]);

/**
 * x·Φ(x), Φ(x) ≈ 1/2 + x·P(x²): P is a minimax fit of degree 7 for the error of x·Φ(x) on |x| ≤ 4, with Φ(4) = 1. Beyond, the result
 * is x or as good as 0. Steps of 8 bits are 100 times as large as its error where a row has values of 5.
 */
// @ts-ignore: decorator
@inline
function roundedGelu(
  x: v128, table: usize, p0: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, p6: v128, p7: v128,
): v128 {
  const u = f32x4.pmax(x, constant(table, 0));
  const t = f32x4.pmin(u, constant(table, 1));
  const s = f32x4.mul(t, t);
  const s2 = f32x4.mul(s, s);
  const high = roundedMultiplyAdd(roundedMultiplyAdd(p0, s, p1), s2, roundedMultiplyAdd(p2, s, p3));
  const low = roundedMultiplyAdd(roundedMultiplyAdd(p4, s, p5), s2, roundedMultiplyAdd(p6, s, p7));
  const p = roundedMultiplyAdd(high, f32x4.mul(s2, s2), low);
  return f32x4.mul(u, roundedMultiplyAdd(t, p, constant(table, 2)));
}

/** The coefficients stay in registers: loaded anew at each use they take as long as the sums (measured: 9 % of it). */
// @ts-ignore: decorator
@inline
function roundedGeluRowsAs(table: usize, x: usize, rowStrideBytes: usize, rows: i32, columns: i32): void {
  const p0 = constant(table, 3), p1 = constant(table, 4), p2 = constant(table, 5), p3 = constant(table, 6);
  const p4 = constant(table, 7), p5 = constant(table, 8), p6 = constant(table, 9), p7 = constant(table, 10);
  const tail = columns & 3;
  const wholeBytes = <usize>(columns - tail) << 2;
  for (let row = 0; row < rows; row++, x += rowStrideBytes) {
    const end = x + wholeBytes;
    for (let at = x; at < end; at += 16) v128.store(at, roundedGelu(v128.load(at), table, p0, p1, p2, p3, p4, p5, p6, p7));
    if (tail) storeLanes(end, roundedGelu(loadLanes(end, tail, f32x4.splat(0)), table, p0, p1, p2, p3, p4, p5, p6, p7), tail);
  }
}

/** RELU or TANH. */
// @ts-ignore: decorator
@inline
function activate4(x: v128, kind: i32): v128 {
  // pmax, not max: on x86 one instruction; (0 < x) ? x : 0 would hide NaN, (x < 0) ? 0 : x keeps it.
  if (kind == RELU) return f32x4.pmax(x, f32x4.splat(0));
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
  logisticRowsAs(GELU, x, stride, rows, columns);
}
function geluTanhRows(x: usize, stride: usize, rows: i32, columns: i32): void {
  logisticRowsAs(GELU_TANH, x, stride, rows, columns);
}
function roundedGeluRows(x: usize, stride: usize, rows: i32, columns: i32): void {
  roundedGeluRowsAs(ROUNDED_GELU_FIT, x, stride, rows, columns);
}
function roundedGeluTanhRows(x: usize, stride: usize, rows: i32, columns: i32): void {
  roundedGeluRowsAs(ROUNDED_GELU_TANH_FIT, x, stride, rows, columns);
}
function reluRows(x: usize, stride: usize, rows: i32, columns: i32): void {
  activateRowsAs(RELU, x, stride, rows, columns);
}
function siluRows(x: usize, stride: usize, rows: i32, columns: i32): void {
  logisticRowsAs(SILU, x, stride, rows, columns);
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
  else if (kind == ROUNDED_GELU) roundedGeluRows(x, rowStrideBytes, rows, columns);
  else if (kind == ROUNDED_GELU_TANH) roundedGeluTanhRows(x, rowStrideBytes, rows, columns);
}
