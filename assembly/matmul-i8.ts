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
//   scratch matmulI8ScratchBytes(M, K) bytes
//
//   c[m][n] = Σ_k (q - zero)[m][k]·w[k][n] · scales[n] · scale[m] + bias[n] + init[m][n]    in this order, rounded at each step
//
// M, N ≥ 1, 1 ≤ K ≤ 66,311 (127·255·K fits 32 bits); alignment to 4 bytes is enough. 2·M·N·K operations.
//
// The form in use (quantize.ts) decides how sums are made: a byte dot, 6 × 8 tiles; or 16-bit pairs, 4 × 8 tiles on a panel of which
// one part after another is widened once and stays in L1 while the rows go by, or, from 16 rows on and if they are deep, Strassen's
// products of two or four panels (strassen-i16.ts). Floats are made from the sums of two panels at a time; by tiles of pairs themselves where
// K is small and there is no init.
import { BLOCK_ROWS, finish, finishRows, PANEL_SUMS_BYTES, panelSums, setFinished } from "./finish-i8";
import { multiplyPanelI8 } from "./matmul-dot";
import { floatsOfTwoPanels, groupOffset, multiplyFewRows, multiplyPanelOfBytes } from "./matmul-i16";
import { roundUp4 } from "./pack";
import { panelI8Bytes } from "./pack-i8";
import { linesOf, startPrefetch } from "./prefetch";
import { form, PAIRS, quantizeRows } from "./quantize";
import { HAS_DOT } from "./simd";
import { multiplyPanels, splitRows, strassenScratchBytes } from "./strassen-i16";

/** From so many rows on a panel is widened once for all, not in the loop for each four. */
const WIDE_ROWS: i32 = 8;
/**
 * From so many rows and such a depth on Strassen's products are used, and twice over: less does not pay for their operands. Measured
 * on an EPYC of 2021, 128 rows, once and twice over against plain products: 3 and 14 % more time at depth 128, 8 and 3 % less at 384, 5
 * and 6 % less at 512.
 */
const STRASSEN_ROWS: i32 = 16;
const STRASSEN_DEPTH: i32 = 320;
const STRASSEN_TWICE_ROWS: i32 = 64;
const STRASSEN_TWICE_DEPTH: i32 = 512;
/** A widened part of a panel and the same part of a tile's rows stay in L1 together: 12 KB + 6 KB. */
const DEPTH_PART: i32 = 768;
/** Up to this depth, of which two widened panels stay there, tiles of pairs make their sums floats themselves. */
const SHALLOW_DEPTH: i32 = DEPTH_PART / 2;
const widePanel: usize = memory.data(DEPTH_PART * 16, 16);
const zeros: usize = memory.data(64, 16);

/**
 * Bytes of scratch for up to M rows: scales and zeros of a block, the quantised rows, and what Strassen's products need, with a tail filled
 * up. As f64: must not wrap around.
 */
export function matmulI8ScratchBytes(M: i32, K: i32): f64 {
  const rows = <f64>(BLOCK_ROWS * 8) + <f64>roundUp4(K) * (BLOCK_ROWS * 2);
  const isPlain = form != PAIRS || M < STRASSEN_ROWS || K < STRASSEN_DEPTH;
  return isPlain ? rows : rows + strassenScratchBytes(min((M + 15) & -16, BLOCK_ROWS), K);
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
  finish.rowScales = rowScales;
  finish.rowZeros = rowZeros;
  finish.ldc = ldcBytes;
  finish.ldinit = init ? ldinitBytes : 0;
  for (let m = 0; m < M; m += BLOCK_ROWS) {
    const count = min(M - m, BLOCK_ROWS);
    const level = levelFor(count, N, K);
    const floatRows = level || init ? 0 : floatRowsFor(count, depth);
    let levelRows = 0;
    if (level) {
      // A tail of most of the rows that the level takes at once is filled up: its last group by the rounding, with a row once more, and
      // then with groups of 0.
      levelRows = (count + 3 * level - 1) & (-4 << level);
      const whole = <usize>((count + 3) >> 2) * groupOffset(K);
      const all = <usize>(levelRows >> 2) * groupOffset(K);
      if (all > whole) memory.fill(rows + whole, 0, all - whole);
    }
    quantizeRows(rows, rowScales, rowZeros, x, ldxBytes, count, K);
    if (level) splitRows(level, strassen, rows, levelRows, K);
    let panel = panels;
    let panelMarks = marks;
    for (let n = 0; n < N; n += 16, panel += panelBytes << 1, panelMarks += markBytes << 1) {
      const second = panel + panelBytes;
      const secondMarks = panelMarks + markBytes;
      const nextMarks = n + 16 < N ? secondMarks + markBytes : 0;
      const isAlone = n + 8 >= N;
      const isSecondPair = level == 2 && (n & 16) != 0;
      finish.from = isSecondPair ? panelSums + (PANEL_SUMS_BYTES << 1) : panelSums;
      const at = (<usize>n) << 2;
      finish.c = c + at;
      finish.scales = scales + at;
      finish.sums = sums + at;
      finish.bias = bias ? bias + at : zeros;
      finish.init = init ? init + at : zeros;
      finish.columns = min(N - n, 16);
      if (floatRows && finish.columns == 16) {
        // The next two panels are prefetched together if they are whole lines.
        const areLines = (depth & 7) == 0;
        const nextBytes = areLines && N - n > 24 ? panelBytes << 1 : panelBytes;
        const marksNow: usize = areLines && n ? 0 : secondMarks;
        floatsOfTwoPanels(rows, panel, panelBytes, widePanel, marksNow, nextBytes, nextMarks, floatRows, depth);
        if (floatRows == count) continue;
        multiplyFewRows(panelSums, rows, panel, floatRows, count, depth);
        multiplyFewRows(panelSums + PANEL_SUMS_BYTES, rows, second, floatRows, count, depth);
        setFinished(floatRows);
      } else if (isAlone) sumPanel(panelSums, rows, panel, 0, count, depth, true);
      else if (!level) {
        sumPanel(panelSums, rows, panel, secondMarks, count, depth, false);
        sumPanel(panelSums + PANEL_SUMS_BYTES, rows, second, nextMarks, count, depth, true);
      } else if (!isSecondPair) {
        const together = 1 << level;
        const after = ((N - n + 7) >> 3) - together;
        const nextBytes = panelBytes * <usize>min(after, together);
        multiplyPanels(
          level, panelSums, PANEL_SUMS_BYTES, strassen, panel, panelBytes, nextBytes, panelMarks + (markBytes << level), levelRows, K,
        );
        for (let i: usize = 0; i < <usize>together; i++) {
          multiplyFewRows(panelSums + i * PANEL_SUMS_BYTES, rows, panel + i * panelBytes, levelRows, count, K);
        }
      }
      finishRows(count);
    }
    c += <usize>BLOCK_ROWS * ldcBytes;
    x += <usize>BLOCK_ROWS * ldxBytes;
    if (init) init += <usize>BLOCK_ROWS * ldinitBytes;
  }
}

/** How many rows the tiles make floats themselves, the first ones: those of whole tiles on widened panels. */
function floatRowsFor(M: i32, K: i32): i32 {
  return form != PAIRS || M < WIDE_ROWS || K > SHALLOW_DEPTH ? 0 : M & -4;
}

/** How many times over: the level of strassen-i16.ts, which takes multiples of sizes; 0: not at all. */
function levelFor(M: i32, N: i32, K: i32): i32 {
  if (form != PAIRS || M < STRASSEN_ROWS || K < STRASSEN_DEPTH || (K & 7)) return 0;
  return M >= STRASSEN_TWICE_ROWS && K >= STRASSEN_TWICE_DEPTH && (K & 15) == 0 && (N & 31) == 0 ? 2 : 1;
}

/**
 * Sums of one panel, i32 [count][8], in the form in use. Meanwhile the panel that follows is prefetched, if its marks are not 0.
 * @param completes whether rows can be finished (finish-i8.ts) with these sums; byte dots tell of each tile, with pairs the caller does
 */
export function sumPanel(to: usize, rows: usize, panel: usize, nextMarks: usize, count: i32, K: i32, completes: bool): void {
  if (form != PAIRS) {
    if (HAS_DOT) multiplyPanelI8(to, rows, panel, nextMarks, count, K, completes);
    return;
  }
  // One part of K after another: the panel is widened to 16 bits on the way and meets all rows.
  const wideRows = count < WIDE_ROWS ? 0 : count & -4;
  for (let k = 0; k < K && wideRows; k += DEPTH_PART) {
    const part = min(K - k, DEPTH_PART);
    const at = panel + ((<usize>k) << 3);
    startPrefetch(at + panelI8Bytes(K), (<usize>part) << 3, nextMarks ? nextMarks + <usize>(k >> 3) : 0, wideRows >> 2);
    multiplyPanelOfBytes(to, rows + groupOffset(k), groupOffset(K), at, widePanel, wideRows, part, k > 0);
  }
  multiplyFewRows(to, rows, panel, wideRows, count, K);
}
