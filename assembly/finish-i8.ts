// Sums of the int8 matmul → rows of floats, of two panels at a time:
//
//   c[m][n] = (sum[m][n] - zero[m]·sums[n]) · scales[n] · scale[m] + bias[n] + init[m][n]    in this order, rounded at each step
//
// Two panels make whole cache lines of c, whose rows lie so far apart that they push each other out of L1 before the next panel (measured
// at 128 rows: 1 % of a forward pass). Rows that have both sums wait here until a tile of byte dots takes one in between: its dots fill two
// of the CPU's four vector pipes, and a few other instructions at a time cost nothing beside them (measured on an EPYC of 2024, Node 24:
// 3 % of a forward pass). Where K is small tiles of pairs finish what is in their registers.
import { storeFew } from "./pack";

/** Rows that are quantised together and multiplied with all panels: they stay in L2. */
export const BLOCK_ROWS: i32 = 128;
/** Sums of one panel, i32 [BLOCK_ROWS][8]; there is room for four, one behind the other. */
export const PANEL_SUMS_BYTES: usize = BLOCK_ROWS * 32;
export const panelSums: usize = memory.data(BLOCK_ROWS * 128, 16);
const lastPanel: usize = memory.data(32, 16);

/** What the rows become; written for each block of rows and each two panels. Addresses of the first row and column; zeros: no bias, no init. */
@unmanaged
class Finish {
  c: usize;
  ldc: usize;
  rowScales: usize;
  rowZeros: usize;
  scales: usize;
  sums: usize;
  bias: usize;
  init: usize;
  ldinit: usize;
  /** 1 … 16 */
  columns: i32;
  /** Sums of the first of the two panels. */
  from: usize;
}
export const finish = changetype<Finish>(memory.data(44, 16));

/** Rows that are finished, and rows that can be. */
let finished: i32 = 0;
let ready: i32 = 0;

/** The first `rows` have the sums of all columns now. */
// @ts-ignore: decorator
@inline
export function setReady(rows: i32): void {
  ready = rows;
}

/** The first `rows` of the 16 columns are floats already. */
// @ts-ignore: decorator
@inline
export function setFinished(rows: i32): void {
  finished = rows;
}

/** Finishes one row if one waits; not of the last columns, if they are fewer than 16. */
// @ts-ignore: decorator
@inline
export function finishOne(): void {
  if (finished >= ready || finish.columns < 16) return;
  const row = <usize>finished;
  const c = finish.c + row * finish.ldc;
  const init = finish.init + row * finish.ldinit;
  const from = finish.from + (row << 5);
  const scale = finish.rowScales + (row << 2);
  const zero = finish.rowZeros + (row << 2);
  const scales = finish.scales;
  const sums = finish.sums;
  const bias = finish.bias;
  const second = from + PANEL_SUMS_BYTES;
  finishFour(c, from, scale, zero, scales, sums, bias, init);
  finishFour(c + 16, from + 16, scale, zero, scales + 16, sums + 16, bias + 16, init + 16);
  finishFour(c + 32, second, scale, zero, scales + 32, sums + 32, bias + 32, init + 32);
  finishFour(c + 48, second + 16, scale, zero, scales + 48, sums + 48, bias + 48, init + 48);
  finished++;
}

/** All is loaded each time: registers for it, and the accumulators of the tile around this would leave theirs. */
// @ts-ignore: decorator
@inline
function finishFour(
  c: usize, from: usize, scale: usize, zero: usize, scales: usize, sums: usize, bias: usize, init: usize,
): void {
  v128.store(c, four(from, v128.load32_splat(scale), v128.load32_splat(zero), v128.load(scales), sums, v128.load(bias), init));
}

/** Finishes what is left of `rows`. */
export function finishRows(rows: i32): void {
  if (finish.columns == 16) finishLines(rows);
  else finishLastColumns(rows);
  finished = 0;
  ready = 0;
}

/** Of 16 columns, whose scales and biases stay in registers (measured on an EPYC without byte dots: 4 % of a matmul of depth 128). */
function finishLines(rows: i32): void {
  const scales = finish.scales;
  const bias = finish.bias;
  const scales0 = v128.load(scales), scales1 = v128.load(scales, 16), scales2 = v128.load(scales, 32), scales3 = v128.load(scales, 48);
  const bias0 = v128.load(bias), bias1 = v128.load(bias, 16), bias2 = v128.load(bias, 32), bias3 = v128.load(bias, 48);
  const sums = finish.sums;
  const ldc = finish.ldc;
  const ldinit = finish.ldinit;
  const first = <usize>finished;
  let c = finish.c + first * ldc;
  let init = finish.init + first * ldinit;
  let from = finish.from + (first << 5);
  let rowScale = finish.rowScales + (first << 2);
  let rowZero = finish.rowZeros + (first << 2);
  for (const end = finish.from + ((<usize>rows) << 5); from < end; from += 32, c += ldc, init += ldinit, rowScale += 4, rowZero += 4) {
    const scale = v128.load32_splat(rowScale);
    const zero = v128.load32_splat(rowZero);
    const second = from + PANEL_SUMS_BYTES;
    v128.store(c, four(from, scale, zero, scales0, sums, bias0, init));
    v128.store(c, four(from + 16, scale, zero, scales1, sums + 16, bias1, init + 16), 16);
    v128.store(c, four(second, scale, zero, scales2, sums + 32, bias2, init + 32), 32);
    v128.store(c, four(second + 16, scale, zero, scales3, sums + 48, bias3, init + 48), 48);
  }
}

/** Of fewer than 16: none of them is finished before. */
function finishLastColumns(rows: i32): void {
  const columns = finish.columns;
  let c = finish.c;
  let init = finish.init;
  let from = finish.from;
  let rowScale = finish.rowScales;
  let rowZero = finish.rowZeros;
  for (let row = 0; row < rows; row++, from += 32, c += finish.ldc, init += finish.ldinit, rowScale += 4, rowZero += 4) {
    const scale = v128.load32_splat(rowScale);
    const zero = v128.load32_splat(rowZero);
    finishLastEight(c, from, scale, zero, finish.scales, finish.sums, finish.bias, init, columns);
    if (columns > 8) {
      finishLastEight(
        c + 32, from + PANEL_SUMS_BYTES, scale, zero, finish.scales + 32, finish.sums + 32, finish.bias + 32, init + 32, columns - 8,
      );
    }
  }
}

// @ts-ignore: decorator
@inline
function finishLastEight(
  c: usize, from: usize, scale: v128, zero: v128, scales: usize, sums: usize, bias: usize, init: usize, columns: i32,
): void {
  const c0 = four(from, scale, zero, v128.load(scales), sums, v128.load(bias), init);
  const c1 = four(from + 16, scale, zero, v128.load(scales, 16), sums + 16, v128.load(bias, 16), init + 16);
  if (columns >= 8) {
    v128.store(c, c0);
    v128.store(c, c1, 16);
  } else {
    v128.store(lastPanel, c0);
    v128.store(lastPanel, c1, 16);
    storeFew(c, lastPanel, columns);
  }
}

/** Four columns of a row. */
// @ts-ignore: decorator
@inline
function four(from: usize, scale: v128, zero: v128, scales: v128, sums: usize, bias: v128, init: usize): v128 {
  const sum = i32x4.sub(v128.load(from), i32x4.mul(zero, v128.load(sums)));
  return f32x4.add(scaled(sum, scale, scales, bias), v128.load(init));
}

// @ts-ignore: decorator
@inline
function scaled(sum: v128, scale: v128, scales: v128, bias: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum), scales), scale), bias);
}

/** Eight columns of a row whose sums are in registers, where zero[m] is 0 and there is no init: `bias` is biasPlusZero. */
// @ts-ignore: decorator
@inline
export function finishEight(
  c: usize, sum0: v128, sum1: v128, scale: v128, scales0: v128, scales1: v128, bias0: v128, bias1: v128,
): void {
  v128.store(c, scaled(sum0, scale, scales0, bias0));
  v128.store(c, scaled(sum1, scale, scales1, bias1), 16);
}

/** Added once to a bias, not to each value, an init of 0 gives the same bits: it makes -0 + -0 to 0, and changes nothing else. */
// @ts-ignore: decorator
@inline
export function biasPlusZero(bias: usize): v128 {
  return f32x4.add(v128.load(bias), f32x4.splat(0));
}
