// The int8 matmul against its twin of whole numbers, bit for bit, in every build and form: each tile height, tails of rows, columns
// and depth, strides, each fused part; and what saturates, overflows or hides a NaN where arithmetic is not exact.
import { describe, expect, it } from "vitest";
import { ACTIVATION_CODE, type KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { MOST_Q8_INPUTS, markBytes, panelBytes } from "../../src/weights/panels.ts";
import { ACTIVATIONS } from "../reference/activation.ts";
import { matmulI8, panelsOf, quantizeColumns } from "../reference/matmul-i8.ts";
import { createVariant, dotVariants } from "../support/dot-forms.ts";
import { expectSameBits } from "../support/errors.ts";
import { randomFloats, randomFrom } from "../support/random.ts";

/** Values that must not change: between and behind the rows of the result. */
const GUARD = 12345.5;

interface Operands {
  /** f32 [M][K] */
  x: Float32Array;
  /** f32 [N][K] */
  w: Float32Array;
  bias?: Float32Array | undefined;
  residual?: Float32Array | undefined;
}

interface Packed {
  panels: Int8Array;
  /** Where they lie, and their marks. */
  panelsAt: number;
  marks: number;
  scales: Float32Array;
  sums: Int32Array;
  /** Address of a Matrix. */
  matrix: number;
}

const roundUp8 = (n: number) => Math.ceil(n / 8) * 8;

function put(kernels: KernelInstance, values: Float32Array, roundedUp = values.length): number {
  const at = kernels.allocate(roundedUp * 4);
  kernels.floats(at, roundedUp).fill(0).set(values);
  return at;
}

/** Packs as the loader does: scales and sums beyond N are 0. */
function pack(kernels: KernelInstance, w: Float32Array, N: number, K: number, bias?: Float32Array): Packed {
  const panels = kernels.allocate(panelBytes(N, K, "q8"));
  const scales = put(kernels, new Float32Array(roundUp8(N)));
  const sums = put(kernels, new Float32Array(roundUp8(N)));
  const biasAt = bias ? put(kernels, bias, roundUp8(N)) : 0;
  const matrix = kernels.allocate(20);
  const source = put(kernels, w);
  kernels.bytes(panels, panelBytes(N, K, "q8")).fill(0x55); // what was there before must not shine through
  kernels.exports.packRowsI8(panels, scales, source, N, K);
  kernels.exports.sumColumnsI8(sums, panels, N, K);
  const marks = kernels.allocate(markBytes(N, K, "q8"));
  kernels.exports.markPanels(marks, panels, Math.ceil(N / 8), panelBytes(8, K, "q8"));
  kernels.ints(matrix, 5).set([panels, biasAt, scales, sums, marks]);
  return {
    panelsAt: panels,
    marks,
    panels: new Int8Array(kernels.memory.buffer, panels, panelBytes(N, K, "q8")).slice(),
    scales: kernels.floats(scales, roundUp8(N)).slice(),
    sums: kernels.ints(sums, roundUp8(N)).slice(),
    matrix,
  };
}

/** C of the kernel, rows of c and x `gapFloats` apart; the residual stands in c. */
function multiply(kernels: KernelInstance, { x, w, bias, residual }: Operands, K: number, gapFloats = 0): Float32Array {
  const mark = kernels.mark;
  const [M, N, gap] = [x.length / K, w.length / K, gapFloats];
  const { matrix, panels, panelsAt } = pack(kernels, w, N, K, bias);
  const xAt = kernels.allocate(M * (K + gap) * 4);
  const cAt = kernels.allocate((M * (N + gap) + 16) * 4);
  const scratchBytes = kernels.exports.linearScratchBytes(M, K, true);
  const scratch = kernels.allocate(scratchBytes + 64);
  const behind = kernels.bytes(scratch + scratchBytes, 64).fill(0x33);
  // Whatever lay there before, no row may depend on it.
  const random = randomFrom(3);
  const before = kernels.bytes(scratch, scratchBytes);
  for (let i = 0; i < scratchBytes; i += 97) before.fill(random() * 256, i, i + 97);
  for (let m = 0; m < M; m++) kernels.floats(xAt + m * (K + gap) * 4, K).set(x.subarray(m * K, (m + 1) * K));
  const c = kernels.floats(cAt, M * (N + gap) + 16).fill(GUARD);
  if (residual) for (let m = 0; m < M; m++) c.set(residual.subarray(m * N, (m + 1) * N), m * (N + gap));
  const [ldc, ldx] = [(N + gap) * 4, (K + gap) * 4];
  kernels.exports.linear(
    cAt,
    ldc,
    xAt,
    ldx,
    matrix,
    0,
    residual ? cAt : 0,
    ldc,
    scratch,
    M,
    N,
    K,
    ACTIVATION_CODE.none,
  );
  for (let i = 0; i < c.length; i++)
    if (i >= M * (N + gap) || i % (N + gap) >= N) expect(c[i], `guard ${i}`).toBe(GUARD);
  expect(behind, "what lies behind the scratch").toEqual(new Uint8Array(64).fill(0x33));
  const after = kernels.bytes(panelsAt, panels.length);
  expect(Buffer.compare(after, new Uint8Array(panels.buffer)), "the panels").toBe(0);
  kernels.release(mark);
  return Float32Array.from({ length: M * N }, (_, i) => c[Math.floor(i / N) * (N + gap) + (i % N)]!);
}

function twin({ x, w, bias, residual }: Operands, K: number): Float32Array {
  return matmulI8(x, quantizeColumns(w, w.length / K, K), x.length / K, K, bias, residual);
}

interface Case {
  M: number;
  N: number;
  K: number;
  bias?: boolean;
  residual?: boolean;
  gap?: number;
}

const CASES: Case[] = [
  { M: 1, N: 1, K: 1 },
  { M: 1, N: 768, K: 769, bias: true, residual: true },
  // Every height of tiles, with and without a panel widened, beside a block of 128 rows and its tail.
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 257].map((M) => ({
    M,
    N: 17,
    K: 19,
    bias: true,
  })),
  ...Array.from({ length: 17 }, (_, i) => ({ M: 7, N: i + 1, K: 33, bias: true, residual: true, gap: 3 })),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 33].flatMap((K) => [
    { M: 13, N: 11, K, residual: true, gap: 1 },
    { M: 3, N: 9, K, gap: 2 },
  ]),
  // Parts of the depth whose sums are added: 768 each.
  ...[764, 767, 768, 769, 772, 773, 1536, 1538].map((K) => ({ M: 9, N: 9, K })),
  { M: 33, N: 24, K: 3072, bias: true },
  // Floats made by the tiles themselves: every height of tiles and tail of rows; up to a depth; columns that are too few; nothing added.
  ...[7, 8, 9, 11, 12, 19, 20, 21, 24, 25, 26, 29, 30, 31, 32, 130].map((M) => ({
    M,
    N: 40,
    K: 36,
    bias: true,
    gap: 3,
  })),
  ...[4, 128, 380, 381, 384, 385, 388].flatMap((K) => [
    { M: 9, N: 24, K, bias: true },
    { M: 27, N: 33, K },
  ]),
  // Strassen's products of 16-bit pairs, once and twice over: every tail of rows, of panels, and of the parts of K; and what is too small.
  ...[15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 127, 128, 129, 147].flatMap((M) =>
    [24, 328].map((K) => ({ M, N: 17, K, bias: true })),
  ),
  ...[8, 9, 15, 16, 24, 25, 31, 32, 40, 41].flatMap((N) =>
    [32, 352].map((K) => ({ M: 17, N, K, bias: true, residual: true, gap: 3 })),
  ),
  ...[8, 12, 16, 312, 320, 321, 324, 376, 384, 392, 760, 768, 776, 1544, 3064].map((K) => ({ M: 25, N: 24, K })),
  ...[63, 64, 65, 74, 75, 79, 80, 112, 123, 128, 193, 250].flatMap((M) =>
    [16, 528].map((K) => ({ M, N: 32, K, bias: true, residual: true, gap: 1 })),
  ),
  ...[31, 32, 33, 48, 64, 96].flatMap((N) => [48, 560].map((K) => ({ M: 67, N, K, bias: true }))),
  ...[8, 16, 32, 320, 496, 504, 512, 516, 520, 528, 752, 768, 784, 1520, 1536, 1552, 3088].map((K) => ({
    M: 64,
    N: 32,
    K,
  })),
];

const extremes = {
  "all greatest": () => 1,
  "all least": () => -1,
  alternating: (k: number) => (k % 2 ? -1 : 1),
  "in pairs": (k: number) => (k % 4 < 2 ? -1 : 1),
  "in fours": (k: number) => (k % 8 < 4 ? 1 : -1),
  "half and half": (k: number, K: number) => (k < K / 2 ? 1 : -1),
  "0 or greatest": (k: number) => k % 2,
};
const signs = Object.values(extremes);

/** What the twin gives for the extremes, by rows and depth: it takes seconds, and is the same for all variants. */
const ofExtremes = new Map<string, Float32Array>();

function extremeSums(x: Float32Array, w: Float32Array, K: number): Float32Array {
  const key = `${x.length} ${w.length} ${K}`;
  const known = ofExtremes.get(key);
  if (known) return known;
  const columns = quantizeColumns(w, w.length / K, K);
  expect(columns[0]!.q.every((q) => q === 127)).toBe(true);
  expect(columns[1]!.q.every((q) => q === -127)).toBe(true);
  const sums = matmulI8(x, columns, x.length / K, K);
  ofExtremes.set(key, sums);
  return sums;
}

describe.each(await dotVariants())("matmul-i8 [$name]", (variant) => {
  it.each(CASES)("$M × $N × $K bias:$bias residual:$residual gap:$gap", async (shape) => {
    const kernels = await createVariant(variant);
    const { M, N, K, gap } = shape;
    const seed = M * 1e6 + N * 1e3 + K;
    const operands = {
      x: randomFloats(M * K, seed, 3).map((value) => value + 0.7),
      w: randomFloats(N * K, seed + 1),
      bias: shape.bias ? randomFloats(N, seed + 2) : undefined,
      residual: shape.residual ? randomFloats(M * N, seed + 3) : undefined,
    };
    expectSameBits(multiply(kernels, operands, K, gap), twin(operands, K));
  });

  it("packs as the twin does, whatever lay there, and sums up the columns", async () => {
    const kernels = await createVariant(variant);
    for (const K of [1, 2, 3, 4, 5, 8, 9, 33, 770]) {
      for (const N of [1, 7, 8, 9, 16, 17]) {
        const w = randomFloats(N * K, N * K, 10 ** (N - 8));
        w.fill(0, 0, K); // column 0
        const columns = quantizeColumns(w, N, K);
        const actual = pack(kernels, w, N, K);
        const padding = Array(roundUp8(N) - N).fill(0);
        expectSameBits(actual.panels, panelsOf(columns, K), `${N} × ${K}`);
        expectSameBits(actual.scales, [...columns.map(({ scale }) => scale), ...padding]);
        expectSameBits(actual.sums, [...columns.map(({ q }) => q.reduce((a, b) => a + b, 0)), ...padding]);
      }
    }
  });

  it("weights: ties, the least and the greatest floats, columns of 0", async () => {
    const kernels = await createVariant(variant);
    const [N, K] = [11, 130];
    const ties = Float32Array.from({ length: K }, (_, k) => (k === 0 ? 127 : k - 64.5));
    for (const size of [3.4028234663852886e38, 1e38, 1, 1e-37, 1e-40, 1e-42, 1.4e-45, 0]) {
      const w = randomFloats(N * K, 5, size);
      w.set(ties);
      w.fill(size, K, 2 * K);
      w.fill(-size, 2 * K, 3 * K);
      w.fill(0, 3 * K, 4 * K);
      const columns = quantizeColumns(w, N, K);
      const actual = pack(kernels, w, N, K);
      expectSameBits(actual.panels, panelsOf(columns, K), `${size}`);
      expectSameBits(
        actual.scales.subarray(0, N),
        columns.map(({ scale }) => scale),
      );
      expect(actual.scales[3]).toBe(1);
    }
    const operands = { x: randomFloats(9 * K, 6), w: new Float32Array(N * K), bias: randomFloats(N, 7) };
    expectSameBits(
      multiply(kernels, operands, K),
      Float32Array.from({ length: 9 * N }, (_, i) => operands.bias[i % N]!),
    );
  });

  it("an activation is applied to what the twin gives", async () => {
    const kernels = await createVariant(variant);
    const [M, N, K] = [9, 13, 22];
    const operands = { x: randomFloats(M * K, 1), w: randomFloats(N * K, 2), residual: randomFloats(M * N, 3) };
    const { matrix } = pack(kernels, operands.w, N, K);
    const xAt = put(kernels, operands.x);
    const scratch = kernels.allocate(kernels.exports.linearScratchBytes(M, K, true));
    for (const name of ACTIVATIONS) {
      const code = ACTIVATION_CODE[name];
      const expected = put(kernels, twin(operands, K));
      kernels.exports.activateRows(code, expected, N * 4, M, N);
      const c = put(kernels, operands.residual);
      kernels.exports.linear(c, N * 4, xAt, K * 4, matrix, 0, c, N * 4, scratch, M, N, K, code);
      expectSameBits(kernels.floats(c, M * N), kernels.floats(expected, M * N), name);
    }
  });

  it("-0 + -0 is 0, as a residual of 0 is added where there is none", async () => {
    const kernels = await createVariant(variant);
    const [M, N, K] = [20, 19, 32];
    const operands = {
      x: randomFloats(M * K, 1, 1e-30),
      w: randomFloats(N * K, 2, 1e-20),
      bias: new Float32Array(N).fill(-0),
    };
    const products = multiply(kernels, operands, K);
    expectSameBits(products, new Float32Array(M * N));
    expectSameBits(products, twin(operands, K));
  });

  // Marks that are wrong show which bytes were stored.
  it.each(
    [
      { M: 5, N: 24, K: 12 },
      { M: 9, N: 24, K: 12 },
      { M: 20, N: 40, K: 128 },
      { M: 20, N: 40, K: 196 },
      { M: 8, N: 40, K: 300 },
      { M: 8, N: 64, K: 128 },
      { M: 9, N: 57, K: 184 },
      { M: 12, N: 72, K: 312 },
      { M: 130, N: 64, K: 132 },
      { M: 20, N: 24, K: 768 },
      { M: 24, N: 24, K: 768 },
      { M: 16, N: 32, K: 384 },
      { M: 16, N: 48, K: 3072 },
      { M: 64, N: 64, K: 16 },
      { M: 64, N: 64, K: 400 },
      { M: 64, N: 64, K: 512 },
      { M: 64, N: 96, K: 3072 },
      { M: 131, N: 41, K: 770 },
      { M: 128, N: 24, K: 3072 },
    ].flatMap((sizes) => [
      { ...sizes, residual: false },
      { ...sizes, residual: true },
    ]),
  )(
    "each line of all panels but the first ones is prefetched, unless few rows had too many to see to: $M × $N × $K residual:$residual",
    async (sizes) => {
      const kernels = await createVariant(variant);
      const { M, N, K, residual } = sizes;
      const { matrix, marks, panelsAt, panels } = pack(kernels, new Float32Array(N * K), N, K);
      const panel = panelBytes(8, K, "q8");
      kernels.bytes(marks, markBytes(N, K, "q8")).fill(1);
      const x = put(kernels, new Float32Array(M * K));
      const c = put(kernels, new Float32Array(M * N + 16));
      const scratch = kernels.allocate(kernels.exports.linearScratchBytes(M, K, true));
      const init = residual ? c : 0;
      kernels.exports.linear(c, N * 4, x, K * 4, matrix, 0, init, N * 4, scratch, M, N, K, ACTIVATION_CODE.none);
      // 24 of a part of 768 values for four rows of pairs, from 8 rows on; of a panel for six of bytes. By Strassen's products no tile has
      // so many, and the first two or four panels are multiplied together. Where tiles make the floats, the second panel is seen to before
      // the first four rows, the others two at a time, with two steps for the first four rows; or, if they are not whole lines, each second
      // one before the first four rows.
      const isPairs = variant.dot === "i16";
      const isStrassen = isPairs && M >= 16 && K >= 320 && K % 8 === 0;
      const pairs = [Math.min(K, 768), M < 8 ? 0 : M >> 2] as const;
      const bytes = [K, Math.ceil(Math.min(M, 128) / 6)] as const;
      const [depth, tiles] = isPairs ? pairs : bytes;
      const lines = Math.ceil(panelBytes(8, depth, "q8") / 64);
      const makesFloats = isPairs && !isStrassen && !residual && K <= 384 && M >= 8;
      const areTwo = (n: number) => Math.ceil(K / 4) % 2 === 0 && (n | 1) < Math.ceil(N / 8);
      const isFewForFloats = (n: number) =>
        n > 1 && (n % 2 === 0 || areTwo(n)) ? lines * (areTwo(n) ? 2 : 1) <= 24 * (tiles + 1) : lines <= 24;
      const isFew = (n: number) => (makesFloats ? isFewForFloats(n) : lines <= 24 * tiles);
      const together = M >= 64 && K >= 512 && K % 16 === 0 && N % 32 === 0 ? 4 : 2;
      const first = isStrassen ? together * panel : panel;
      const isPrefetched = (i: number) => i >= first && (isStrassen || isFew(Math.floor(i / panel)));
      const isStored = (i: number) => isPrefetched(i) && (i % panel) % 64 === 0;
      const expected = Uint8Array.from(panels, (_, i) => (isStored(i) ? 1 : 0));
      expect(Buffer.compare(kernels.bytes(panelsAt, panels.length), expected)).toBe(0);
    },
  );

  it.each([
    { M: 9, N: 29, K: 22, parts: [0, 8, 8, 8, 8, 21, 16, 3, 24, 5] },
    { M: 20, N: 56, K: 32, parts: [0, 16, 8, 17, 8, 48, 48, 8] },
    { M: 20, N: 56, K: 352, parts: [0, 16, 8, 17, 8, 48, 48, 8] },
    { M: 64, N: 96, K: 32, parts: [0, 32, 32, 32, 32, 64, 88, 8] },
    { M: 64, N: 96, K: 544, parts: [0, 32, 32, 32, 32, 64, 88, 8] },
  ])("columns from any panel on, and no other panel is touched: $M × $N × $K", async ({ M, N, K, parts }) => {
    const kernels = await createVariant(variant);
    const operands = { x: randomFloats(M * K, 1), w: randomFloats(N * K, 2), bias: randomFloats(N, 3) };
    const { matrix, panelsAt, panels, marks } = pack(kernels, operands.w, N, K, operands.bias);
    const trueMarks = kernels.bytes(marks, markBytes(N, K, "q8")).slice();
    const xAt = put(kernels, operands.x);
    const scratch = kernels.allocate(kernels.exports.linearScratchBytes(M, K, true));
    const expected = twin(operands, K);
    const panel = panelBytes(8, K, "q8");
    const marksPerPanel = Math.ceil(panel / 64);
    for (let i = 0; i < parts.length; i += 2) {
      const [first, count] = [parts[i]!, parts[i + 1]!];
      const inPart = (n: number) => n >= first >> 3 && n < (first + count + 7) >> 3;
      // Wrong marks of the panels that are not asked for: a line of theirs that is stored is seen.
      kernels
        .bytes(marks, trueMarks.length)
        .set(trueMarks.map((mark, line) => (inPart(Math.floor(line / marksPerPanel)) ? mark : ~mark)));
      const c = kernels.allocate(M * count * 4);
      kernels.exports.linear(c, count * 4, xAt, K * 4, matrix, first, 0, 0, scratch, M, count, K, ACTIVATION_CODE.none);
      const wanted = Float32Array.from({ length: M * count }, (_, j) => {
        return expected[Math.floor(j / count) * N + first + (j % count)]!;
      });
      expectSameBits(kernels.floats(c, M * count), wanted, `${count} from ${first}`);
      expect(Buffer.compare(kernels.bytes(panelsAt, panels.length), new Uint8Array(panels.buffer))).toBe(0);
    }
  });

  it.each([1, 2, 3, 4, 5, 8, 64, 65, 769, 3072, 33_156, 66_304, 66_308, MOST_Q8_INPUTS])(
    "all operands extreme, depth %d",
    async (K) => {
      const kernels = await createVariant(variant);
      const N = 32;
      const lines = (count: number, sizeOf: (i: number) => number) => {
        const all = new Float32Array(count * K);
        for (let i = 0; i < count; i++) {
          const [sign, size] = [signs[i % signs.length]!, sizeOf(i)];
          for (let k = 0; k < K; k++) all[i * K + k] = sign(k, K) * size;
        }
        return all;
      };
      const w = lines(N, (n) => 0.1 + n);
      // Few rows and many: the first widen the panel in the loop, the last have Strassen's products, once and twice over.
      for (const M of K > 4000 && K % 16 ? [3, 7, 22] : [3, 7, 22, 64]) {
        const x = lines(M, (m) => 1 + m);
        expectSameBits(multiply(kernels, { x, w }, K), extremeSums(x, w, K), `${M} rows`);
      }
    },
  );

  it("bytes 0 and 255 against ±127 in every order", async () => {
    const kernels = await createVariant(variant);
    const random = randomFrom(11);
    const shapes = [
      [37, 19, 203],
      [37, 19, 400],
      [64, 32, 400],
      [64, 32, 528],
    ] as const;
    for (const [least, [M, N, K]] of [0, -1, -255].flatMap((least) => shapes.map((shape) => [least, shape] as const))) {
      // Two values a row, so that all bytes are 0 or 255.
      const operands = {
        x: Float32Array.from({ length: M * K }, () => (random() < 0.5 ? least : least + 255)),
        w: Float32Array.from({ length: N * K }, () => (random() < 0.5 ? -3 : 3)),
      };
      expectSameBits(multiply(kernels, operands, K), twin(operands, K), `from ${least}, ${M} × ${N} × ${K}`);
    }
  });

  it("rows that are constant, huge, tiny or 0", async () => {
    const kernels = await createVariant(variant);
    const [N, K] = [9, 30];
    const sizes = [0, -0, 1, -1, 1e38, -1e38, 3.4028234663852886e38, -3.4028234663852886e38, 1e-30, 1e-40, -1e-40];
    const x = Float32Array.from([
      ...sizes.flatMap((size) => Array<number>(K).fill(size)),
      ...sizes.flatMap((size) => Array.from({ length: K }, (_, k) => (k % 3) * size - size)),
    ]);
    const operands = { x, w: randomFloats(N * K, 1, 0.01), bias: randomFloats(N, 2) };
    const actual = multiply(kernels, operands, K);
    expectSameBits(actual, twin(operands, K));
    // And the right numbers: within half a step of each operand of the sum in float64.
    for (let m = 0; m < x.length / K; m++) {
      const row = x.subarray(m * K, (m + 1) * K);
      const most = row.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
      for (let n = 0; n < N; n++) {
        const column = operands.w.subarray(n * K, (n + 1) * K);
        const exact = row.reduce((sum, value, k) => sum + value * column[k]!, operands.bias[n]!);
        const bound = K * 0.01 * most * (1 / 255 + 1 / 254 + 1e-6) + 3e-36 * K + 1e-6;
        expect(Math.abs(actual[m * N + n]! - exact), `row ${m}: ${row[0]}`).toBeLessThanOrEqual(bound);
      }
    }
  });

  it("NaN and infinities in a row make all of it NaN, and no other", async () => {
    const kernels = await createVariant(variant);
    for (const [N, K] of [
      [10, 21],
      [32, 32],
    ] as const) {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        for (const M of [1, 5, 8, 22, 131]) {
          for (const place of [0, 7, K - 1]) {
            const operands = { x: randomFloats(M * K, 1), w: randomFloats(N * K, 2), bias: randomFloats(N, 3) };
            const row = M >> 1;
            operands.w.fill(0, 0, K); // 0 · NaN is NaN too
            operands.x[row * K + place] = bad;
            const actual = multiply(kernels, operands, K);
            expectSameBits(actual, twin(operands, K), `${bad} at ${place} of ${M} rows`);
            for (let i = 0; i < actual.length; i++) expect(Number.isNaN(actual[i])).toBe(Math.floor(i / N) === row);
          }
        }
      }
    }
  });
});
