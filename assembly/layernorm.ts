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

  // Four sums, or each addition would wait for the one before.
  const fours = wholeBytes & ~63;
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  for (let i: usize = 0; i < fours; i += 64) {
    s0 = f32x4.add(s0, v128.load(x + i));
    s1 = f32x4.add(s1, v128.load(x + i, 16));
    s2 = f32x4.add(s2, v128.load(x + i, 32));
    s3 = f32x4.add(s3, v128.load(x + i, 48));
  }
  for (let i = fours; i < wholeBytes; i += 16) s0 = f32x4.add(s0, v128.load(x + i));
  if (tail) s1 = f32x4.add(s1, loadLanes(x + wholeBytes, tail, zero));
  const mean = f32x4.splat(sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))) / <f32>N);

  s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  for (let i: usize = 0; i < fours; i += 64) {
    s0 = addSquare(s0, f32x4.sub(v128.load(x + i), mean));
    s1 = addSquare(s1, f32x4.sub(v128.load(x + i, 16), mean));
    s2 = addSquare(s2, f32x4.sub(v128.load(x + i, 32), mean));
    s3 = addSquare(s3, f32x4.sub(v128.load(x + i, 48), mean));
  }
  for (let i = fours; i < wholeBytes; i += 16) s0 = addSquare(s0, f32x4.sub(v128.load(x + i), mean));
  // Lanes beyond the row: mean - mean = 0.
  if (tail) s1 = addSquare(s1, f32x4.sub(loadLanes(x + wholeBytes, tail, mean), mean));
  const squares = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
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

// @ts-ignore: decorator
@inline
function addSquare(sum: v128, d: v128): v128 {
  return roundedMultiplyAdd(d, d, sum);
}
