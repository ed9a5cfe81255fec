// C = A·B of bytes by byte dots with 32-bit sums: under the int8 matmul where the engine has such a dot.
//
//   c  i32 [M][8]
//   a  bytes, tile after tile (tiles.ts) of up to 6 rows as [K/4][height][4], by quantize.ts
//   b  i8 [K/4][8][4]    one panel (pack-i8.ts)
//
// K a multiple of 4, M ≥ 1. 2·M·8·K operations. 6 × 8 tiles, in whose loops rows that wait for it are made floats (finish-i8.ts).
import { finishOne, setReady } from "./finish-i8";
import { STEP_BYTES } from "./pack-i8";
import { continuePrefetch, startPrefetch } from "./prefetch";
import { BYTE_TILE_ROWS } from "./quantize";
import { dotBytes } from "./simd";
import { tilesOf } from "./tiles";

/** Bytes of a panel between two rows that are finished: 24 steps, so that there is time for all rows of the tile before. */
const SEGMENT_BYTES: usize = 24 * STEP_BYTES;

/**
 * All rows of one panel. Meanwhile the next one is prefetched, if its marks (prefetch.ts) are not 0.
 * @param completes whether rows can be finished with these sums
 */
export function multiplyPanelI8(c: usize, a: usize, b: usize, nextMarks: usize, M: i32, K: i32, completes: bool): void {
  const panelBytes = (<usize>K) << 3;
  const tiles = tilesOf(M, BYTE_TILE_ROWS);
  const least = M / tiles;
  const taller = M % tiles;
  startPrefetch(b + panelBytes, panelBytes, nextMarks, tiles);
  let row = 0;
  for (let t = 0; t < tiles; t++) {
    const height = least + i32(t < taller);
    row += height;
    if (height == 6) tile6(c, a, b, K);
    else if (height == 5) tile5(c, a, b, K);
    else if (height == 4) tile4(c, a, b, K);
    else if (height == 3) tile3(c, a, b, K);
    else if (height == 2) tile2(c, a, b, K);
    else tile1(c, a, b, K);
    if (completes) setReady(row);
    c += (<usize>height) << 5;
    a += <usize>(height * K);
    continuePrefetch();
  }
}

function tile6(c: usize, a: usize, b: usize, K: i32): void {
  tile(6, c, a, b, K);
}
function tile5(c: usize, a: usize, b: usize, K: i32): void {
  tile(5, c, a, b, K);
}
function tile4(c: usize, a: usize, b: usize, K: i32): void {
  tile(4, c, a, b, K);
}
function tile3(c: usize, a: usize, b: usize, K: i32): void {
  tile(3, c, a, b, K);
}
function tile2(c: usize, a: usize, b: usize, K: i32): void {
  tile(2, c, a, b, K);
}
function tile1(c: usize, a: usize, b: usize, K: i32): void {
  tile(1, c, a, b, K);
}

/** The micro-kernel of byte dots: 12 accumulators, 2 of B, 1 of A = 15 registers. `R` is a literal at each call. */
// @ts-ignore: decorator
@inline
function tile(R: i32, c: usize, a: usize, b: usize, K: i32): void {
  const zero = i32x4.splat(0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero;
  let c30 = zero, c31 = zero, c40 = zero, c41 = zero, c50 = zero, c51 = zero;
  const end = b + ((<usize>K) << 3);
  while (b < end) {
    for (const segment = min(b + SEGMENT_BYTES, end); b < segment; b += STEP_BYTES, a += R << 2) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let x = v128.load32_splat(a);
      if (R == 5) {
        // Two rows at a time, for which 6 rows leave no register: the CPU divides these dots over its pipes more evenly (measured on
        // an EPYC of 2024: 3 %).
        let y = v128.load32_splat(a, 4);
        c00 = dotBytes(b0, x, c00);
        c10 = dotBytes(b0, y, c10);
        c01 = dotBytes(b1, x, c01);
        c11 = dotBytes(b1, y, c11);
        x = v128.load32_splat(a, 8);
        y = v128.load32_splat(a, 12);
        c20 = dotBytes(b0, x, c20);
        c30 = dotBytes(b0, y, c30);
        c21 = dotBytes(b1, x, c21);
        c31 = dotBytes(b1, y, c31);
        x = v128.load32_splat(a, 16);
        c40 = dotBytes(b0, x, c40);
        c41 = dotBytes(b1, x, c41);
        continue;
      }
      c00 = dotBytes(b0, x, c00);
      c01 = dotBytes(b1, x, c01);
      if (R > 1) {
        x = v128.load32_splat(a, 4);
        c10 = dotBytes(b0, x, c10);
        c11 = dotBytes(b1, x, c11);
      }
      if (R > 2) {
        x = v128.load32_splat(a, 8);
        c20 = dotBytes(b0, x, c20);
        c21 = dotBytes(b1, x, c21);
      }
      if (R > 3) {
        x = v128.load32_splat(a, 12);
        c30 = dotBytes(b0, x, c30);
        c31 = dotBytes(b1, x, c31);
      }
      if (R > 4) {
        x = v128.load32_splat(a, 16);
        c40 = dotBytes(b0, x, c40);
        c41 = dotBytes(b1, x, c41);
      }
      if (R > 5) {
        x = v128.load32_splat(a, 20);
        c50 = dotBytes(b0, x, c50);
        c51 = dotBytes(b1, x, c51);
      }
    }
    if (R > 4) finishOne();
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  if (R > 1) {
    v128.store(c, c10, 32);
    v128.store(c, c11, 48);
  }
  if (R > 2) {
    v128.store(c, c20, 64);
    v128.store(c, c21, 80);
  }
  if (R > 3) {
    v128.store(c, c30, 96);
    v128.store(c, c31, 112);
  }
  if (R > 4) {
    v128.store(c, c40, 128);
    v128.store(c, c41, 144);
  }
  if (R > 5) {
    v128.store(c, c50, 160);
    v128.store(c, c51, 176);
  }
}
