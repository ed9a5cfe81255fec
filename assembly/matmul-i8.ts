// C = A·B + bias + init, A quantised row by row on the way in, B packed bytes; 32-bit integer sums, so that every engine gives the
// same bits whichever instruction it multiplies with.
//
//   c       f32 [M][N]  rows ldcBytes apart      may be the same memory as init, must not overlap x
//   x       f32 [M][K]  rows ldxBytes apart
//   panels  i8 [ceil(N/8)][ceil(K/4)][8][4]      by pack-i8.ts, with
//   marks   u8 [ceil(N/8)][ceil(K/8)]            by prefetch.ts: panels are prefetched, which stores in them what is there; 0: they are not
//   scales  f32 [ceil(N/8)·8]   sums  i32 [ceil(N/8)·8]
//   bias    f32 [ceil(N/8)·8]                    address 0: none
//   init    f32 [M][N]  rows ldinitBytes apart   the residual; up to 7 floats behind a row are read and ignored; 0: none
//   scratch matmulI8ScratchBytes(K) bytes
//
//   c[m][n] = Σ_k (q - zero)[m][k]·w[k][n] · scales[n] · scale[m] + bias[n] + init[m][n]    in this order, rounded at each step
//
// M, N ≥ 1, 1 ≤ K ≤ 66,311 (127·255·K fits 32 bits); alignment to 4 bytes is enough. 2·M·N·K operations.
//
// The form in use (quantize.ts) decides how sums are made: a byte dot, 6 × 8 tiles; or 16-bit pairs, 4 × 8 tiles on a panel of which
// one part after another is widened once and stays in L1 while the rows go by, or of two panels with an eighth fewer products
// (strassen-i16.ts). Floats are made from the sums in one place, of two panels at a time.
import { groupOffset, multiplyPanelOfBytes, multiplyPanelWidening } from "./matmul-i16";
import { roundUp4, storeFew } from "./pack";
import { panelI8Bytes, STEP_BYTES } from "./pack-i8";
import { continuePrefetch, linesOf, startPrefetch } from "./prefetch";
import { BYTE_TILE_ROWS, PAIRS, form, quantizeRows } from "./quantize";
import { HAS_DOT, dotBytes } from "./simd";
import { multiplyTwoPanels, strassenScratchBytes, sumRows } from "./strassen-i16";
import { tilesOf } from "./tiles";

/** Rows that are quantised together and multiplied with all panels: they stay in L2. */
const BLOCK_ROWS: i32 = 128;
/** Up to this many rows, one tile, nobody needs the widened panel. */
const FEW_ROWS: i32 = 4;
/** From so many rows on pairs are multiplied by halves (strassen-i16.ts): fewer do not pay for the factors of B. */
const STRASSEN_ROWS: i32 = 16;
/**
 * The sums of two panels, i32 [2][BLOCK_ROWS][8]: two make whole cache lines of c, whose rows lie so far apart that they push each
 * other out of L1 before the next panel (measured at 128 rows: 1 % of a forward pass).
 */
const PANEL_SUMS_BYTES: usize = BLOCK_ROWS * 32;
const panelSums: usize = memory.data(BLOCK_ROWS * 64, 16);
/** A widened part of a panel and the same part of a tile's rows stay in L1 together: 12 KB + 6 KB. */
const DEPTH_PART: i32 = 768;
const widePanel: usize = memory.data(DEPTH_PART * 16, 16);
const lastPanel: usize = memory.data(32, 16);
const zeros: usize = memory.data(64, 16);

/** What finishRows makes of the sums of two panels; written for each two. */
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
}
const finish = changetype<Finish>(memory.data(40, 16));
/**
 * Rows that are finished together, behind the tiles that sum them up. Their lines of c are out of the cache, and so no more stores wait
 * for them than the CPU has room for while the next tiles go on (measured on an EPYC of 2024, Node 24: 1 % of a forward pass from 128
 * rows on).
 */
const FINISH_ROWS: i32 = 12;

/** Bytes of scratch: scales and zeros of the rows, the quantised rows, and what products of halves need. As f64: must not wrap around. */
export function matmulI8ScratchBytes(K: i32): f64 {
  return <f64>(BLOCK_ROWS * 8) + <f64>roundUp4(K) * (BLOCK_ROWS * 2) + strassenScratchBytes(BLOCK_ROWS, K);
}

export function matmulI8(
  c: usize, ldcBytes: usize, x: usize, ldxBytes: usize, panels: usize, marks: usize, scales: usize, sums: usize, bias: usize,
  init: usize, ldinitBytes: usize, scratch: usize, M: i32, N: i32, K: i32,
): void {
  const depth = roundUp4(K);
  const rowScales = scratch;
  const rowZeros = rowScales + (BLOCK_ROWS << 2);
  const rows = rowZeros + (BLOCK_ROWS << 2);
  const strassen = rows + <usize>(depth * BLOCK_ROWS * 2);
  const panelBytes = panelI8Bytes(K);
  const markBytes = marks ? linesOf(panelBytes) : 0;
  if (!init) ldinitBytes = 0;
  for (let m = 0; m < M; m += BLOCK_ROWS) {
    const count = min(M - m, BLOCK_ROWS);
    quantizeRows(rows, rowScales, rowZeros, x, ldxBytes, count, K);
    finish.rowScales = rowScales;
    finish.rowZeros = rowZeros;
    finish.ldc = ldcBytes;
    finish.ldinit = ldinitBytes;
    const hasHalves = form == PAIRS && count >= STRASSEN_ROWS && (K & 7) == 0;
    if (hasHalves) sumRows(strassen, rows, count, K);
    let panel = panels;
    let panelMarks = marks;
    for (let n = 0; n < N; n += 16, panel += panelBytes << 1) {
      const at = (<usize>n) << 2;
      finish.c = c + at;
      finish.scales = scales + at;
      finish.sums = sums + at;
      finish.bias = bias ? bias + at : zeros;
      finish.init = init ? init + at : zeros;
      finish.columns = min(N - n, 16);
      const secondMarks = panelMarks + markBytes;
      panelMarks = secondMarks + markBytes;
      if (n + 8 >= N) sumPanel(panelSums, rows, panel, 0, count, depth, true);
      else if (hasHalves) {
        const nextBytes = panelBytes * <usize>min((N - n - 9) >> 3, 2);
        multiplyTwoPanels(panelSums, PANEL_SUMS_BYTES, rows, strassen, panel, panelBytes, nextBytes, panelMarks, count, K);
        finishRows(0, count);
      } else {
        sumPanel(panelSums, rows, panel, secondMarks, count, depth, false);
        sumPanel(panelSums + PANEL_SUMS_BYTES, rows, panel + panelBytes, n + 16 >= N ? 0 : panelMarks, count, depth, true);
      }
    }
    c += <usize>BLOCK_ROWS * ldcBytes;
    x += <usize>BLOCK_ROWS * ldxBytes;
    if (init) init += <usize>BLOCK_ROWS * ldinitBytes;
  }
}

/**
 * Sums of one panel, i32 [count][8], in the form in use. Meanwhile the panel that follows is prefetched, if its marks are not 0.
 * @param finishes whether the rows are to be finished
 */
export function sumPanel(to: usize, rows: usize, panel: usize, nextMarks: usize, count: i32, K: i32, finishes: bool): void {
  if (form != PAIRS) {
    if (HAS_DOT) multiplyPanelI8(to, rows, panel, nextMarks, count, K, finishes);
    return;
  }
  if (count <= FEW_ROWS) multiplyPanelWidening(to, rows, panel, count, K);
  else {
    // One part of K after another: the panel is widened to 16 bits on the way and meets all rows.
    for (let k = 0; k < K; k += DEPTH_PART) {
      const part = min(K - k, DEPTH_PART);
      const at = panel + ((<usize>k) << 3);
      multiplyPanelOfBytes(
        to, rows + groupOffset(k), groupOffset(K), at, widePanel, at + ((<usize>K) << 3), nextMarks ? nextMarks + <usize>(k >> 3) : 0, count,
        part, k > 0,
      );
    }
  }
  if (finishes) finishRows(0, count);
}

/** Sums of one or two panels → rows of c. */
function finishRows(first: i32, rows: i32): void {
  const scales = finish.scales;
  const sums = finish.sums;
  const bias = finish.bias;
  const columns = finish.columns;
  const ldc = finish.ldc;
  const ldinit = finish.ldinit;
  let c = finish.c + <usize>first * ldc;
  let init = finish.init + <usize>first * ldinit;
  let from = panelSums + ((<usize>first) << 5);
  let rowScales = finish.rowScales + ((<usize>first) << 2);
  let rowZeros = finish.rowZeros + ((<usize>first) << 2);
  for (let row = 0; row < rows; row++, from += 32, c += ldc, init += ldinit, rowScales += 4, rowZeros += 4) {
    const scale = v128.load32_splat(rowScales);
    const zero = v128.load32_splat(rowZeros);
    finishEight(c, from, scale, zero, scales, sums, bias, init, columns);
    if (columns > 8) finishEight(c + 32, from + PANEL_SUMS_BYTES, scale, zero, scales + 32, sums + 32, bias + 32, init + 32, columns - 8);
  }
}

// @ts-ignore: decorator
@inline
function finishEight(
  c: usize, from: usize, scale: v128, zero: v128, scales: usize, sums: usize, bias: usize, init: usize, columns: i32,
): void {
  const y0 = f32x4.convert_i32x4_s(i32x4.sub(v128.load(from), i32x4.mul(zero, v128.load(sums))));
  const y1 = f32x4.convert_i32x4_s(i32x4.sub(v128.load(from, 16), i32x4.mul(zero, v128.load(sums, 16))));
  const p0 = f32x4.mul(f32x4.mul(y0, v128.load(scales)), scale);
  const p1 = f32x4.mul(f32x4.mul(y1, v128.load(scales, 16)), scale);
  const c0 = f32x4.add(f32x4.add(p0, v128.load(bias)), v128.load(init));
  const c1 = f32x4.add(f32x4.add(p1, v128.load(bias, 16)), v128.load(init, 16));
  if (columns >= 8) {
    v128.store(c, c0);
    v128.store(c, c1, 16);
  } else {
    v128.store(lastPanel, c0);
    v128.store(lastPanel, c1, 16);
    storeFew(c, lastPanel, columns);
  }
}

/** All rows of one panel by byte dots, tile by tile (tiles.ts) as quantize.ts laid them out. */
function multiplyPanelI8(c: usize, a: usize, b: usize, nextMarks: usize, rows: i32, K: i32, finishes: bool): void {
  const panelBytes = (<usize>K) << 3;
  const tiles = tilesOf(rows, BYTE_TILE_ROWS);
  const least = rows / tiles;
  const taller = rows % tiles;
  startPrefetch(b + panelBytes, panelBytes, nextMarks, tiles);
  let row = 0;
  let finished = 0;
  for (let t = 0; t < tiles; t++) {
    const height = least + i32(t < taller);
    if (height == 6) tile6(c, a, b, K);
    else if (height == 5) tile5(c, a, b, K);
    else if (height == 4) tile4(c, a, b, K);
    else if (height == 3) tile3(c, a, b, K);
    else if (height == 2) tile2(c, a, b, K);
    else tile1(c, a, b, K);
    c += (<usize>height) << 5;
    a += <usize>(height * K);
    continuePrefetch();
    row += height;
    if (finishes && (row - finished >= FINISH_ROWS || row == rows)) {
      finishRows(finished, row - finished);
      finished = row;
    }
  }
}

function tile6(c: usize, a: usize, b: usize, K: i32): void {
  tile(6, c, a, b, K);
}
function tile5(c: usize, a: usize, b: usize, K: i32): void {
  tile(5, c, a, b, K);
}
function tile4(c: usize, a: usize, b: usize, K: i32): void {
  tile(4, c, a, b, K);
}
function tile3(c: usize, a: usize, b: usize, K: i32): void {
  tile(3, c, a, b, K);
}
function tile2(c: usize, a: usize, b: usize, K: i32): void {
  tile(2, c, a, b, K);
}
function tile1(c: usize, a: usize, b: usize, K: i32): void {
  tile(1, c, a, b, K);
}

/** The micro-kernel of byte dots: 12 accumulators, 2 of B, 1 of A = 15 registers. `R` is a literal at each call. */
// @ts-ignore: decorator
@inline
function tile(R: i32, c: usize, a: usize, b: usize, K: i32): void {
  const zero = i32x4.splat(0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero;
  let c30 = zero, c31 = zero, c40 = zero, c41 = zero, c50 = zero, c51 = zero;
  const end = b + ((<usize>K) << 3);
  for (; b < end; b += STEP_BYTES, a += R << 2) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = dotBytes(b0, x, c00);
    c01 = dotBytes(b1, x, c01);
    if (R > 1) {
      x = v128.load32_splat(a, 4);
      c10 = dotBytes(b0, x, c10);
      c11 = dotBytes(b1, x, c11);
    }
    if (R > 2) {
      x = v128.load32_splat(a, 8);
      c20 = dotBytes(b0, x, c20);
      c21 = dotBytes(b1, x, c21);
    }
    if (R > 3) {
      x = v128.load32_splat(a, 12);
      c30 = dotBytes(b0, x, c30);
      c31 = dotBytes(b1, x, c31);
    }
    if (R > 4) {
      x = v128.load32_splat(a, 16);
      c40 = dotBytes(b0, x, c40);
      c41 = dotBytes(b1, x, c41);
    }
    if (R > 5) {
      x = v128.load32_splat(a, 20);
      c50 = dotBytes(b0, x, c50);
      c51 = dotBytes(b1, x, c51);
    }
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
  if (R > 4) {
    v128.store(c, c40, 128);
    v128.store(c, c41, 144);
  }
  if (R > 5) {
    v128.store(c, c50, 160);
    v128.store(c, c51, 176);
  }
}
