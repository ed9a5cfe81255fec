// The sizes of packed matrices: panels of 8 columns (assembly/pack.ts, assembly/pack-i8.ts).

/** The deepest matrix in q8: so many products of a weight (127) and an activation (255) fit 32 bits. */
export const MOST_Q8_INPUTS = Math.floor((2 ** 31 - 1) / (127 * 255));

/** The columns of whole panels: so many values a vector beside a matrix has room for. */
export function roundUp8(n: number): number {
  return Math.ceil(n / 8) * 8;
}

/** Bytes of the panels of a weight [N][K] (columns of them: N), in floats or in bytes. */
export function panelBytes(N: number, K: number, dtype: "fp32" | "q8"): number {
  return roundUp8(N) * (dtype === "q8" ? Math.ceil(K / 4) * 4 : K * 4);
}

/** Shape of the same in a q8 file. */
export function panelShape(N: number, K: number): readonly number[] {
  return [Math.ceil(N / 8), Math.ceil(K / 4), 8, 4];
}

/** Bytes of the marks of panels, by which they are prefetched (assembly/prefetch.ts): one for each 64 of a panel. */
export function markBytes(N: number, K: number, dtype: "fp32" | "q8"): number {
  return Math.ceil(N / 8) * Math.ceil(panelBytes(8, K, dtype) / 64);
}

/**
 * Rows of a weight out of its panels of bytes.
 * @param panels whole panels, the first of which holds row `first` rounded down to a multiple of 8
 * @param scales f32, one a row from row `first`
 * @param rows f32 [count][K], written
 */
export function unpackRows(
  panels: Uint8Array,
  scales: Float32Array,
  first: number,
  K: number,
  rows: Float32Array,
): void {
  const bytes = new Int8Array(panels.buffer, panels.byteOffset, panels.length);
  const stride = panelBytes(8, K, "q8");
  for (let row = 0; row < rows.length / K; row++) {
    const column = (first % 8) + row;
    const panel = Math.floor(column / 8) * stride + (column % 8) * 4;
    for (let k = 0; k < K; k++) rows[row * K + k] = bytes[panel + (k >> 2) * 32 + (k & 3)]! * scales[row]!;
  }
}
