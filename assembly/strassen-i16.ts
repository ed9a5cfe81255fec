// Two panels of the int8 matmul by 16-bit pairs with an eighth fewer multiplications: Strassen's product in Winograd's form (Winograd
// 1971), exact for integers.
//
//   A = [A11 A12; A21 A22]    i16, rows in groups of 4 (matmul-i16.ts): of each 8 rows the upper and the lower group; of K two halves
//   B = [B11 B12; B21 B22]    i8, two panels (pack-i8.ts); of K two halves
//   S1 = A21 + A22   S2 = S1 - A11   S3 = A11 - A21   S4 = A12 - S2
//   T1 = B12 - B11   T2 = B22 - T1   T3 = B22 - B12   T4 = T2 - B21
//   P1 = A11·B11   P2 = A12·B21   P3 = S4·B22   P4 = A22·T4   P5 = S1·T1   P6 = S2·T2   P7 = S3·T3
//   C11 = P1 + P2   C12 = P1 + P6 + P5 + P3   C21 = P1 + P6 + P7 - P4   C22 = P1 + P6 + P7 + P5
//
// K is cut into parts, each with halves of its own, so that the seven factors of B stay in L1; the products are summed over the parts.
// From |A| ≤ 255 and |B| ≤ 127 come S of up to 1,020 and T of up to 508, which fit 16 bits. Sums that are too much for 32 wrap around, and
// come back where C fits.
//
// M ≥ 8, K a multiple of 8. 7/8 of 2·M·16·K operations, M·K sums once for all panels and 2·K sums a panel (measured on an EPYC of 2024,
// Node 22, a forward pass: 2 % less at 16 tokens, 8 % less from 128 on).
import { evenBytes, groupOffset, multiplyFewRows, multiplyRows, oddBytes } from "./matmul-i16";
import { startPrefetch } from "./prefetch";

/** Of K. */
const PART: i32 = 384;
/** i16 [PART/4][8][2] */
const FACTOR_BYTES: usize = PART * 8;

/** Bytes of the products of M rows, i32 [7][floor(M/8)·4][8]. */
function productsBytes(M: i32): usize {
  return <usize>(M >> 3) * (7 * 4 * 32);
}

/** Where S1 … S4 begin in scratch: behind the seven factors of B and the products. */
function sumsOf(scratch: usize, M: i32): usize {
  return scratch + FACTOR_BYTES * 7 + productsBytes(M);
}

/** As f64: must not wrap around. */
export function strassenScratchBytes(M: i32, K: i32): f64 {
  return <f64>sumsOf(0, M) + <f64>(M & -8) * <f64>K * 2;
}

/** S1 … S4 of each 8 of M rows → scratch, i16 [floor(M/8)][4][K/4][4][2]. */
export function sumRows(scratch: usize, rows: usize, M: i32, K: i32): void {
  const lower = groupOffset(K);
  const sumBytes = lower >> 1;
  let s = sumsOf(scratch, M);
  for (let m = 8; m <= M; m += 8, rows += lower << 1, s += sumBytes * 3) {
    for (let k = 0; k < K; k += PART) {
      const half = groupOffset(min(K - k, PART) >> 1);
      let a = rows + groupOffset(k);
      for (const end = a + half; a < end; a += 16, s += 16) {
        const a11 = v128.load(a);
        const a21 = v128.load(a + lower);
        const s1 = i16x8.add(a21, v128.load(a + lower + half));
        const s2 = i16x8.sub(s1, a11);
        v128.store(s, s1);
        v128.store(s + sumBytes, s2);
        v128.store(s + sumBytes * 2, i16x8.sub(a11, a21));
        v128.store(s + sumBytes * 3, i16x8.sub(v128.load(a + half), s2));
      }
    }
  }
}

/**
 * Sums of two panels, i32 [M][8] each, the second's toBytes behind the first's. Meanwhile the nextBytes behind them are prefetched, if
 * their marks (prefetch.ts) are not 0.
 *   scratch  with the sums of these rows
 *   panel    panelBytes long, as its neighbours are
 */
export function multiplyTwoPanels(
  to: usize, toBytes: usize, rows: usize, scratch: usize, panel: usize, panelBytes: usize, nextBytes: usize, nextMarks: usize,
  M: i32, K: i32,
): void {
  const b = scratch;
  const p = scratch + FACTOR_BYTES * 7;
  const sums = sumsOf(scratch, M);
  const pBytes = productsBytes(M) / 7;
  const lower = groupOffset(K);
  const stride = lower << 1;
  const sumBytes = lower >> 1;
  const half = M >> 3 << 2;
  startPrefetch(panel + (panelBytes << 1), nextBytes, nextMarks, 7 * (M >> 3) * ((K + PART - 1) / PART));
  for (let k = 0; k < K; k += PART) {
    const depth = min(K - k, PART) >> 1;
    widenFactors(b, panel + ((<usize>k) << 3), panelBytes, (<usize>depth) << 3);
    const a11 = rows + groupOffset(k);
    const a12 = a11 + groupOffset(depth);
    const s1 = sums + groupOffset(k >> 1);
    const adds = k > 0;
    multiplyRows(p, a11, stride, b, half, depth, adds);
    multiplyRows(p + pBytes, a12, stride, b + FACTOR_BYTES, half, depth, adds);
    multiplyRows(p + pBytes * 2, s1 + sumBytes * 3, stride, b + FACTOR_BYTES * 2, half, depth, adds);
    multiplyRows(p + pBytes * 3, a12 + lower, stride, b + FACTOR_BYTES * 3, half, depth, adds);
    multiplyRows(p + pBytes * 4, s1, stride, b + FACTOR_BYTES * 4, half, depth, adds);
    multiplyRows(p + pBytes * 5, s1 + sumBytes, stride, b + FACTOR_BYTES * 5, half, depth, adds);
    multiplyRows(p + pBytes * 6, s1 + sumBytes * 2, stride, b + FACTOR_BYTES * 6, half, depth, adds);
  }
  addProducts(to, toBytes, p, pBytes);
  multiplyFewRows(to, rows, panel, half << 1, M, K);
  multiplyFewRows(to + toBytes, rows, panel + panelBytes, half << 1, M, K);
}

/**
 * A part of two panels → the factors of B in the order of the products: B11, B21, B22, T4, T1, T2, T3. Of every four neighbours in k the even
 * ones, then the odd, as A's pairs are: both are stored one behind the other, as the CPU writes two stores at once if they share a cache
 * line (measured on an EPYC of 2024: 2.7 ms of a forward pass, 4 in another order).
 */
function widenFactors(to: usize, panel: usize, panelBytes: usize, halfBytes: usize): void {
  for (const end = panel + halfBytes; panel < end; panel += 16, to += 16) {
    const b11 = v128.load(panel);
    const b21 = v128.load(panel + halfBytes);
    const b12 = v128.load(panel + panelBytes);
    const b22 = v128.load(panel + panelBytes + halfBytes);
    const even11 = evenBytes(b11), odd11 = oddBytes(b11);
    const even21 = evenBytes(b21), odd21 = oddBytes(b21);
    const even12 = evenBytes(b12), odd12 = oddBytes(b12);
    const even22 = evenBytes(b22), odd22 = oddBytes(b22);
    storeFactor(to, even11, odd11);
    storeFactor(to + FACTOR_BYTES, even21, odd21);
    storeFactor(to + FACTOR_BYTES * 2, even22, odd22);
    storeFactor(to + FACTOR_BYTES * 6, i16x8.sub(even22, even12), i16x8.sub(odd22, odd12));
    const even1 = i16x8.sub(even12, even11), odd1 = i16x8.sub(odd12, odd11);
    storeFactor(to + FACTOR_BYTES * 4, even1, odd1);
    const even2 = i16x8.sub(even22, even1), odd2 = i16x8.sub(odd22, odd1);
    storeFactor(to + FACTOR_BYTES * 5, even2, odd2);
    storeFactor(to + FACTOR_BYTES * 3, i16x8.sub(even2, even21), i16x8.sub(odd2, odd21));
    to += (to & 16) << 1; // behind the odd ones of all 8 columns
  }
}

// @ts-ignore: decorator
@inline
function storeFactor(to: usize, even: v128, odd: v128): void {
  v128.store(to, even);
  v128.store(to, odd, 32);
}

/** P1 … P7, pBytes each → C: of each 8 rows the upper 4, then the lower. */
function addProducts(to: usize, toBytes: usize, p: usize, pBytes: usize): void {
  for (const end = p + pBytes; p < end; to += 128) {
    for (const group = p + 128; p < group; p += 16, to += 16) {
      const p1 = v128.load(p);
      const p5 = v128.load(p + pBytes * 4);
      const u2 = i32x4.add(p1, v128.load(p + pBytes * 5));
      const u3 = i32x4.add(u2, v128.load(p + pBytes * 6));
      v128.store(to, i32x4.add(p1, v128.load(p + pBytes)));
      v128.store(to + toBytes, i32x4.add(i32x4.add(u2, p5), v128.load(p + pBytes * 2)));
      v128.store(to, i32x4.sub(u3, v128.load(p + pBytes * 3)), 128);
      v128.store(to + toBytes, i32x4.add(u3, p5), 128);
    }
  }
}
