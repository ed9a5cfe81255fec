// C = activation(A·B + bias + residual) in float64: the definition, as three loops.
import { type ActivationName, activate } from "./activation.ts";

export interface MatmulReference {
  /** [M][N] */
  values: Float64Array;
  /** [M][N], Σ |a·b| + |bias| + |residual|: what rounding errors are in proportion to. */
  magnitudes: Float64Array;
}

/**
 * @param a [M][K]
 * @param b [K][N]
 * @param bias [N]
 * @param residual [M][N]
 */
export function matmul(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  M: number,
  N: number,
  K: number,
  bias?: ArrayLike<number>,
  residual?: ArrayLike<number>,
  activation?: ActivationName,
): MatmulReference {
  const values = new Float64Array(M * N);
  const magnitudes = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = (bias?.[n] ?? 0) + (residual?.[m * N + n] ?? 0);
      let magnitude = Math.abs(bias?.[n] ?? 0) + Math.abs(residual?.[m * N + n] ?? 0);
      for (let k = 0; k < K; k++) {
        const product = a[m * K + k]! * b[k * N + n]!;
        sum += product;
        magnitude += Math.abs(product);
      }
      values[m * N + n] = activation === undefined ? sum : activate(activation, sum);
      magnitudes[m * N + n] = magnitude;
    }
  }
  return { values, magnitudes };
}

/** [rows][columns] → [columns][rows] */
export function transpose(x: ArrayLike<number>, rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = x[row * columns + column]!;
  return out;
}
