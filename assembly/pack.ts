// Re-layout of matrices into panels of 8 columns, the form in which matmul reads its second operand.
//
// B [K][N] (the mathematical operand of C = A·B) becomes ceil(N / 8) panels of K × 8 floats:
//
//   panel 0                      panel 1
//   k=0  | n=0 n=1 … n=7 |       | n=8 … n=15 |        so that the inner loop over k reads 32 bytes forward
//   k=1  | n=0 n=1 … n=7 |       | n=8 … n=15 |        each step. Columns beyond N are 0.
//   …
import { loadLanes, storeLanes } from "./simd";

/** Columns of the whole panels that n columns fill. */
// @ts-ignore: decorator
@inline
export function roundUp8(n: i32): i32 {
  return (n + 7) & ~7;
}

/** Keys whose weights attention in bytes rounds together. */
// @ts-ignore: decorator
@inline
export function roundUp16(n: i32): i32 {
  return (n + 15) & ~15;
}

/** Values of the whole fours that n values fill: a byte dot takes four at once. */
// @ts-ignore: decorator
@inline
export function roundUp4(n: i32): i32 {
  return (n + 3) & ~3;
}

/** Bytes of one row of a panel: 8 floats. */
export const PANEL_ROW_BYTES: usize = 32;

/**
 * Packs Bᵀ given by rows, as PyTorch's Linear stores its weight: source row n is column n of B.
 *   panels        f32 [ceil(N/8)][K][8]   overwritten; must not overlap source
 *   source        f32 [N][K], rows sourceStrideBytes apart
 */
export function packRows(panels: usize, source: usize, sourceStrideBytes: usize, N: i32, K: i32): void {
  const panelBytes = <usize>K * PANEL_ROW_BYTES;
  for (let n = 0; n < N; n += 8) {
    if (N - n >= 8) packEightRows(panels, source, sourceStrideBytes, K);
    else packFewRows(panels, source, sourceStrideBytes, N - n, K);
    panels += panelBytes;
    source += sourceStrideBytes << 3;
  }
}

/** 8 rows of K floats → one panel, by 4 × 4 transposes. */
function packEightRows(panel: usize, source: usize, stride: usize, K: i32): void {
  const low = source;
  const high = source + (stride << 2);
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    const at = <usize>k << 2;
    transposeFour(panel, low + at, stride);
    transposeFour(panel + 16, high + at, stride);
    panel += PANEL_ROW_BYTES << 2;
  }
  for (; k < K; k++) {
    let from = source + (<usize>k << 2);
    for (let j: usize = 0; j < PANEL_ROW_BYTES; j += 4, from += stride) store<f32>(panel + j, load<f32>(from));
    panel += PANEL_ROW_BYTES;
  }
}

// @ts-ignore: decorator
@inline
function transposeFour(panel: usize, from: usize, stride: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + stride);
  const r2 = v128.load(from + (stride << 1));
  const r3 = v128.load(from + stride * 3);
  const a = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const b = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const c = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const d = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(panel, i64x2.shuffle(a, b, 0, 2));
  v128.store(panel, i64x2.shuffle(a, b, 1, 3), 32);
  v128.store(panel, i64x2.shuffle(c, d, 0, 2), 64);
  v128.store(panel, i64x2.shuffle(c, d, 1, 3), 96);
}

function packFewRows(panel: usize, source: usize, stride: usize, rows: i32, K: i32): void {
  for (let k = 0; k < K; k++, panel += PANEL_ROW_BYTES) {
    let from = source + (<usize>k << 2);
    for (let j = 0; j < 8; j++, from += stride) store<f32>(panel + (<usize>j << 2), j < rows ? load<f32>(from) : 0);
  }
}

/**
 * Packs B given as it is: source row k is row k of B.
 *   panels        f32 [ceil(N/8)][K][8]   overwritten; must not overlap source
 *   source        f32 [K][N], rows sourceStrideBytes apart
 */
export function packColumns(panels: usize, source: usize, sourceStrideBytes: usize, N: i32, K: i32): void {
  for (let n = 0; n < N; n += 8, source += PANEL_ROW_BYTES) {
    const columns = min(N - n, 8);
    let from = source;
    for (let k = 0; k < K; k++, from += sourceStrideBytes, panels += PANEL_ROW_BYTES) {
      if (columns == 8) {
        v128.store(panels, v128.load(from));
        v128.store(panels, v128.load(from, 16), 16);
      } else {
        copyFew(panels, from, columns);
      }
    }
  }
}

/** Copies 1 … 7 floats and puts 0 into the rest of the panel row. */
function copyFew(panelRow: usize, from: usize, columns: i32): void {
  const zero = f32x4.splat(0);
  if (columns < 4) {
    v128.store(panelRow, loadLanes(from, columns, zero));
    v128.store(panelRow, zero, 16);
  } else {
    v128.store(panelRow, v128.load(from));
    v128.store(panelRow, columns > 4 ? loadLanes(from + 16, columns - 4, zero) : zero, 16);
  }
}

/** Copies the first `columns` (1 … 7) of 8 floats. */
export function storeFew(to: usize, from: usize, columns: i32): void {
  if (columns < 4) return storeLanes(to, v128.load(from), columns);
  v128.store(to, v128.load(from));
  if (columns > 4) storeLanes(to + 16, v128.load(from, 16), columns - 4);
}

/** Reads one column n of packed B back: to f32 [K]. The embedding table is packed, a token's row is a column of it. */
export function unpackColumn(to: usize, panels: usize, n: i32, K: i32): void {
  let from = panels + <usize>(n >> 3) * (<usize>K * PANEL_ROW_BYTES) + (<usize>(n & 7) << 2);
  for (let k = 0; k < K; k++, from += PANEL_ROW_BYTES) store<f32>(to + (<usize>k << 2), load<f32>(from));
}
