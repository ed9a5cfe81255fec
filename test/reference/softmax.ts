// e^(scale·x) / Σ e^(scale·x) in float64, row by row.

/** @param x [M][N] */
export function softmax(x: ArrayLike<number>, M: number, N: number, scale: number): Float64Array {
  const out = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    let greatest = Number.NEGATIVE_INFINITY;
    for (let n = 0; n < N; n++) greatest = Math.max(greatest, scale * x[m * N + n]!);
    let sum = 0;
    for (let n = 0; n < N; n++) sum += Math.exp(scale * x[m * N + n]! - greatest);
    for (let n = 0; n < N; n++) out[m * N + n] = Math.exp(scale * x[m * N + n]! - greatest) / sum;
  }
  return out;
}
