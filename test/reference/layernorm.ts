// (x - mean) / √(variance + eps) · gamma + beta in float64, row by row; biased variance.

/** @param x [M][N] */
export function layernorm(
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  M: number,
  N: number,
  eps: number,
): Float64Array {
  const out = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    let mean = 0;
    for (let n = 0; n < N; n++) mean += x[m * N + n]! / N;
    let variance = 0;
    for (let n = 0; n < N; n++) variance += (x[m * N + n]! - mean) ** 2 / N;
    for (let n = 0; n < N; n++)
      out[m * N + n] = ((x[m * N + n]! - mean) / Math.sqrt(variance + eps)) * gamma[n]! + beta[n]!;
  }
  return out;
}
