// C = A·B of 16-bit integers with 32-bit sums, exact on every engine: under the int8 matmul where there is no byte dot.
//
//   c  i32 [M][8]
//   a  i16 [ceil(M/4)][K/2][4][2]     groups of 4 rows, groupBytes apart: a pair of neighbours in k of each row, then the next pair
//   b  i16 [K/2][8][2]                one panel: 8 columns, pairs of neighbours in k side by side, as dotPairs multiplies them
//
// K even, M ≥ 1; up to 16 bytes behind the rows of a are read and ignored. The caller sees to it that no sum leaves 32 bits. 2·M·8·K
// operations.
//
// Tile: up to 4 rows × 8 columns: 8 accumulators, 2 of B, 4 of A, 1 product that waits = V8's 15 registers. Rows of A stand in groups
// because the loop is bound by the number of instructions, and one pointer for four rows spares some (measured on an EPYC against four
// pointers: Node 24 92 Gop/s instead of 88, Node 22 82 instead of 76).
import { biasPlusZero, finish, finishEight } from "./finish-i8";
import { continuePrefetch, startPrefetch } from "./prefetch";
import { dotPairs } from "./simd";

/** Bytes from one pair of a column to its next: 8 columns × 2 values of 2 bytes; or from four to four bytes: 8 × 4 of 1 byte. */
const PANEL_STEP_BYTES: usize = 32;
/** Bytes from one pair of a row to its next: 4 rows × 2 values of 2 bytes. */
export const GROUP_STEP_BYTES: usize = 16;
/** Bytes of a row of sums. */
const SUM_ROW_BYTES: usize = 32;

/** Where value k of the rows of a group stands in it, for an even k. */
// @ts-ignore: decorator
@inline
export function groupOffset(k: i32): usize {
  return (<usize>k) << 3;
}

/** Bytes of a widened panel of depth K. */
// @ts-ignore: decorator
@inline
function wideBytes(K: i32): usize {
  return (<usize>K) << 4;
}

/** Where a row's first pair stands in groups of depth K. */
// @ts-ignore: decorator
@inline
export function rowInGroups(groups: usize, row: i32, K: i32): usize {
  return groups + <usize>(row >> 2) * groupOffset(K) + <usize>((row & 3) << 2);
}

/**
 * A multiple of 4 rows on a panel of bytes, i8 [K/4][8][4] (pack-i8.ts), K a multiple of 4. Of every four neighbours in k the pairs are
 * the first and third, then the second and fourth, in a as in the panel when it is widened: so a shift widens it where neighbours would
 * need a shuffle, whose mask V8 builds anew each time.
 *
 * The first four rows widen the panel on the way, into `wide`, i16 [K/2][8][2]. The caller starts prefetching (prefetch.ts), or there is
 * none: a step of it for each four rows.
 * @param adds whether c holds sums already, of other parts of K, to which these are added
 */
export function multiplyPanelOfBytes(c: usize, a: usize, groupBytes: usize, b: usize, wide: usize, M: i32, K: i32, adds: bool): void {
  storingTile4(c, a, b, wide, K, adds);
  continuePrefetch();
  multiplyRows(c + (SUM_ROW_BYTES << 2), a + groupBytes, groupBytes, wide, M - 4, K, adds);
}

/** The same on a panel that is widened already. */
export function multiplyRows(c: usize, a: usize, groupBytes: usize, wide: usize, M: i32, K: i32, adds: bool): void {
  for (; M > 0; M -= 4) {
    if (adds) addingTile4(c, a, wide, K);
    else tile4(c, a, wide, K);
    c += SUM_ROW_BYTES << 2;
    a += groupBytes;
    continuePrefetch();
  }
}

/**
 * A multiple of 4 rows on two such panels, panelBytes apart, whose sums the tiles make floats themselves (finish-i8.ts): what a tile does
 * besides its products weighs more the smaller K is (measured on an EPYC of 2021 at depth 128, Node 24, against sums that wait: 7 % at 32
 * rows, 8 at 128, 15 at 512). Meanwhile the nextBytes behind them are prefetched, if their marks (prefetch.ts) are not 0, and before that
 * the second panel, if it has marks here.
 *   wide  i16 [2][K/2][8][2]
 */
export function floatsOfTwoPanels(
  a: usize, b: usize, panelBytes: usize, wide: usize, marks: usize, nextBytes: usize, nextMarks: usize, M: i32, K: i32,
): void {
  const groupBytes = groupOffset(K);
  const second = b + panelBytes;
  const tileBytes = finish.ldc << 2;
  let c = finish.c;
  if (marks) {
    startPrefetch(second, panelBytes, marks, 1);
    continuePrefetch();
  }
  startPrefetch(second + panelBytes, nextBytes, nextMarks, (M >> 2) + 1);
  storingFloatTile4(c, a, b, wide, K, 0);
  continuePrefetch();
  storingFloatTile4(c, a, second, wide + wideBytes(K), K, 32);
  continuePrefetch();
  for (let m = 4; m < M; m += 4) {
    c += tileBytes;
    a += groupBytes;
    twoFloatTiles4(c, a, wide, K, (<usize>m) << 2);
    continuePrefetch();
  }
}

/** Rows first … M - 1, first a multiple of 4, on all of a panel of bytes: each four widen it anew. */
export function multiplyFewRows(c: usize, a: usize, b: usize, first: i32, M: i32, K: i32): void {
  for (let m = first; m < M; m += 4) {
    const at = c + <usize>m * SUM_ROW_BYTES;
    const group = a + <usize>(m >> 2) * groupOffset(K);
    const rows = M - m;
    if (rows >= 4) wideningTile4(at, group, b, K);
    else if (rows == 3) wideningTile3(at, group, b, K);
    else if (rows == 2) wideningTile2(at, group, b, K);
    else wideningTile1(at, group, b, K);
  }
}

function tile4(c: usize, a: usize, b: usize, K: i32): void {
  tile(4, false, false, false, c, a, b, 0, K, false, 0, 0);
}
/** To sums of another part of K. */
function addingTile4(c: usize, a: usize, b: usize, K: i32): void {
  tile(4, false, false, false, c, a, b, 0, K, true, 0, 0);
}
/** Four rows, with the widened panel for the others. */
function storingTile4(c: usize, a: usize, b: usize, wide: usize, K: i32, adds: bool): void {
  tile(4, true, true, false, c, a, b, wide, K, adds, 0, 0);
}
/** Four rows as floats, with the widened panel for the others. */
function storingFloatTile4(c: usize, a: usize, b: usize, wide: usize, K: i32, columnBytes: usize): void {
  tile(4, true, true, true, c, a, b, wide, K, false, 0, columnBytes);
}
/** Four rows of two panels as floats: a call for each panel takes 1 % more at depth 128, on Node 22 4 %. */
function twoFloatTiles4(c: usize, a: usize, wide: usize, K: i32, rowBytes: usize): void {
  tile(4, false, false, true, c, a, wide, 0, K, false, rowBytes, 0);
  tile(4, false, false, true, c, a, wide + wideBytes(K), 0, K, false, rowBytes, 32);
}
function wideningTile4(c: usize, a: usize, b: usize, K: i32): void {
  tile(4, true, false, false, c, a, b, 0, K, false, 0, 0);
}
function wideningTile3(c: usize, a: usize, b: usize, K: i32): void {
  tile(3, true, false, false, c, a, b, 0, K, false, 0, 0);
}
function wideningTile2(c: usize, a: usize, b: usize, K: i32): void {
  tile(2, true, false, false, c, a, b, 0, K, false, 0, 0);
}
function wideningTile1(c: usize, a: usize, b: usize, K: i32): void {
  tile(1, true, false, false, c, a, b, 0, K, false, 0, 0);
}

/**
 * The micro-kernel. `R`, its rows (four on a widened panel); `widens`, whether b holds bytes; `stores`, whether they go to `wide` widened;
 * and `finishes`, whether c becomes floats, are literals at each call: the compiler drops what a tile has not.
 * @param rowBytes where the scales of the rows begin, of those that are finished
 * @param columnBytes where their columns begin, in c as in scales and biases
 */
// @ts-ignore: decorator
@inline
function tile(
  R: i32, widens: bool, stores: bool, finishes: bool, c: usize, a: usize, b: usize, wide: usize, K: i32, adds: bool, rowBytes: usize,
  columnBytes: usize,
): void {
  const zero = i32x4.splat(0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
  if (adds) {
    c00 = v128.load(c);
    c01 = v128.load(c, 16);
    if (R > 1) {
      c10 = v128.load(c, 32);
      c11 = v128.load(c, 48);
    }
    if (R > 2) {
      c20 = v128.load(c, 64);
      c21 = v128.load(c, 80);
    }
    if (R > 3) {
      c30 = v128.load(c, 96);
      c31 = v128.load(c, 112);
    }
  }
  const end = a + groupOffset(K);
  if (!widens) {
    // A row's next values are loaded when its products are made, between their sums: two products, then two sums are what the CPU divides
    // evenly over its pipes, and the compiler would put each sum behind its product if the row did not change in between (measured on an
    // EPYC of 2021: 2 % of a forward pass on Node 24 and Bun, nothing on Node 22).
    let x0 = v128.load32_splat(a), x1 = v128.load32_splat(a, 4), x2 = v128.load32_splat(a, 8), x3 = v128.load32_splat(a, 12);
    if (!adds) {
      // The first products are the first sums (measured: 1 % at depth 128).
      const p0 = v128.load(b);
      const p1 = v128.load(b, 16);
      c00 = i32x4.dot_i16x8_s(x0, p0);
      c01 = i32x4.dot_i16x8_s(x0, p1);
      c10 = i32x4.dot_i16x8_s(x1, p0);
      c11 = i32x4.dot_i16x8_s(x1, p1);
      c20 = i32x4.dot_i16x8_s(x2, p0);
      c21 = i32x4.dot_i16x8_s(x2, p1);
      c30 = i32x4.dot_i16x8_s(x3, p0);
      c31 = i32x4.dot_i16x8_s(x3, p1);
      a += GROUP_STEP_BYTES;
      b += PANEL_STEP_BYTES;
      x0 = v128.load32_splat(a);
      x1 = v128.load32_splat(a, 4);
      x2 = v128.load32_splat(a, 8);
      x3 = v128.load32_splat(a, 12);
    }
    for (; a < end; b += PANEL_STEP_BYTES) {
      a += GROUP_STEP_BYTES;
      const p0 = v128.load(b);
      const p1 = v128.load(b, 16);
      let t = i32x4.dot_i16x8_s(x0, p1);
      c00 = dotPairs(x0, p0, c00);
      x0 = v128.load32_splat(a);
      c01 = i32x4.add(c01, t);
      t = i32x4.dot_i16x8_s(x1, p1);
      c10 = dotPairs(x1, p0, c10);
      x1 = v128.load32_splat(a, 4);
      c11 = i32x4.add(c11, t);
      t = i32x4.dot_i16x8_s(x2, p1);
      c20 = dotPairs(x2, p0, c20);
      x2 = v128.load32_splat(a, 8);
      c21 = i32x4.add(c21, t);
      t = i32x4.dot_i16x8_s(x3, p1);
      c30 = dotPairs(x3, p0, c30);
      x3 = v128.load32_splat(a, 12);
      c31 = i32x4.add(c31, t);
    }
  }
  for (; widens && a < end; b += PANEL_STEP_BYTES) {
    const bytes0 = v128.load(b);
    const bytes1 = v128.load(b, 16);
    const p0 = evenBytes(bytes0);
    const p1 = evenBytes(bytes1);
    const q0 = oddBytes(bytes0);
    const q1 = oddBytes(bytes1);
    // All stores before the loads of A: Node 22 loads what stands before a store at once, and runs out of registers.
    if (stores) {
      v128.store(wide, p0);
      v128.store(wide, p1, 16);
      v128.store(wide, q0, 32);
      v128.store(wide, q1, 48);
      wide += PANEL_STEP_BYTES << 1;
    }
    let x = v128.load32_splat(a);
    c00 = dotPairs(x, p0, c00);
    c01 = dotPairs(x, p1, c01);
    if (R > 1) {
      x = v128.load32_splat(a, 4);
      c10 = dotPairs(x, p0, c10);
      c11 = dotPairs(x, p1, c11);
    }
    if (R > 2) {
      x = v128.load32_splat(a, 8);
      c20 = dotPairs(x, p0, c20);
      c21 = dotPairs(x, p1, c21);
    }
    if (R > 3) {
      x = v128.load32_splat(a, 12);
      c30 = dotPairs(x, p0, c30);
      c31 = dotPairs(x, p1, c31);
    }
    a += GROUP_STEP_BYTES;
    x = v128.load32_splat(a);
    c00 = dotPairs(x, q0, c00);
    c01 = dotPairs(x, q1, c01);
    if (R > 1) {
      x = v128.load32_splat(a, 4);
      c10 = dotPairs(x, q0, c10);
      c11 = dotPairs(x, q1, c11);
    }
    if (R > 2) {
      x = v128.load32_splat(a, 8);
      c20 = dotPairs(x, q0, c20);
      c21 = dotPairs(x, q1, c21);
    }
    if (R > 3) {
      x = v128.load32_splat(a, 12);
      c30 = dotPairs(x, q0, c30);
      c31 = dotPairs(x, q1, c31);
    }
    a += GROUP_STEP_BYTES;
  }
  if (finishes) {
    c += columnBytes;
    const ldc = finish.ldc;
    const rowScales = finish.rowScales + rowBytes;
    const scales = finish.scales + columnBytes;
    const bias = finish.bias + columnBytes;
    const scales0 = v128.load(scales), scales1 = v128.load(scales, 16);
    const bias0 = biasPlusZero(bias), bias1 = biasPlusZero(bias + 16);
    finishEight(c, c00, c01, v128.load32_splat(rowScales), scales0, scales1, bias0, bias1);
    finishEight(c + ldc, c10, c11, v128.load32_splat(rowScales, 4), scales0, scales1, bias0, bias1);
    finishEight(c + ldc * 2, c20, c21, v128.load32_splat(rowScales, 8), scales0, scales1, bias0, bias1);
    finishEight(c + ldc * 3, c30, c31, v128.load32_splat(rowScales, 12), scales0, scales1, bias0, bias1);
    return;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  if (R > 1) {
    v128.store(c, c10, 32);
    v128.store(c, c11, 48);
  }
  if (R > 2) {
    v128.store(c, c20, 64);
    v128.store(c, c21, 80);
  }
  if (R > 3) {
    v128.store(c, c30, 96);
    v128.store(c, c31, 112);
  }
}

/** Bytes 0, 2, 4 … of 16 as 16-bit integers. */
// @ts-ignore: decorator
@inline
export function evenBytes(bytes: v128): v128 {
  return i16x8.shr_s(i16x8.shl(bytes, 8), 8);
}

/** Bytes 1, 3, 5 … */
// @ts-ignore: decorator
@inline
export function oddBytes(bytes: v128): v128 {
  return i16x8.shr_s(bytes, 8);
}
