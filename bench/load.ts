// Loading a full-size fp32 folder (55 MB): time against reading and packing the same bytes, and peak resident memory. New processes each.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PEAK_BYTES } from "../test/support/peak-bytes.ts";
import { type Benchmark, type BenchmarkOptions, median, type Row } from "./benchmark.ts";
import { FULL_SIZE, fullSizeFiles } from "./full-size.ts";

const dist = (path: string) => JSON.stringify(new URL(`../../../dist/${path}`, import.meta.url).href); // from bench/dist/bench
const MB = 1e6;
export const load: Benchmark = {
  name: "load",
  about: "a full-size fp32 folder into a ready model, against reading and packing its bytes; peak memory",
  async *run({ rounds, builds }: BenchmarkOptions): AsyncIterable<Row> {
    const folder = mkdtempSync(join(tmpdir(), "full-size-"));
    try {
      const files = await fullSizeFiles();
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
      const fileMb = files["model.safetensors"]!.length / MB;
      const build = builds.at(-1)!;
      const programs = {
        load: loadProgram(folder, build),
        "read and pack": readAndPackProgram(folder, build),
        empty: "let ms = 0;",
      };
      const runs = new Map(Object.keys(programs).map((name) => [name, { ms: [] as number[], peakMb: [] as number[] }]));
      for (let round = 0; round < rounds; round++) {
        for (const [name, program] of Object.entries(programs)) {
          const script = `${program} console.log(JSON.stringify([ms, ${PEAK_BYTES}]));`;
          const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
          const [ms, peakBytes] = JSON.parse(output) as [number, number];
          runs.get(name)!.ms.push(ms);
          runs.get(name)!.peakMb.push(peakBytes / MB);
        }
      }
      const of = (name: string, what: "ms" | "peakMb") => median(runs.get(name)![what]);
      yield {
        build,
        "file MB": fileMb,
        "load ms": of("load", "ms"),
        "read and pack ms": of("read and pack", "ms"),
        "load / read and pack": of("load", "ms") / of("read and pack", "ms"),
        "peak MB above an empty process": of("load", "peakMb") - of("empty", "peakMb"),
        "most MB, 1.25 × file + 20": 1.25 * fileMb + 20,
      };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** Checks a value of the model after the time is taken. */
function loadProgram(folder: string, build: string): string {
  return `const { AutoModel } = await import(${dist("index.js")});
    const start = performance.now();
    const model = await AutoModel.from_pretrained(${JSON.stringify(folder)}, { build: ${JSON.stringify(build)} });
    const ms = performance.now() - start;
    const { last_hidden_state } = await model({ input_ids: [[5, 6, 7]] });
    if (model.build !== ${JSON.stringify(build)} || !last_hidden_state.data.every(Number.isFinite)) throw new Error("wrong");`;
}

/** The least that loading can be: the file in pieces of 1 MB into wasm memory, each packed by the same kernel. */
function readAndPackProgram(folder: string, build: string): string {
  const K = FULL_SIZE.hidden_size;
  const rows = 8 * Math.floor(2 ** 18 / K / 8);
  return `import { openSync, readSync } from "node:fs";
    const { KernelInstance } = await import(${dist("runtime/kernel-instance.js")});
    const start = performance.now();
    const kernels = await KernelInstance.create({ build: ${JSON.stringify(build)} });
    const file = openSync(${JSON.stringify(join(folder, "model.safetensors"))});
    const piece = kernels.allocate(${rows * K * 4});
    kernels.ensure(kernels.mark + 57e6);
    for (let bytes; (bytes = readSync(file, new Uint8Array(kernels.memory.buffer, piece, ${rows * K * 4}))) > 0; ) {
      const N = Math.floor(bytes / ${K * 4});
      kernels.exports.packRows(kernels.allocate(N * ${K * 4} + ${8 * K * 4}), piece, ${K * 4}, N, ${K});
    }
    const ms = performance.now() - start;`;
}
