// C = activation(A·B + bias + init), f32, B packed.
//
//   c     f32 [M][N]  rows ldcBytes apart      may be the same memory as init, must not overlap a or b
//   a     f32 [M][K]  rows ldaBytes apart
//   b     f32 [ceil(N/8)][K][8]                packed by pack.ts
//   marks u8 [ceil(N/8)][ceil(K/2)]            by prefetch.ts: b is prefetched, which stores in it what is there; 0: it is not
//   bias  f32 [ceil(N/8)·8]                    one value a column; address 0: none
//   init  f32 [M][N]  rows ldinitBytes apart   the residual; 0: none
//   scratch matmulF32ScratchBytes(K) bytes
//
// Up to 7 floats behind a row of init and of c are read and ignored.
//
// Any M, N, K ≥ 1; alignment to 4 bytes is enough. 2·M·N·K flops.
//
// Tile (tiles.ts): up to 6 rows (4 in the simd build) × 8 columns: 12 accumulators, 2 of B, 1 of A = 15 registers, all that V8 has.
// Panel outermost, so that it stays in L1 while the rows go by. Each tile is a call of its own: V8 then tiers the loop up within one
// matmul. shrinkLevel 1 in asconfig.json keeps it so: at 0 the compiler puts the smaller ones back into their callers (measured, 4 rows of
// int8: Node 22 76 Gop/s instead of 71, Node 24 81 instead of 78).
import { activateRows, NONE } from "./activation";
import { PANEL_ROW_BYTES, storeFew } from "./pack";
import { BURST_LINES, continuePrefetch, linesOf, startPrefetch } from "./prefetch";
import { multiplyAdd } from "./simd";
import { packTiles, tilesOf } from "./tiles";

/** Rows and depth that are multiplied with all panels before the next: their part of A, 384 KB at most, stays in L2. */
const BLOCK_ROWS: i32 = 128;
const BLOCK_FLOATS: i32 = BLOCK_ROWS * 768;
/**
 * The tallest tile. Without a fused multiply-add the product needs a register of its own, and 6 rows spill
 * (measured on an EPYC, Node 24: 27 GFLOP/s with 6, 43 with 5, 44 with 4).
 */
const MOST_ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;
/** The last panel, when N is no multiple of 8, is computed here and copied: f32 [BLOCK_ROWS][8]. */
const lastPanel: usize = memory.data(BLOCK_ROWS * 32, 16);
const zeros: usize = memory.data(32, 16);

/** Bytes of scratch: the rows of a part, packed. As f64: must not wrap around. */
export function matmulF32ScratchBytes(K: i32): f64 {
  return min(<f64>BLOCK_FLOATS, <f64>BLOCK_ROWS * <f64>K) * 4;
}

export function matmulF32(
  c: usize, ldcBytes: usize, a: usize, ldaBytes: usize, b: usize, marks: usize, bias: usize, init: usize, ldinitBytes: usize,
  scratch: usize, M: i32, N: i32, K: i32, activation: i32,
): void {
  const panelBytes = <usize>K * PANEL_ROW_BYTES;
  for (let m = 0; m < M; m += BLOCK_ROWS) {
    const rows = min(M - m, BLOCK_ROWS);
    const mostDepth = (BLOCK_FLOATS / rows) & ~1; // even, as a line of b is two rows of a panel
    // Sums go on where the part before left them, in c, so that the result is the same to the last bit.
    let partBias = bias;
    let partInit = init;
    let partLdinit = init ? ldinitBytes : 0;
    for (let k = 0; k < K; k += mostDepth) {
      const depth = min(K - k, mostDepth);
      packTiles(scratch, a + (<usize>k << 2), ldaBytes, rows, depth, MOST_ROWS);
      const partActivation = k + depth == K ? activation : NONE;
      multiplyPart(
        c, ldcBytes, scratch, b + <usize>k * PANEL_ROW_BYTES, panelBytes, marks ? marks + <usize>(k >> 1) : 0, partBias, partInit,
        partLdinit, rows, N, depth, partActivation,
      );
      partBias = 0;
      partInit = c;
      partLdinit = ldcBytes;
    }
    c += <usize>BLOCK_ROWS * ldcBytes;
    a += <usize>BLOCK_ROWS * ldaBytes;
    if (init) init += <usize>BLOCK_ROWS * ldinitBytes;
  }
}

/** At most BLOCK_ROWS rows and a part of the depth with all panels, which lie panelBytes apart. */
function multiplyPart(
  c: usize, ldc: usize, a: usize, b: usize, panelBytes: usize, marks: usize, bias: usize, init: usize, ldinit: usize,
  rows: i32, N: i32, K: i32, activation: i32,
): void {
  // One tile alone reads on from panel to panel, which the CPU foresees (measured on an EPYC of 2024, a forward pass of 6 rows: 21 ms
  // without prefetching, 29 with it).
  const prefetches = marks != 0 && rows > MOST_ROWS;
  for (let n = 0; n < N; n += 8, b += panelBytes) {
    const at = <usize>n << 2;
    const panelBias = bias ? bias + at : zeros;
    const panelInit = init ? init + at : zeros;
    const columns = N - n;
    if (columns >= 8) {
      marks += linesOf(panelBytes);
      multiplyPanel(
        c + at, ldc, a, b, b + panelBytes, prefetches && columns > 8 ? marks : 0, panelBias, panelInit, ldinit, rows, K,
      );
      if (activation != NONE) activateRows(activation, c + at, ldc, rows, 8);
    } else {
      multiplyPanel(lastPanel, 32, a, b, 0, 0, panelBias, panelInit, ldinit, rows, K);
      if (activation != NONE) activateRows(activation, lastPanel, 32, rows, columns);
      for (let row = 0; row < rows; row++) storeFew(c + at + <usize>row * ldc, lastPanel + (<usize>row << 5), columns);
    }
  }
}

/**
 * All rows of one panel. Meanwhile the same part of the next one is prefetched, unless `marks` is 0: in so many steps of the depth that
 * no tile has more than BURST_LINES lines to see to.
 */
function multiplyPanel(
  c: usize, ldc: usize, a: usize, b: usize, next: usize, marks: usize, bias: usize, init: usize, ldinit: usize,
  rows: i32, K: i32,
): void {
  const tiles = tilesOf(rows, MOST_ROWS);
  const mostDepth = tiles * <i32>(BURST_LINES * 2);
  const steps = marks ? (K + mostDepth - 1) / mostDepth : 1;
  const depth = ((K + steps - 1) / steps + 1) & ~1;
  for (let k = 0; k < K; k += depth) {
    const step = min(K - k, depth);
    const stepBytes = <usize>step * PANEL_ROW_BYTES;
    startPrefetch(next, stepBytes, marks, tiles);
    multiplyTiles(c, ldc, a, k, K, b, bias, init, ldinit, rows, step);
    b += stepBytes;
    next += stepBytes;
    marks += <usize>(step >> 1);
    bias = zeros;
    init = c;
    ldinit = ldc;
  }
}

/** All tiles of a step: K values from the k-th of `depth`. */
function multiplyTiles(
  c: usize, ldc: usize, a: usize, k: i32, depth: i32, b: usize, bias: usize, init: usize, ldinit: usize, rows: i32,
  K: i32,
): void {
  const tiles = tilesOf(rows, MOST_ROWS);
  const least = rows / tiles;
  const taller = rows % tiles;
  for (let t = 0; t < tiles; t++) {
    const height = least + i32(t < taller);
    const at = a + ((<usize>(k * height)) << 2);
    if (height == 6) tile6(c, ldc, at, b, bias, init, ldinit, K);
    else if (height == 5) tile5(c, ldc, at, b, bias, init, ldinit, K);
    else if (height == 4) tile4(c, ldc, at, b, bias, init, ldinit, K);
    else if (height == 3) tile3(c, ldc, at, b, bias, init, ldinit, K);
    else if (height == 2) tile2(c, ldc, at, b, bias, init, ldinit, K);
    else tile1(c, at, b, bias, init, K);
    c += <usize>height * ldc;
    a += (<usize>(depth * height)) << 2;
    init += <usize>height * ldinit;
    continuePrefetch();
  }
}

function tile6(c: usize, ldc: usize, a: usize, b: usize, bias: usize, init: usize, ldinit: usize, K: i32): void {
  tile(6, c, ldc, a, b, bias, init, ldinit, K);
}
function tile5(c: usize, ldc: usize, a: usize, b: usize, bias: usize, init: usize, ldinit: usize, K: i32): void {
  tile(5, c, ldc, a, b, bias, init, ldinit, K);
}
function tile4(c: usize, ldc: usize, a: usize, b: usize, bias: usize, init: usize, ldinit: usize, K: i32): void {
  tile(4, c, ldc, a, b, bias, init, ldinit, K);
}
function tile3(c: usize, ldc: usize, a: usize, b: usize, bias: usize, init: usize, ldinit: usize, K: i32): void {
  tile(3, c, ldc, a, b, bias, init, ldinit, K);
}
function tile2(c: usize, ldc: usize, a: usize, b: usize, bias: usize, init: usize, ldinit: usize, K: i32): void {
  tile(2, c, ldc, a, b, bias, init, ldinit, K);
}

/** The micro-kernel. `R` is a literal at each call: the compiler drops the rows that a tile has not. */
// @ts-ignore: decorator
@inline
function tile(R: i32, c: usize, ldc: usize, a: usize, b: usize, bias: usize, init: usize, ldinit: usize, K: i32): void {
  let c00 = v128.load(bias);
  let c01 = v128.load(bias, 16);
  let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01, c40 = c00, c41 = c01, c50 = c00, c51 = c01;
  c00 = f32x4.add(c00, v128.load(init));
  c01 = f32x4.add(c01, v128.load(init, 16));
  if (R > 1) {
    init += ldinit;
    c10 = f32x4.add(c10, v128.load(init));
    c11 = f32x4.add(c11, v128.load(init, 16));
  }
  if (R > 2) {
    init += ldinit;
    c20 = f32x4.add(c20, v128.load(init));
    c21 = f32x4.add(c21, v128.load(init, 16));
  }
  if (R > 3) {
    init += ldinit;
    c30 = f32x4.add(c30, v128.load(init));
    c31 = f32x4.add(c31, v128.load(init, 16));
  }
  if (R > 4) {
    init += ldinit;
    c40 = f32x4.add(c40, v128.load(init));
    c41 = f32x4.add(c41, v128.load(init, 16));
  }
  if (R > 5) {
    init += ldinit;
    c50 = f32x4.add(c50, v128.load(init));
    c51 = f32x4.add(c51, v128.load(init, 16));
  }
  const end = a + ((<usize>(K * R)) << 2);
  for (; a < end; a += R << 2) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    b += PANEL_ROW_BYTES;
    let x = v128.load32_splat(a);
    c00 = multiplyAdd(x, b0, c00);
    c01 = multiplyAdd(x, b1, c01);
    if (R > 1) {
      x = v128.load32_splat(a, 4);
      c10 = multiplyAdd(x, b0, c10);
      c11 = multiplyAdd(x, b1, c11);
    }
    if (R > 2) {
      x = v128.load32_splat(a, 8);
      c20 = multiplyAdd(x, b0, c20);
      c21 = multiplyAdd(x, b1, c21);
    }
    if (R > 3) {
      x = v128.load32_splat(a, 12);
      c30 = multiplyAdd(x, b0, c30);
      c31 = multiplyAdd(x, b1, c31);
    }
    if (R > 4) {
      x = v128.load32_splat(a, 16);
      c40 = multiplyAdd(x, b0, c40);
      c41 = multiplyAdd(x, b1, c41);
    }
    if (R > 5) {
      x = v128.load32_splat(a, 20);
      c50 = multiplyAdd(x, b0, c50);
      c51 = multiplyAdd(x, b1, c51);
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
  if (R > 4) {
    c += ldc;
    v128.store(c, c40);
    v128.store(c, c41, 16);
  }
  if (R > 5) {
    c += ldc;
    v128.store(c, c50);
    v128.store(c, c51, 16);
  }
}

/** One row: four steps of k at a time into sums of their own, as two accumulators alone would wait for each other. */
function tile1(c: usize, a: usize, b: usize, bias: usize, init: usize, K: i32): void {
  let s00 = f32x4.add(v128.load(bias), v128.load(init));
  let s01 = f32x4.add(v128.load(bias, 16), v128.load(init, 16));
  let s10 = f32x4.splat(0), s11 = s10, s20 = s10, s21 = s10, s30 = s10, s31 = s10;
  const whole = a + (<usize>(K & ~3) << 2);
  const end = a + (<usize>K << 2);
  for (; a < whole; a += 16, b += 128) {
    let x = v128.load32_splat(a);
    s00 = multiplyAdd(x, v128.load(b), s00);
    s01 = multiplyAdd(x, v128.load(b, 16), s01);
    x = v128.load32_splat(a, 4);
    s10 = multiplyAdd(x, v128.load(b, 32), s10);
    s11 = multiplyAdd(x, v128.load(b, 48), s11);
    x = v128.load32_splat(a, 8);
    s20 = multiplyAdd(x, v128.load(b, 64), s20);
    s21 = multiplyAdd(x, v128.load(b, 80), s21);
    x = v128.load32_splat(a, 12);
    s30 = multiplyAdd(x, v128.load(b, 96), s30);
    s31 = multiplyAdd(x, v128.load(b, 112), s31);
  }
  for (; a < end; a += 4, b += PANEL_ROW_BYTES) {
    const x = v128.load32_splat(a);
    s00 = multiplyAdd(x, v128.load(b), s00);
    s01 = multiplyAdd(x, v128.load(b, 16), s01);
  }
  v128.store(c, f32x4.add(f32x4.add(s00, s10), f32x4.add(s20, s30)));
  v128.store(c, f32x4.add(f32x4.add(s01, s11), f32x4.add(s21, s31)), 16);
}
