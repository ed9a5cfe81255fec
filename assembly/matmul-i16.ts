// C = A·B of 16-bit integers with 32-bit sums, exact on every engine: under the int8 matmul where there is no byte dot, and under
// attention in q8.
//
//   c  i32 [M][8]            rows ldcBytes apart
//   a  i16 [M][K]            rows ldaBytes apart
//   b  i16 [K/2][8][2]       one panel: 8 columns, neighbours in k side by side, as dotPairs multiplies them
//
// K even, M ≥ 1. The caller sees to it that no sum leaves 32 bits. 2·M·8·K operations.
//
// Tile: up to 4 rows × 8 columns: 8 accumulators, 2 of B, 1 of A, 1 product = 12 of V8's 15 registers.
import { dotPairs } from "./simd";

/** Bytes of one step of a panel: 8 columns × 2 values of 2 bytes, or × 4 values of 1 byte. */
const STEP_BYTES: usize = 32;

/** Four bytes of each of 4 columns: the first two of each to the low half, the others to the high half. */
// @ts-ignore: decorator
@inline
function pairsOfColumns(bytes: v128): v128 {
  return i8x16.shuffle(bytes, bytes, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
}

/** All rows of one panel. @param adds whether c holds sums already, of other parts of K, to which these are added */
export function multiplyPanelI16(
  c: usize, ldcBytes: usize, a: usize, ldaBytes: usize, b: usize, M: i32, K: i32, adds: bool = false,
): void {
  let rows = M;
  for (; rows >= 4; rows -= 4, c += ldcBytes << 2, a += ldaBytes << 2) tile4(c, ldcBytes, a, ldaBytes, b, K, adds);
  if (rows == 3) tile3(c, ldcBytes, a, ldaBytes, b, K, adds);
  else if (rows == 2) tile2(c, ldcBytes, a, ldaBytes, b, K, adds);
  else if (rows == 1) tile1(c, ldcBytes, a, ldaBytes, b, K, adds);
}

function tile4(c: usize, ldc: usize, a: usize, lda: usize, b: usize, K: i32, adds: bool): void {
  tile(4, c, ldc, a, lda, b, K, adds);
}
function tile3(c: usize, ldc: usize, a: usize, lda: usize, b: usize, K: i32, adds: bool): void {
  tile(3, c, ldc, a, lda, b, K, adds);
}
function tile2(c: usize, ldc: usize, a: usize, lda: usize, b: usize, K: i32, adds: bool): void {
  tile(2, c, ldc, a, lda, b, K, adds);
}
function tile1(c: usize, ldc: usize, a: usize, lda: usize, b: usize, K: i32, adds: bool): void {
  tile(1, c, ldc, a, lda, b, K, adds);
}

/** The micro-kernel. `R` is a literal at each call: the compiler drops the rows that a tile has not. */
// @ts-ignore: decorator
@inline
function tile(R: i32, c: usize, ldc: usize, a: usize, lda: usize, b: usize, K: i32, adds: bool): void {
  const a1 = a + lda;
  const a2 = a1 + lda;
  const a3 = a2 + lda;
  const zero = i32x4.splat(0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
  if (adds) {
    c00 = v128.load(c);
    c01 = v128.load(c, 16);
    if (R > 1) {
      c10 = v128.load(c + ldc);
      c11 = v128.load(c + ldc, 16);
    }
    if (R > 2) {
      c20 = v128.load(c + ldc * 2);
      c21 = v128.load(c + ldc * 2, 16);
    }
    if (R > 3) {
      c30 = v128.load(c + ldc * 3);
      c31 = v128.load(c + ldc * 3, 16);
    }
  }
  const end = <usize>K << 1;
  for (let k: usize = 0; k < end; k += 4) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    b += STEP_BYTES;
    let x = v128.load32_splat(a + k);
    c00 = dotPairs(x, b0, c00);
    c01 = dotPairs(x, b1, c01);
    if (R > 1) {
      x = v128.load32_splat(a1 + k);
      c10 = dotPairs(x, b0, c10);
      c11 = dotPairs(x, b1, c11);
    }
    if (R > 2) {
      x = v128.load32_splat(a2 + k);
      c20 = dotPairs(x, b0, c20);
      c21 = dotPairs(x, b1, c21);
    }
    if (R > 3) {
      x = v128.load32_splat(a3 + k);
      c30 = dotPairs(x, b0, c30);
      c31 = dotPairs(x, b1, c31);
    }
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  if (R > 1) {
    c += ldc;
    v128.store(c, c10);
    v128.store(c, c11, 16);
  }
  if (R > 2) {
    c += ldc;
    v128.store(c, c20);
    v128.store(c, c21, 16);
  }
  if (R > 3) {
    c += ldc;
    v128.store(c, c30);
    v128.store(c, c31, 16);
  }
}

/**
 * The same for 4 or more rows on a panel of bytes, i8 [K/4][8][4] (pack-i8.ts), K a multiple of 4: the first four rows widen it on the
 * way, into `wide`, i16 [K/2][8][2], so that the wait for memory passes while they are multiplied.
 */
export function multiplyPanelOfBytes(
  c: usize, ldc: usize, a: usize, lda: usize, b: usize, wide: usize, M: i32, K: i32, adds: bool,
): void {
  storingTile4(c, ldc, a, lda, b, wide, K, adds);
  multiplyPanelI16(c + (ldc << 2), ldc, a + (lda << 2), lda, wide, M - 4, K, adds);
}

/** The same for up to 4 rows: nobody needs the widened panel then. */
export function multiplyPanelWidening(c: usize, ldc: usize, a: usize, lda: usize, b: usize, M: i32, K: i32): void {
  if (M == 4) wideningTile4(c, ldc, a, lda, b, K);
  else if (M == 3) wideningTile3(c, ldc, a, lda, b, K);
  else if (M == 2) wideningTile2(c, ldc, a, lda, b, K);
  else wideningTile1(c, ldc, a, lda, b, K);
}

/** Four rows, with the widened panel for the others. */
function storingTile4(c: usize, ldc: usize, a: usize, lda: usize, b: usize, wide: usize, K: i32, adds: bool): void {
  wideningTile(4, c, ldc, a, lda, b, wide, K, adds);
}
function wideningTile4(c: usize, ldc: usize, a: usize, lda: usize, b: usize, K: i32): void {
  wideningTile(4, c, ldc, a, lda, b, 0, K, false);
}
function wideningTile3(c: usize, ldc: usize, a: usize, lda: usize, b: usize, K: i32): void {
  wideningTile(3, c, ldc, a, lda, b, 0, K, false);
}
function wideningTile2(c: usize, ldc: usize, a: usize, lda: usize, b: usize, K: i32): void {
  wideningTile(2, c, ldc, a, lda, b, 0, K, false);
}
function wideningTile1(c: usize, ldc: usize, a: usize, lda: usize, b: usize, K: i32): void {
  wideningTile(1, c, ldc, a, lda, b, 0, K, false);
}

/** @param wide where the widened panel goes, i16 [K/2][8][2]; 0, a literal, where nobody needs it */
// @ts-ignore: decorator
@inline
function wideningTile(R: i32, c: usize, ldc: usize, a: usize, lda: usize, b: usize, wide: usize, K: i32, adds: bool): void {
  const a1 = a + lda;
  const a2 = a1 + lda;
  const a3 = a2 + lda;
  const zero = i32x4.splat(0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
  if (adds) {
    c00 = v128.load(c);
    c01 = v128.load(c, 16);
    c10 = v128.load(c + ldc);
    c11 = v128.load(c + ldc, 16);
    c20 = v128.load(c + ldc * 2);
    c21 = v128.load(c + ldc * 2, 16);
    c30 = v128.load(c + ldc * 3);
    c31 = v128.load(c + ldc * 3, 16);
  }
  let x: v128;
  const end = <usize>K << 1;
  for (let k: usize = 0; k < end; k += 8) {
    const left = pairsOfColumns(v128.load(b));
    const right = pairsOfColumns(v128.load(b, 16));
    b += STEP_BYTES;
    const p0 = i16x8.extend_low_i8x16_s(left);
    const p1 = i16x8.extend_low_i8x16_s(right);
    const q0 = i16x8.extend_high_i8x16_s(left);
    const q1 = i16x8.extend_high_i8x16_s(right);
    if (wide) {
      v128.store(wide, p0);
      v128.store(wide, p1, 16);
      v128.store(wide, q0, 32);
      v128.store(wide, q1, 48);
      wide += STEP_BYTES << 1;
    }
    x = v128.load32_splat(a + k);
    c00 = dotPairs(x, p0, c00);
    c01 = dotPairs(x, p1, c01);
    x = v128.load32_splat(a + k, 4);
    c00 = dotPairs(x, q0, c00);
    c01 = dotPairs(x, q1, c01);
    if (R > 1) {
      x = v128.load32_splat(a1 + k);
      c10 = dotPairs(x, p0, c10);
      c11 = dotPairs(x, p1, c11);
      x = v128.load32_splat(a1 + k, 4);
      c10 = dotPairs(x, q0, c10);
      c11 = dotPairs(x, q1, c11);
    }
    if (R > 2) {
      x = v128.load32_splat(a2 + k);
      c20 = dotPairs(x, p0, c20);
      c21 = dotPairs(x, p1, c21);
      x = v128.load32_splat(a2 + k, 4);
      c20 = dotPairs(x, q0, c20);
      c21 = dotPairs(x, q1, c21);
    }
    if (R > 3) {
      x = v128.load32_splat(a3 + k);
      c30 = dotPairs(x, p0, c30);
      c31 = dotPairs(x, p1, c31);
      x = v128.load32_splat(a3 + k, 4);
      c30 = dotPairs(x, q0, c30);
      c31 = dotPairs(x, q1, c31);
    }
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  if (R > 1) {
    c += ldc;
    v128.store(c, c10);
    v128.store(c, c11, 16);
  }
  if (R > 2) {
    c += ldc;
    v128.store(c, c20);
    v128.store(c, c21, 16);
  }
  if (R > 3) {
    c += ldc;
    v128.store(c, c30);
    v128.store(c, c31, 16);
  }
}
