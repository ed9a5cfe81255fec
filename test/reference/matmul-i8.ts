// The int8 matmul in whole numbers: weights → bytes, panels of them, and C = A·B + bias + residual in the roundings of
// assembly/matmul-i8.ts. No tolerance: the kernels must give just these bits.
import { quantizeRow, roundHalfEven } from "./quantize.ts";

const { fround } = Math;

export interface QuantizedColumn {
  /** -127 … 127 */
  q: Int8Array;
  scale: number;
}

/** One column of B, a row of Bᵀ; finite. */
export function quantizeColumn(w: Float32Array): QuantizedColumn {
  const most = w.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
  const scale = fround(most / 127) || 1;
  const round = (value: number) => Math.min(Math.max(roundHalfEven(fround(value / scale)), -127), 127);
  return { q: Int8Array.from(w, round), scale };
}

/** @param w f32 [N][K], Bᵀ */
export function quantizeColumns(w: Float32Array, N: number, K: number): QuantizedColumn[] {
  return Array.from({ length: N }, (_, n) => quantizeColumn(w.subarray(n * K, (n + 1) * K)));
}

/** i8 [ceil(N/8)][ceil(K/4)][8][4] */
export function panelsOf(columns: readonly QuantizedColumn[], K: number): Int8Array {
  const steps = Math.ceil(K / 4);
  const panels = new Int8Array(Math.ceil(columns.length / 8) * steps * 32);
  for (const [n, { q }] of columns.entries()) {
    for (let k = 0; k < K; k++) {
      const panel = Math.floor(n / 8);
      const step = Math.floor(k / 4);
      panels[(panel * steps + step) * 32 + (n % 8) * 4 + (k % 4)] = q[k]!;
    }
  }
  return panels;
}

/**
 * @param x f32 [M][K]
 * @param columns N of them
 * @param bias f32 [N]
 * @param residual f32 [M][N]
 * @returns f32 [M][N]
 */
export function matmulI8(
  x: Float32Array,
  columns: readonly QuantizedColumn[],
  M: number,
  K: number,
  bias?: Float32Array,
  residual?: Float32Array,
): Float32Array {
  const N = columns.length;
  const c = new Float32Array(M * N);
  for (let m = 0; m < M; m++) {
    const row = quantizeRow(x.subarray(m * K, (m + 1) * K));
    for (let n = 0; n < N; n++) {
      const { q, scale } = columns[n]!;
      let sum = 0;
      for (let k = 0; k < K; k++) sum += (row.q[k]! - row.zero) * q[k]!;
      if (Math.abs(sum) >= 2 ** 31) throw new Error(`a sum of ${sum} does not fit 32 bits: the test asks too much`);
      const product = fround(fround(fround(sum) * scale) * row.scale);
      c[m * N + n] = fround(fround(product + (bias?.[n] ?? 0)) + (residual?.[m * N + n] ?? 0));
    }
  }
  return c;
}
