// A full-size model (12 layers × 768, vocabulary 50,265, weights from a formula): milliseconds of a forward pass and what is not matmul.
import { parseConfig } from "../src/config/config.ts";
import { AutoModel } from "../src/model/auto.ts";
import type { ComputeDtype } from "../src/model/weight-loader.ts";
import type { Build } from "../src/runtime/build.ts";
import { ACTIVATION_CODE } from "../src/runtime/kernel-instance.ts";
import { markBytes, panelBytes } from "../src/weights/panels.ts";
import { forward } from "../test/reference/forward.ts";
import { nmse } from "../test/support/distance.ts";
import { randomFloats, randomFrom } from "../test/support/random.ts";
import { type Benchmark, type BenchmarkOptions, loadBuild, medianMs, type Row, wasmBytes } from "./benchmark.ts";
import { FULL_SIZE, fullSizeFiles, fullSizeWeights } from "./full-size.ts";

/** Rows that go through all that follows attention together (assembly/layer.ts). */
const BLOCK_ROWS = 128;
const TOKENS = [16, 128, 512];

/** What is loaded, and how far its hidden states may be from the float64 twin's. */
const DTYPES = [
  { dtype: "fp32", mostNmse: 1e-9 },
  { dtype: "q8", mostNmse: 1e-3 },
] as const;

export const model: Benchmark = {
  name: "model",
  about: "forward pass of a full-size model, 12 × 768, one text of 16, 128 and 512 tokens",
  async *run(options: BenchmarkOptions): AsyncIterable<Row> {
    const weights = fullSizeWeights();
    const files = await fullSizeFiles(weights);
    // Few tokens: the twin is slow. As a batch they fill the rows of the timed lengths, and each text must come out the same.
    const short = ids(4);
    const expected = forward(weights, parseConfig(FULL_SIZE, "the benchmark"), short);

    for (const { dtype, mostNmse } of DTYPES) {
      const contestants = await Promise.all(
        options.builds.map(async (build) => ({
          build,
          run: await AutoModel.from_pretrained(files, { dtype, wasmBinary: wasmBytes(build) }),
          matmuls: await loadMatmuls(build, dtype),
        })),
      );
      for (const tokens of TOKENS) {
        const input = { input_ids: [ids(tokens)] };
        const tasks: Record<string, () => unknown> = {};
        for (const { build, run, matmuls } of contestants) {
          const batch = await run({ input_ids: Array.from({ length: tokens / short.length }, () => short) });
          const hidden = batch.last_hidden_state.data as Float32Array;
          for (let at = 0; at < hidden.length; at += expected.length) {
            const error = nmse(hidden.subarray(at, at + expected.length), expected);
            if (!(error <= mostNmse))
              throw new Error(`${dtype}, ${build}: wrong by NMSE ${error}, at most ${mostNmse}`);
          }
          tasks[build] = () => run(input);
          tasks[`${build} matmuls`] = () => matmuls(tokens);
        }
        const ms = await medianMs(tasks, options);
        for (const { build, run } of contestants) {
          yield {
            dtype,
            tokens,
            build,
            ms: ms[build]!,
            "tokens/s": (1000 * tokens) / ms[build]!,
            "% not matmul": 100 * (1 - ms[`${build} matmuls`]! / ms[build]!),
            "wasm MiB": run.memory_bytes / 2 ** 20,
          };
        }
      }
      for (const { run } of contestants) await run.dispose();
    }
  },
};

/** A task that does the dense matmuls of a forward pass and nothing else: attention's own two are not among them. */
async function loadMatmuls(build: Build, dtype: ComputeDtype): Promise<(tokens: number) => void> {
  const kernels = await loadBuild(build);
  const { embedding_size: E, hidden_size: H, intermediate_size: F, num_hidden_layers } = FULL_SIZE;
  const most = Math.max(...TOKENS);
  const floats = (length: number) => {
    const at = kernels.allocate(length * 4);
    kernels.floats(at, length).set(randomFloats(length, length));
    return at;
  };
  const [x, y, qkv, inner, bias] = [most * H, most * H, most * 3 * H, BLOCK_ROWS * F, F].map(floats) as number[] as [
    number,
    number,
    number,
    number,
    number,
  ];
  const scratch = kernels.allocate(kernels.exports.linearScratchBytes(most, F, dtype === "q8"));
  const matmul = (N: number, K: number) => {
    const source = floats(N * K);
    const panels = dtype === "q8" ? kernels.allocate(panelBytes(N, K, dtype)) : source;
    const [scales, sums] = dtype === "q8" ? [floats(N), floats(N)] : [0, 0];
    const marks = kernels.allocate(markBytes(N, K, dtype));
    if (dtype === "q8") {
      kernels.exports.packRowsI8(panels, scales, source, N, K);
      kernels.exports.sumColumnsI8(sums, panels, N, K);
    }
    kernels.exports.markPanels(marks, panels, Math.ceil(N / 8), panelBytes(8, K, dtype));
    const matrix = kernels.allocate(20);
    kernels.ints(matrix, 5).set([panels, bias, scales, sums, marks]);
    const none = ACTIVATION_CODE.none;
    return (out: number, a: number, aFloats: number, residual: number, M: number) =>
      kernels.exports.linear(out, N * 4, a, aFloats * 4, matrix, 0, residual, N * 4, scratch, M, N, K, none);
  };
  const [projection, attention, attentionOut] = [matmul(H, E), matmul(3 * H, H), matmul(H, H)];
  const [ffn, ffnOut] = [matmul(F, H), matmul(H, F)];
  return (tokens) => {
    projection(x, y, E, 0, tokens);
    for (let layer = 0; layer < num_hidden_layers; layer++) {
      attention(qkv, x, H, 0, tokens);
      for (let row = 0; row < tokens; row += BLOCK_ROWS) {
        const rows = Math.min(BLOCK_ROWS, tokens - row);
        attentionOut(y, qkv + row * 3 * H * 4, 3 * H, x + row * H * 4, rows);
        ffn(inner, y, H, 0, rows);
        ffnOut(y, inner, F, y, rows);
      }
    }
  };
}

function ids(length: number): number[] {
  const random = randomFrom(length);
  return Array.from({ length }, () => 4 + Math.floor(random() * 50_000));
}
