// Weights as bytes: symmetric, one scale a column, in the panels that the int8 matmul reads; and back.
//
//   scale = max |w| / 127 over a column, q = round(w / scale), w ≈ q·scale      (a column of 0: scale 1)
//
// B [K][N] (the mathematical operand of C = A·B) becomes ceil(N / 8) panels of ceil(K / 4) steps of 32 bytes:
//
//   step 0   | n=0: k=0 1 2 3 | n=1: k=0 1 2 3 | … | n=7: k=0 1 2 3 |
//   step 1   | n=0: k=4 5 6 7 | …                                   |      as one byte dot of 4 values a lane reads it
//   …
//
// Beyond N and K all is 0, scales and sums included.
import { ROUNDER, roundToIntegers } from "./scales";
import { loadLanes, maxLanes } from "./simd";

/** Bytes of one step of a panel: 8 columns × 4 values. */
export const STEP_BYTES: usize = 32;

/** Bytes of one panel of depth K. */
// @ts-ignore: decorator
@inline
export function panelI8Bytes(K: i32): usize {
  return <usize>((K + 3) >> 2) * STEP_BYTES;
}

/**
 * Quantises and packs Bᵀ given by rows, as PyTorch's Linear stores its weight: source row n is column n of B.
 *   panels  i8 [ceil(N/8)][ceil(K/4)][8][4]   overwritten
 *   scales  f32 [N]                           overwritten
 *   source  f32 [N][K]                        rows contiguous, finite
 */
export function packRowsI8(panels: usize, scales: usize, source: usize, N: i32, K: i32): void {
  const rowBytes = (<usize>K) << 2;
  for (let n = 0; n < N; n++, source += rowBytes, scales += 4) {
    const panel = panels + <usize>(n >> 3) * panelI8Bytes(K);
    if ((n & 7) == 0 && N - n < 8) memory.fill(panel, 0, panelI8Bytes(K));
    store<f32>(scales, packRow(panel + (<usize>(n & 7) << 2), source, K));
  }
}

/** One column, every 32 bytes 4 of its values; returns its scale. */
function packRow(to: usize, source: usize, K: i32): f32 {
  const tail = K & 3;
  const end = source + ((<usize>(K - tail)) << 2);
  const zero = f32x4.splat(0);
  let greatest = zero;
  for (let at = source; at < end; at += 16) greatest = f32x4.pmax(greatest, f32x4.abs(v128.load(at)));
  if (tail) greatest = f32x4.pmax(greatest, f32x4.abs(loadLanes(end, tail, zero)));
  // Divided, not multiplied by a reciprocal: that of the least floats is infinite. What is even less counts as 0.
  let scale = maxLanes(greatest) / 127;
  if (scale == 0) scale = 1;
  const divisor = f32x4.splat(scale);
  const rounder = v128.load32_splat(ROUNDER);
  for (let at = source; at < end; at += 16, to += STEP_BYTES) storeFourBytes(to, f32x4.div(v128.load(at), divisor), rounder);
  if (tail) storeFourBytes(to, f32x4.div(loadLanes(end, tail, zero), divisor), rounder);
  return scale;
}

// @ts-ignore: decorator
@inline
function storeFourBytes(to: usize, values: v128, rounder: v128): void {
  const q = roundToIntegers(values, rounder);
  const pairs = i16x8.min_s(i16x8.max_s(i16x8.narrow_i32x4_s(q, q), i16x8.splat(-127)), i16x8.splat(127));
  v128.store32_lane(to, i8x16.narrow_i16x8_s(pairs, pairs), 0);
}

/**
 * Σ of each column, which corrects products for the zero points of the other operand.
 *   sums    i32 [ceil(N/8)·8]
 *   panels  i8 [ceil(N/8)][ceil(K/4)][8][4]
 */
export function sumColumnsI8(sums: usize, panels: usize, N: i32, K: i32): void {
  const steps = (K + 3) >> 2;
  for (let n = 0; n < N; n += 8, sums += 32) {
    let low = i32x4.splat(0), high = low;
    for (let step = 0; step < steps; step++, panels += STEP_BYTES) {
      low = i32x4.add(low, sumFours(v128.load(panels)));
      high = i32x4.add(high, sumFours(v128.load(panels, 16)));
    }
    v128.store(sums, low);
    v128.store(sums, high, 16);
  }
}

/** Lane i: the sum of bytes 4·i … 4·i + 3. */
// @ts-ignore: decorator
@inline
function sumFours(bytes: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(bytes));
}

/** Reads one column n back: f32 [K]. The embedding table is packed, a token's row is a column of it. */
export function unpackColumnI8(to: usize, panels: usize, scales: usize, n: i32, K: i32): void {
  let from = panels + <usize>(n >> 3) * panelI8Bytes(K) + (<usize>(n & 7) << 2);
  const scale = load<f32>(scales + ((<usize>n) << 2));
  for (let k = 0; k < K; k++) {
    store<f32>(to + ((<usize>k) << 2), <f32>load<i8>(from + (k & 3)) * scale);
    if ((k & 3) == 3) from += STEP_BYTES;
  }
}
