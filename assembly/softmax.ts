// y[i] = e^(scale·x[i] - max) / Σ e^(scale·x[j] - max) over each row, in place.
//
//   x  f32 [M][N]   rows rowStrideBytes apart
//
// Any M, N ≥ 1, any finite scale > 0. A row with NaN becomes NaN throughout. About 25·M·N flops.
import { EXP_BLOCK_BYTES, exp4, expBlock } from "./exp";
import { loadLanes, maxLanes, roundedMultiplyAdd, storeLanes, sumLanes } from "./simd";

/** 64 floats are summed in f32, the blocks in f64. */
const BLOCK_BYTES: usize = 256;

export function softmax(x: usize, rowStrideBytes: usize, M: i32, N: i32, scale: f32): void {
  for (let m = 0; m < M; m++, x += rowStrideBytes) softmaxRow(x, N, scale);
}

function softmaxRow(x: usize, N: i32, scale: f32): void {
  const tail = N & 3;
  const end = x + ((<usize>(N - tail)) << 2);
  const lowest = f32x4.splat(-Infinity);

  // pmax is one instruction where max is six; a NaN that it leaves out comes back with the sum.
  let greatest = lowest;
  for (let at = x; at < end; at += 16) greatest = f32x4.pmax(greatest, v128.load(at));
  if (tail) greatest = f32x4.pmax(greatest, loadLanes(end, tail, lowest));
  const shift = f32x4.splat(-maxLanes(greatest) * scale);
  const scales = f32x4.splat(scale);

  // Summed by blocks: next to the greatest, which is 1, a float loses what is below 6e-8, and vocabularies have many such.
  let total: f64 = 0;
  let sum = f32x4.splat(0);
  for (let block = x; block < end; block += EXP_BLOCK_BYTES) {
    const blockEnd = min(block + EXP_BLOCK_BYTES, end);
    for (let at = block; at < blockEnd; at += 16) v128.store(at, roundedMultiplyAdd(v128.load(at), scales, shift));
    expBlock(block, blockEnd - block);
    for (let at = block; at < blockEnd; at += 16) {
      sum = f32x4.add(sum, v128.load(at));
      if (((at - x) & (BLOCK_BYTES - 1)) == BLOCK_BYTES - 16) {
        total += <f64>sumLanes(sum);
        sum = f32x4.splat(0);
      }
    }
  }
  if (tail) {
    const e = exp4(roundedMultiplyAdd(loadLanes(end, tail, lowest), scales, shift)); // beyond the row e^-infinity: adds nothing to a sum of 1 or more
    storeLanes(end, e, tail);
    sum = f32x4.add(sum, e);
  }

  const inverse = f32x4.splat(<f32>(1 / (total + <f64>sumLanes(sum))));
  for (let at = x; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), inverse));
  if (tail) storeLanes(end, f32x4.mul(loadLanes(end, tail, lowest), inverse), tail);
}
