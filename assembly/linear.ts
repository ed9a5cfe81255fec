// y = f(x·Wᵀ + bias + init), W in whichever form it was loaded: panels of floats (matmul-f32.ts) or of bytes (matmul-i8.ts).
import { activateRows, NONE } from "./activation";
import { matmulF32, matmulF32ScratchBytes } from "./matmul-f32";
import { matmulI8, matmulI8ScratchBytes } from "./matmul-i8";
import { PANEL_ROW_BYTES } from "./pack";
import { panelI8Bytes } from "./pack-i8";
import { linesOf } from "./prefetch";

/** A matrix and its bias. The host writes these words. */
@unmanaged
export class Matrix {
  panels: usize;
  /** f32 [ceil(N/8)·8], or 0. */
  bias: usize;
  /** f32 and i32 [ceil(N/8)·8] of bytes; both 0 where the panels hold floats. */
  scales: usize;
  sums: usize;
  /** Of the panels (prefetch.ts), or 0. */
  marks: usize;
}

/** Bytes of scratch that a `linear` of up to M rows of depth K needs. */
export function linearScratchBytes(M: i32, K: i32, areBytes: bool): f64 {
  return areBytes ? matmulI8ScratchBytes(M, K) : matmulF32ScratchBytes(K);
}

/** Columns first … first + N - 1 of W (first a multiple of 8); operands and strides as the two matmuls have them. */
export function linear(
  c: usize, ldcBytes: usize, x: usize, ldxBytes: usize, matrix: usize, first: i32, init: usize, ldinitBytes: usize,
  scratch: usize, M: i32, N: i32, K: i32, activation: i32,
): void {
  const w = changetype<Matrix>(matrix);
  const at = (<usize>first) << 2;
  const panel = <usize>(first >> 3);
  const bias = w.bias ? w.bias + at : 0;
  const panelBytes = w.scales ? panelI8Bytes(K) : <usize>K * PANEL_ROW_BYTES;
  const panels = w.panels + panel * panelBytes;
  const marks = w.marks ? w.marks + panel * linesOf(panelBytes) : 0;
  if (!w.scales) {
    matmulF32(c, ldcBytes, x, ldxBytes, panels, marks, bias, init, ldinitBytes, scratch, M, N, K, activation);
    return;
  }
  matmulI8(c, ldcBytes, x, ldxBytes, panels, marks, w.scales + at, w.sums + at, bias, init, ldinitBytes, scratch, M, N, K);
  if (activation != NONE) activateRows(activation, c, ldcBytes, M, N);
}
