// out = (x - mean x) / sqrt(variance x + eps) · gamma + beta, over each row; biased variance, eps inside the root.
//
//   out    f32 [M][N]   may be x itself
//   x      f32 [M][N]   rows contiguous
//   gamma  f32 [N]      beta  f32 [N]
//
// Two passes over the differences, not E[x²] - E[x]², which cancels. Any M, N ≥ 1. About 8·M·N flops.
import { loadLanes, roundedMultiplyAdd, storeLanes, sumLanes } from "./simd";

export function layerNorm(out: usize, x: usize, gamma: usize, beta: usize, M: i32, N: i32, eps: f32): void {
  const rowBytes = (<usize>N) << 2;
  for (let m = 0; m < M; m++, out += rowBytes, x += rowBytes) layerNormRow(out, x, gamma, beta, N, eps);
}

function layerNormRow(out: usize, x: usize, gamma: usize, beta: usize, N: i32, eps: f32): void {
  const tail = N & 3;
  const wholeBytes = (<usize>(N - tail)) << 2;
  const zero = f32x4.splat(0);

  let sum = zero;
  for (let i: usize = 0; i < wholeBytes; i += 16) sum = f32x4.add(sum, v128.load(x + i));
  if (tail) sum = f32x4.add(sum, loadLanes(x + wholeBytes, tail, zero));
  const mean = f32x4.splat(sumLanes(sum) / <f32>N);

  let squares = zero;
  for (let i: usize = 0; i < wholeBytes; i += 16) {
    const d = f32x4.sub(v128.load(x + i), mean);
    squares = roundedMultiplyAdd(d, d, squares);
  }
  if (tail) {
    const d = f32x4.sub(loadLanes(x + wholeBytes, tail, mean), mean); // lanes beyond the row: mean - mean = 0
    squares = roundedMultiplyAdd(d, d, squares);
  }
  const scale = f32x4.splat(<f32>1 / sqrt<f32>(sumLanes(squares) / <f32>N + eps));

  for (let i: usize = 0; i < wholeBytes; i += 16) {
    const y = f32x4.mul(f32x4.sub(v128.load(x + i), mean), scale);
    v128.store(out + i, roundedMultiplyAdd(y, v128.load(gamma + i), v128.load(beta + i)));
  }
  if (tail) {
    const y = f32x4.mul(f32x4.sub(loadLanes(x + wholeBytes, tail, zero), mean), scale);
    const g = loadLanes(gamma + wholeBytes, tail, zero);
    storeLanes(out + wholeBytes, roundedMultiplyAdd(y, g, loadLanes(beta + wholeBytes, tail, zero)), tail);
  }
}
