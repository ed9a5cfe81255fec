// The int8 matmul's sums by 16-bit pairs with fewer multiplications: Strassen's product in Winograd's form (Winograd 1971), once or
// twice over, exact for integers.
//
//   A = [A11 A12; A21 A22]    i16, rows in groups of 4 (matmul-i16.ts): the first half of M and the last; of K two halves
//   B = [B11 B12; B21 B22]    panels, the first half of them and the last; of K two halves
//   S1 = A21 + A22   S2 = S1 - A11   S3 = A11 - A21   S4 = A12 - S2
//   T1 = B12 - B11   T2 = B22 - T1   T3 = B22 - B12   T4 = T2 - B21
//   P1 = A11·B11   P2 = A12·B21   P3 = S4·B22   P4 = S1·T1   P5 = S2·T2   P6 = S3·T3   P7 = A22·T4
//   C11 = P1 + P2   C12 = P1 + P5 + P4 + P3   C21 = P1 + P5 + P6 - P7   C22 = P1 + P5 + P6 + P4
//
// At level 1 two panels are multiplied by seven products of matmul-i16.ts, at level 2 four panels by seven products of level 1: 7/8 and
// 49/64 of 2·M·N·K operations. The operands of A are made once for all panels. Measured on an EPYC of 2024, a forward pass against the
// plain products: Node 22 8 % less at 16 tokens (level 1), 14 % at 128; Node 24 3 and 13 %.
//
// B11, B21 and B22 are widened by the first rows that they meet, then T1 … T4 take their place in one pass: against a pass for all seven
// factors 2 to 4 % less of a matmul of 16 or 32 rows, 3 to 6 % from 64 on (measured on an EPYC of 2021, Node 24).
//
// Level L takes M and K that are multiples of 4·2^L, and 2^L panels. From |A| ≤ 255 and |B| ≤ 127 come sums of up to 4,080 and 2,032 at level 2,
// which fit 16 bits. What is too much for 32 bits in between wraps around, and comes back where C fits.
import { evenBytes, groupOffset, multiplyPanelOfBytes, multiplyRows, oddBytes } from "./matmul-i16";
import { startPrefetch } from "./prefetch";

/** K is cut into parts, so that a panel in each of the last products stays in L1 while the rows go by: they have this depth at most. */
const LAST_DEPTH: i32 = 384;

/** Bytes of i16 [M][K]. */
function rowsBytes(M: i32, K: i32): usize {
  return <usize>M * (<usize>K << 1);
}

/** Bytes of all operands of A at a level. */
function operandsBytes(level: i32, M: i32, K: i32): usize {
  return level == 0 ? rowsBytes(M, K) : operandsBytes(level - 1, M >> 1, K >> 1) * 7;
}

/** Bytes from one of the factors of B to the next, 2^level / 2 panels as i16 [K/4][8][2]. */
// @ts-ignore: decorator
@inline
function factorBytes(level: i32): usize {
  return (<usize>LAST_DEPTH) << (level * 2 + 2);
}

/** Bytes of those that exist at a time: four of level 1; before them, at level 2, four of that. */
function factorsBytes(level: i32): usize {
  return factorBytes(2) * (level == 2 ? 5 : 1);
}

/** Bytes of one of the seven products, 2^level / 2 panels of i32 [M/2][8]. */
// @ts-ignore: decorator
@inline
function productBytes(level: i32, M: i32): usize {
  return (<usize>M) << (level + 3);
}

/** Bytes of scratch for up to M rows, a multiple of 16, at any level. As f64: must not wrap around. */
export function strassenScratchBytes(M: i32, K: i32): f64 {
  const work = factorsBytes(2) + (productBytes(2, M) + productBytes(1, M >> 1)) * 7;
  return <f64>M * <f64>K * 2 * 49 / 16 + <f64>max(work, rowsBytes(M >> 1, LAST_DEPTH << 1) * 7);
}

/** The operands of A → scratch, part of K after part. */
export function splitRows(level: i32, scratch: usize, rows: usize, M: i32, K: i32): void {
  const work = scratch + operandsBytes(level, M, K);
  const part = LAST_DEPTH << level;
  for (let k = 0; k < K; k += part) {
    const depth = min(K - k, part);
    scratch = splitPart(level, scratch, rows + groupOffset(k), groupOffset(K), M, depth, work);
  }
}

/** Of rows whose groups are groupBytes apart; returns where the operands end. */
function splitPart(level: i32, to: usize, rows: usize, groupBytes: usize, M: i32, K: i32, work: usize): usize {
  const halves = level == 1 ? to : work;
  const halfBytes = rowsBytes(M >> 1, K >> 1);
  const right = groupOffset(K >> 1);
  const lower = <usize>(M >> 3) * groupBytes;
  let s = halves;
  for (const end = rows + lower; rows < end; rows += groupBytes) {
    let a = rows;
    for (const groupEnd = a + right; a < groupEnd; a += 16, s += 16) {
      const a11 = v128.load(a);
      const a12 = v128.load(a + right);
      const a21 = v128.load(a + lower);
      const a22 = v128.load(a + lower + right);
      const s1 = i16x8.add(a21, a22);
      const s2 = i16x8.sub(s1, a11);
      v128.store(s, a11);
      v128.store(s + halfBytes, a12);
      v128.store(s + halfBytes * 2, i16x8.sub(a12, s2));
      v128.store(s + halfBytes * 3, s1);
      v128.store(s + halfBytes * 4, s2);
      v128.store(s + halfBytes * 5, i16x8.sub(a11, a21));
      v128.store(s + halfBytes * 6, a22);
    }
  }
  if (level == 1) return to + halfBytes * 7;
  for (let i: usize = 0; i < 7; i++) {
    to = splitPart(level - 1, to, work + i * halfBytes, groupOffset(K >> 1), M >> 1, K >> 1, 0);
  }
  return to;
}

/**
 * Sums of 2^level panels, i32 [M][8] each, cBytes apart. Meanwhile the nextBytes behind them are prefetched, if their marks (prefetch.ts)
 * are not 0.
 *   scratch  with the operands of these rows
 *   panels   i8, panelBytes apart (pack-i8.ts)
 */
export function multiplyPanels(
  level: i32, c: usize, cBytes: usize, scratch: usize, panels: usize, panelBytes: usize, nextBytes: usize, nextMarks: usize, M: i32,
  K: i32,
): void {
  const b = scratch + operandsBytes(level, M, K);
  const p = b + factorsBytes(level);
  const part = LAST_DEPTH << level;
  const parts = (K + part - 1) / part;
  startPrefetch(panels + (panelBytes << level), nextBytes, nextMarks, (level == 1 ? 7 : 49) * (M >> (level + 2)) * parts);
  for (let k = 0; k < K; k += part) {
    const depth = min(K - k, part);
    const panel = panels + ((<usize>k) << 3);
    const halfBytes = (<usize>depth) << 2;
    if (level == 1) {
      multiplySevenOfBytes(p, scratch, b, panel, panelBytes, M >> 1, depth >> 1, k > 0);
    } else {
      widenDifferences(b, panel, panelBytes << 1, halfBytes);
      widenDifferences(b + ((<usize>depth) << 3), panel + panelBytes, panelBytes << 1, halfBytes);
      multiplySevenTwice(p, scratch, b, panel, panelBytes, M >> 1, depth >> 1, k > 0);
    }
    scratch += operandsBytes(level, M, depth);
  }
  const half = (<usize>M) << 4;
  addProducts(c, cBytes << (level - 1), p, productBytes(level, M), half, false);
  if (level == 2) addProducts(c + cBytes, cBytes << 1, p + half, productBytes(2, M), half, false);
}

/**
 * Seven products of rows × depth values with a panel each: the factors of two panels of bytes, rightBytes apart.
 * @param b scratch for four of them
 * @param adds whether p holds sums of other parts of K, to which these are added
 */
function multiplySevenOfBytes(
  p: usize, a: usize, b: usize, panel: usize, rightBytes: usize, rows: i32, depth: i32, adds: bool,
): void {
  const size = productBytes(1, rows << 1);
  const operand = rowsBytes(rows, depth);
  const groupBytes = groupOffset(depth);
  const bytes = (<usize>depth) << 3;
  const wide = bytes << 1;
  let right = panel + rightBytes;
  multiplyPanelOfBytes(p, a, groupBytes, panel, b, rows, depth, adds);
  multiplyPanelOfBytes(p + size, a + operand, groupBytes, panel + bytes, b + wide, rows, depth, adds);
  multiplyPanelOfBytes(p + size * 2, a + operand * 2, groupBytes, right + bytes, b + wide * 3, rows, depth, adds);
  for (let at = b, end = right + bytes; right < end; right += 32, at += 64) {
    const bytes0 = v128.load(right), bytes1 = v128.load(right, 16);
    toDifferences(at, wide, evenBytes(bytes0), evenBytes(bytes1));
    toDifferences(at + 32, wide, oddBytes(bytes0), oddBytes(bytes1));
  }
  multiplyLastFour(p + size * 3, a + operand * 3, b, rows, depth, adds);
}

/** The same of two panels that are widened already: b holds B11, B21, B12 and B22, and is written over. */
function multiplySeven(p: usize, a: usize, b: usize, rows: i32, depth: i32): void {
  const size = productBytes(1, rows << 1);
  const operand = rowsBytes(rows, depth);
  const groupBytes = groupOffset(depth);
  const wide = (<usize>depth) << 4;
  multiplyRows(p, a, groupBytes, b, rows, depth, false);
  multiplyRows(p + size, a + operand, groupBytes, b + wide, rows, depth, false);
  multiplyRows(p + size * 2, a + operand * 2, groupBytes, b + wide * 3, rows, depth, false);
  for (let at = b, end = b + wide; at < end; at += 32) {
    toDifferences(at, wide, v128.load(at + wide * 2), v128.load(at + wide * 2, 16));
  }
  multiplyLastFour(p + size * 3, a + operand * 3, b, rows, depth, false);
}

/** P4 … P7, with T1, T2, T3 and T4, which are the third, fourth, first and second in b. */
function multiplyLastFour(p: usize, a: usize, b: usize, rows: i32, depth: i32, adds: bool): void {
  for (let i: usize = 2; i < 6; i++) {
    multiplyRows(p, a, groupOffset(depth), b + (i & 3) * ((<usize>depth) << 4), rows, depth, adds);
    p += productBytes(1, rows << 1);
    a += rowsBytes(rows, depth);
  }
}

/**
 * Seven products with two panels each, by seven products each: of the factors of four panels of bytes, panelBytes apart.
 * @param b T3, T4, T1 and T2; behind them scratch for four panels
 */
function multiplySevenTwice(
  p: usize, a: usize, b: usize, panels: usize, panelBytes: usize, rows: i32, depth: i32, adds: bool,
): void {
  const size = productBytes(2, rows << 1);
  const products = p + size * 7;
  const halfBytes = (<usize>rows) << 4;
  const wide = b + factorBytes(2) * 4;
  const lower = panels + ((<usize>depth) << 3);
  for (let i: usize = 0; i < 7; i++) {
    if (i < 3) {
      const factor = i == 0 ? panels : i == 1 ? lower : lower + panelBytes * 2;
      multiplySevenOfBytes(products, a, wide, factor, panelBytes, rows >> 1, depth >> 1, false);
    } else multiplySeven(products, a, b + ((i - 1) & 3) * factorBytes(2), rows >> 1, depth >> 1);
    addProducts(p, (<usize>rows) << 5, products, productBytes(1, rows), halfBytes, adds);
    p += size;
    a += operandsBytes(1, rows, depth);
  }
}

/**
 * Two panels of bytes, rightBytes apart, of two halves of K → their part of T3, T4, T1 and T2 of level 2. Of every four neighbours in k the
 * even ones, then the odd, as A's pairs are: the odd ones of 8 columns stand behind their even ones.
 */
function widenDifferences(to: usize, panel: usize, rightBytes: usize, halfBytes: usize): void {
  for (const end = panel + halfBytes; panel < end; panel += 32, to += 64) {
    const right = panel + rightBytes;
    const x11 = v128.load(panel), y11 = v128.load(panel, 16);
    const x21 = v128.load(panel + halfBytes), y21 = v128.load(panel + halfBytes, 16);
    const x12 = v128.load(right), y12 = v128.load(right, 16);
    const x22 = v128.load(right + halfBytes), y22 = v128.load(right + halfBytes, 16);
    storeDifferences(
      to, factorBytes(2), evenBytes(x11), evenBytes(y11), evenBytes(x21), evenBytes(y21), evenBytes(x12), evenBytes(y12),
      evenBytes(x22), evenBytes(y22),
    );
    storeDifferences(
      to + 32, factorBytes(2), oddBytes(x11), oddBytes(y11), oddBytes(x21), oddBytes(y21), oddBytes(x12), oddBytes(y12),
      oddBytes(x22), oddBytes(y22),
    );
  }
}

/** Two vectors of B11, B21, B12 and B22, `size` apart → T3, T4, T1 and T2 in their places. B12 is given, be it there or not. */
// @ts-ignore: decorator
@inline
function toDifferences(at: usize, size: usize, x12: v128, y12: v128): void {
  const at21 = at + size;
  const at22 = at + size * 3;
  storeDifferences(
    at, size, v128.load(at), v128.load(at, 16), v128.load(at21), v128.load(at21, 16), x12, y12, v128.load(at22), v128.load(at22, 16),
  );
}

/** Of two vectors x and y of each quarter of B: T3, T4, T1 and T2, `size` apart. */
// @ts-ignore: decorator
@inline
function storeDifferences(
  to: usize, size: usize, x11: v128, y11: v128, x21: v128, y21: v128, x12: v128, y12: v128, x22: v128, y22: v128,
): void {
  storeTwo(to, i16x8.sub(x22, x12), i16x8.sub(y22, y12));
  const x1 = i16x8.sub(x12, x11), y1 = i16x8.sub(y12, y11);
  storeTwo(to + size * 2, x1, y1);
  const x2 = i16x8.sub(x22, x1), y2 = i16x8.sub(y22, y1);
  storeTwo(to + size * 3, x2, y2);
  storeTwo(to + size, i16x8.sub(x2, x21), i16x8.sub(y2, y21));
}

/** The CPU writes two stores at once if they share a cache line (measured on an EPYC of 2024: 2.7 ms of a forward pass, 4 in another order). */
// @ts-ignore: decorator
@inline
function storeTwo(to: usize, x: v128, y: v128): void {
  v128.store(to, x);
  v128.store(to, y, 16);
}

/** P1 … P7 of one panel, `size` apart → C of two panels, rightBytes apart, whose lower half lies lowerBytes behind the upper. */
function addProducts(c: usize, rightBytes: usize, p: usize, size: usize, lowerBytes: usize, adds: bool): void {
  for (const end = p + lowerBytes; p < end; p += 16, c += 16) {
    const p1 = v128.load(p);
    const p4 = v128.load(p + size * 3);
    const u2 = i32x4.add(p1, v128.load(p + size * 4));
    const u3 = i32x4.add(u2, v128.load(p + size * 5));
    let c11 = i32x4.add(p1, v128.load(p + size));
    let c12 = i32x4.add(i32x4.add(u2, p4), v128.load(p + size * 2));
    let c21 = i32x4.sub(u3, v128.load(p + size * 6));
    let c22 = i32x4.add(u3, p4);
    const right = c + rightBytes;
    if (adds) {
      c11 = i32x4.add(c11, v128.load(c));
      c12 = i32x4.add(c12, v128.load(right));
      c21 = i32x4.add(c21, v128.load(c + lowerBytes));
      c22 = i32x4.add(c22, v128.load(right + lowerBytes));
    }
    v128.store(c, c11);
    v128.store(right, c12);
    v128.store(c + lowerBytes, c21);
    v128.store(right + lowerBytes, c22);
  }
}
