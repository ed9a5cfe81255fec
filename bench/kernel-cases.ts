// Which kernels are timed on which shapes: those of ALBERT-base. A kernel is one entry of KERNELS.
import { logitBlocks } from "../src/model/heads/masked-lm.ts";
import { ACTIVATION_CODE, type KernelInstance } from "../src/runtime/kernel-instance.ts";
import { markBytes, panelBytes } from "../src/weights/panels.ts";
import { ACTIVATIONS, type ActivationName, activate } from "../test/reference/activation.ts";
import { attention } from "../test/reference/attention.ts";
import { embed } from "../test/reference/embedding.ts";
import { layernorm } from "../test/reference/layernorm.ts";
import { matmul } from "../test/reference/matmul.ts";
import { matmulI8, quantizeColumns } from "../test/reference/matmul-i8.ts";
import { softmax } from "../test/reference/softmax.ts";
import { randomFloats, randomFrom } from "../test/support/random.ts";
import type { Arithmetic } from "./benchmark.ts";

/** Addresses are set up: `run` computes once. */
export interface Prepared {
  run(): void;
  /** What `run` does beside computing, to be timed alone and taken off. */
  restore?(): void;
  /** What is comparable with `expected`. */
  result(): ArrayLike<number>;
}

export interface KernelCase {
  shape: string;
  M: number;
  /** Operations of one call, as the kernel's file counts them, and on what. */
  flops: number;
  arithmetic: Arithmetic;
  /** What the twin in test/reference/ gives. */
  expected: ArrayLike<number>;
  mostNmse: number;
  prepare(kernels: KernelInstance): Prepared;
}

interface KernelCases {
  /** One line for --help. */
  about: string;
  /** Made one after another: the large ones need not exist at once. */
  cases: readonly (() => KernelCase)[];
}

const ROWS = [1, 16, 128, 512];
const MATMUL_ROWS = [1, 16, 32, 128, 512];
const [E, H, F, A, V] = [128, 768, 3072, 12, 50265];
const NMSE = 1e-11;

interface MatmulShape {
  name: string;
  N: number;
  K: number;
  rows: readonly number[];
  residual?: boolean;
  activation?: ActivationName;
  /** As many columns at a time as the head takes that gives all logits. */
  inBlocks?: boolean;
}

/** The matmuls of a forward pass, with what is fused into each. */
const MATMULS: readonly MatmulShape[] = [
  { name: "projection", N: H, K: E, rows: MATMUL_ROWS },
  { name: "query, key, value", N: 3 * H, K: H, rows: MATMUL_ROWS },
  { name: "attention output", N: H, K: H, rows: MATMUL_ROWS, residual: true },
  { name: "feed-forward, plain", N: F, K: H, rows: MATMUL_ROWS },
  { name: "feed-forward, gelu", N: F, K: H, rows: MATMUL_ROWS, activation: "gelu" },
  { name: "feed-forward output", N: H, K: F, rows: MATMUL_ROWS, residual: true },
  { name: "decoder", N: V, K: E, rows: [1, 16, 32, 128] }, // for the rows of <mask> only
];

/** In q8 the activation is a pass of its own. Logits of more rows than have a <mask> are computed block by block. */
const INT8_MATMULS: readonly MatmulShape[] = [
  ...MATMULS.filter(({ activation }) => activation === undefined),
  { name: "decoder, in blocks", N: V, K: E, rows: [32, 128, 512], inBlocks: true },
];

export const KERNELS: Readonly<Record<string, KernelCases>> = {
  matmul: {
    about: "f32 matmul with bias, and residual or gelu where the layer has them",
    cases: MATMULS.flatMap((shape) => shape.rows.map((M) => () => matmulCase(shape, M))),
  },
  "matmul-int8": {
    about: "the same on bytes: rows are quantised on the way in",
    cases: INT8_MATMULS.flatMap((shape) => shape.rows.map((M) => () => int8MatmulCase(shape, M))),
  },
  activation: {
    about: "gelu and the other elementwise functions on [M][3072]",
    cases: ACTIVATIONS.flatMap((name) => ROWS.map((M) => () => activationCase(name, M))),
  },
  layernorm: { about: "layer normalisation of [M][768]", cases: ROWS.map((M) => () => layerNormCase(M)) },
  softmax: { about: "softmax of [12·M][M], the scores of 12 heads", cases: ROWS.map((M) => () => softmaxCase(M)) },
  attention: { about: "12 heads of 64, M queries, M keys", cases: ROWS.map((M) => () => attentionCase(M)) },
  "attention-int8": {
    about: "the same in 8-bit integers, as q8 has it",
    cases: ROWS.map((M) => () => attentionCase(M, "int8")),
  },
  embedding: { about: "M rows of three tables, summed and normalised", cases: ROWS.map((M) => () => embeddingCase(M)) },
};

/** The twin computes a few rows: first and last, and those about the middle, where row blocks meet. */
function someRows(M: number): { rows: number[]; pick(x: Float32Array, width: number): Float32Array } {
  const rows = [...new Set([0, 1, (M >> 1) - 1, M >> 1, M - 2, M - 1])].filter((row) => row >= 0 && row < M);
  return {
    rows,
    pick: (x, width) => Float32Array.from(rows.flatMap((row) => [...x.subarray(row * width, (row + 1) * width)])),
  };
}

function matmulCase({ name, N, K, residual, activation }: MatmulShape, M: number): KernelCase {
  const [a, w, bias] = [randomFloats(M * K, 1), randomFloats(N * K, 2, 0.1), randomFloats(N, 3)];
  const init = residual ? randomFloats(M * N, 4) : undefined;
  const { rows, pick } = someRows(M);
  const b = new Float32Array(K * N);
  for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) b[k * N + n] = w[n * K + k]!;
  const picked = init && pick(init, N);
  return {
    shape: `${name} ${N} × ${K}`,
    M,
    flops: 2 * M * N * K,
    arithmetic: "f32",
    expected: matmul(pick(a, K), b, rows.length, N, K, bias, picked, activation).values,
    mostNmse: NMSE,
    prepare(kernels) {
      const [aAt, biasAt] = [put(kernels, a), put(kernels, bias, 8)];
      const initAt = init ? put(kernels, init, 8) : 0;
      const c = kernels.allocate(M * N * 4);
      const panels = kernels.allocate(Math.ceil(N / 8) * 8 * K * 4);
      kernels.exports.packRows(panels, put(kernels, w), K * 4, N, K);
      const marks = putMarks(kernels, panels, N, K, "fp32");
      const scratch = kernels.allocate(kernels.exports.matmulF32ScratchBytes(K));
      const kind = ACTIVATION_CODE[activation ?? "none"];
      return {
        run: () =>
          kernels.exports.matmulF32(c, N * 4, aAt, K * 4, panels, marks, biasAt, initAt, N * 4, scratch, M, N, K, kind),
        result: () => pick(kernels.floats(c, M * N), N),
      };
    },
  };
}

function int8MatmulCase({ name, N, K, residual, inBlocks }: MatmulShape, M: number): KernelCase {
  const [a, w, bias] = [randomFloats(M * K, 1), randomFloats(N * K, 2, 0.1), randomFloats(N, 3)];
  const residuals = residual ? randomFloats(M * N, 4) : undefined;
  const { rows, pick } = someRows(M);
  return {
    shape: `${name} ${N} × ${K}`,
    M,
    flops: 2 * M * N * K,
    arithmetic: "int8",
    expected: matmulI8(pick(a, K), quantizeColumns(w, N, K), rows.length, K, bias, residuals && pick(residuals, N)),
    mostNmse: 0,
    prepare(kernels) {
      const [aAt, biasAt] = [put(kernels, a), put(kernels, bias, 8)];
      const initAt = residuals ? put(kernels, residuals, 8) : 0;
      const blocks = inBlocks ? [...logitBlocks(M, N)] : [{ row: 0, rows: M, column: 0, columns: N }];
      const c = kernels.allocate(Math.max(...blocks.map((block) => block.rows * block.columns)) * 4);
      const matrix = putInt8Matrix(kernels, w, N, K, biasAt);
      const scratch = kernels.allocate(kernels.exports.linearScratchBytes(M, K, true));
      const { linear } = kernels.exports;
      const multiply = (block: (typeof blocks)[number]) => {
        const { row, column, columns } = block;
        const x = aAt + row * K * 4;
        const init = initAt && initAt + (row * N + column) * 4;
        const kind = ACTIVATION_CODE.none;
        linear(c, columns * 4, x, K * 4, matrix, column, init, N * 4, scratch, block.rows, columns, K, kind);
      };
      return {
        run: () => blocks.forEach(multiply),
        result() {
          // Only the last block is there still.
          const values = new Float32Array(rows.length * N);
          for (const block of blocks) {
            multiply(block);
            for (const [i, row] of rows.entries()) {
              const inBlock = row - block.row;
              if (inBlock < 0 || inBlock >= block.rows) continue;
              values.set(kernels.floats(c + inBlock * block.columns * 4, block.columns), i * N + block.column);
            }
          }
          return values;
        },
      };
    },
  };
}

function activationCase(name: ActivationName, M: number): KernelCase {
  const x = randomFloats(M * F, 1, 6);
  return {
    shape: `${name} ${F}`,
    M,
    flops: M * F * (name === "relu" ? 1 : name === "gelu" ? 40 : 30),
    arithmetic: "f32",
    expected: Float64Array.from(x, (value) => activate(name, value)),
    mostNmse: NMSE,
    prepare(kernels) {
      const source = put(kernels, x);
      const at = kernels.allocate(M * F * 4);
      // In place: applied again and again, values would come down to denormal numbers, which are slow.
      const restore = () => kernels.floats(at, M * F).set(kernels.floats(source, M * F));
      return {
        restore,
        run() {
          restore();
          kernels.exports.activateRows(ACTIVATION_CODE[name], at, F * 4, M, F);
        },
        result: () => kernels.floats(at, M * F),
      };
    },
  };
}

function layerNormCase(M: number): KernelCase {
  const [x, gamma, beta] = [randomFloats(M * H, 1), randomFloats(H, 2), randomFloats(H, 3)];
  return {
    shape: `${H}`,
    M,
    flops: 8 * M * H,
    arithmetic: "f32",
    expected: layernorm(x, gamma, beta, M, H, 1e-12),
    mostNmse: NMSE,
    prepare(kernels) {
      const [xAt, gammaAt, betaAt] = [put(kernels, x), put(kernels, gamma), put(kernels, beta)];
      const out = kernels.allocate(M * H * 4);
      return {
        run: () => kernels.exports.layerNorm(out, xAt, gammaAt, betaAt, M, H, 1e-12),
        result: () => kernels.floats(out, M * H),
      };
    },
  };
}

function softmaxCase(M: number): KernelCase {
  const x = randomFloats(A * M * M, 1, 20);
  const scale = 1 / 8;
  return {
    shape: `${A * M} × ${M}`,
    M,
    flops: 25 * A * M * M,
    arithmetic: "f32",
    expected: softmax(x, A * M, M, scale),
    mostNmse: NMSE,
    prepare(kernels) {
      // In place: later calls get nearly equal values, which take the same time.
      const at = put(kernels, x);
      return {
        run: () => kernels.exports.softmax(at, M * 4, A * M, M, scale),
        result: () => kernels.floats(at, A * M * M),
      };
    },
  };
}

function attentionCase(M: number, arithmetic: "f32" | "int8" = "f32"): KernelCase {
  const D = H / A;
  const [q, k, v] = [1, 2, 3].map((seed) => randomFloats(M * H, seed)) as [Float32Array, Float32Array, Float32Array];
  return {
    shape: `${M} × ${M}, ${A} × ${D}`,
    M,
    flops: A * M * M * (4 * D + 25),
    arithmetic,
    expected: attention(q, k, v, M, M, A, D).context,
    mostNmse: arithmetic === "int8" ? 4e-5 : NMSE,
    prepare(kernels) {
      const [qAt, kAt, vAt] = [put(kernels, q), put(kernels, k), put(kernels, v)];
      const out = kernels.allocate(M * H * 4);
      const { exports } = kernels;
      const [scratchBytes, attend] =
        arithmetic === "int8"
          ? [exports.attentionI8ScratchBytes(M, D), exports.attentionI8]
          : [exports.attentionScratchBytes(M, D), exports.attention];
      const scratch = kernels.allocate(scratchBytes);
      return {
        run: () => attend(out, qAt, kAt, vAt, H * 4, 0, scratch, M, M, A, D),
        result: () => kernels.floats(out, M * H),
      };
    },
  };
}

function embeddingCase(M: number): KernelCase {
  const random = randomFrom(1);
  const ids = Int32Array.from({ length: M }, () => Math.floor(random() * V));
  const [types, positions] = [new Int32Array(M), Int32Array.from({ length: M }, (_, t) => t)];
  const tables = { words: randomFloats(V * E, 2), types: randomFloats(E, 3), positions: randomFloats(514 * E, 4) };
  const [gamma, beta] = [randomFloats(E, 5), randomFloats(E, 6)];
  return {
    shape: `${V} × ${E}`,
    M,
    flops: 10 * M * E,
    arithmetic: "f32",
    expected: embed(tables, { ids, types, positions }, gamma, beta, M, E, 1e-12),
    mostNmse: NMSE,
    prepare(kernels) {
      const panels = kernels.allocate(Math.ceil(V / 8) * 8 * E * 4);
      const words = putWords(kernels, [panels, 0, 0, 0, 0]);
      const [typesAt, positionsAt] = [put(kernels, tables.types), put(kernels, tables.positions)];
      const [gammaAt, betaAt] = [put(kernels, gamma), put(kernels, beta)];
      const indices = [ids, types, positions].map((list) => {
        const at = kernels.allocate(M * 4);
        kernels.ints(at, M).set(list);
        return at;
      }) as [number, number, number];
      const out = kernels.allocate(M * E * 4);
      kernels.exports.packRows(panels, put(kernels, tables.words), E * 4, V, E);
      return {
        run: () => kernels.exports.embed(out, ...indices, words, typesAt, positionsAt, gammaAt, betaAt, M, E, 1e-12),
        result: () => kernels.floats(out, M * E),
      };
    },
  };
}

/** The values in wasm memory, padded to a multiple of `multiple` floats with 0. */
function put(kernels: KernelInstance, values: Float32Array, multiple = 1): number {
  const length = Math.ceil(values.length / multiple) * multiple;
  const at = kernels.allocate(length * 4);
  const view = kernels.floats(at, length).fill(0);
  view.set(values);
  return at;
}

/** A matrix of bytes with all that belongs to it: its address (assembly/linear.ts). */
function putInt8Matrix(kernels: KernelInstance, w: Float32Array, N: number, K: number, bias: number): number {
  const panels = kernels.allocate(panelBytes(N, K, "q8"));
  const [scales, sums] = [put(kernels, new Float32Array(N), 8), put(kernels, new Float32Array(N), 8)];
  kernels.exports.packRowsI8(panels, scales, put(kernels, w), N, K);
  kernels.exports.sumColumnsI8(sums, panels, N, K);
  return putWords(kernels, [panels, bias, scales, sums, putMarks(kernels, panels, N, K, "q8")]);
}

function putMarks(kernels: KernelInstance, panels: number, N: number, K: number, dtype: "fp32" | "q8"): number {
  const marks = kernels.allocate(markBytes(N, K, dtype));
  kernels.exports.markPanels(marks, panels, Math.ceil(N / 8), panelBytes(8, K, dtype));
  return marks;
}

function putWords(kernels: KernelInstance, words: readonly number[]): number {
  const at = kernels.allocate(words.length * 4);
  kernels.ints(at, words.length).set(words);
  return at;
}
