// Loading a full-size fp32 folder (55 MB): time against reading and packing the same bytes, and peak resident memory. Loading the q8 folder
// with pooler that it is converted to (15 MB): time once the file is read, and peak resident memory with a forward pass. New processes each.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { QUANTIZED_FILE } from "../src/weights/quantized-file.ts";
import { PEAK_BYTES } from "../test/support/peak-bytes.ts";
import { type Benchmark, type BenchmarkOptions, median, type Row } from "./benchmark.ts";
import { FULL_SIZE, fullSizeFiles } from "./full-size.ts";

const distUrl = (path: string) => new URL(`../../../dist/${path}`, import.meta.url); // from bench/dist/bench
const dist = (path: string) => JSON.stringify(distUrl(path).href);
const MB = 1e6;
const Q8_TOKENS = 128;
export const load: Benchmark = {
  name: "load",
  about: "a full-size folder into a ready model: fp32 against reading and packing its bytes, converted q8; peak memory",
  async *run({ rounds, builds }: BenchmarkOptions): AsyncIterable<Row> {
    const place = mkdtempSync(join(tmpdir(), "full-size-"));
    const [folder, q8Folder] = [join(place, "fp32"), join(place, "q8")];
    try {
      const files = await fullSizeFiles();
      mkdirSync(folder);
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
      const fileMb = files["model.safetensors"]!.length / MB;
      execFileSync(process.execPath, [fileURLToPath(distUrl("cli/main.js")), "quantize", folder, q8Folder, "--json"]);
      const build = builds.at(-1)!;
      const programs = {
        load: loadProgram(fromFolder(folder), { dtype: "fp32", tokens: 3, build }),
        "read and pack": readAndPackProgram(folder, build),
        "load q8": loadProgram(fromMemory(q8Folder), { dtype: "q8", tokens: Q8_TOKENS, build }),
        "load q8 from its folder": loadProgram(fromFolder(q8Folder), { dtype: "q8", tokens: Q8_TOKENS, build }),
        empty: "let ms = 0;",
      };
      const runs = new Map(Object.keys(programs).map((name) => [name, { ms: [] as number[], peakMb: [] as number[] }]));
      // Round -1 does not count: each program has answered rightly before any time does.
      for (let round = -1; round < rounds; round++) {
        for (const [name, program] of Object.entries(programs)) {
          const script = `${program} console.log(JSON.stringify([ms, ${PEAK_BYTES}]));`;
          const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
          const [ms, peakBytes] = JSON.parse(output) as [number, number];
          if (round < 0) continue;
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
      yield {
        dtype: "q8",
        build,
        "file MB": statSync(join(q8Folder, QUANTIZED_FILE)).size / MB,
        "load ms, file in memory": of("load q8", "ms"),
        "least load ms": Math.min(...runs.get("load q8")!.ms),
        [`peak MB above an empty process, with ${Q8_TOKENS} tokens`]:
          of("load q8 from its folder", "peakMb") - of("empty", "peakMb"),
      };
    } finally {
      rmSync(place, { recursive: true });
    }
  },
};

/** What from_pretrained takes, as expressions. */
const fromFolder = (folder: string) => JSON.stringify(folder);
const fromMemory = (folder: string) => `Object.fromEntries(${JSON.stringify(["config.json", QUANTIZED_FILE])}.map(
  (name) => [name, process.getBuiltinModule("node:fs").readFileSync(${JSON.stringify(folder)} + "/" + name)]))`;

/** Checks what the model answers to so many tokens, and that it has a pooler, after the time is taken. */
function loadProgram(location: string, expected: { dtype: string; tokens: number; build: string }): string {
  return `const { AutoModel } = await import(${dist("index.js")});
    const { dtype, tokens, build } = ${JSON.stringify(expected)};
    const location = ${location};
    const start = performance.now();
    const model = await AutoModel.from_pretrained(location, { build });
    const ms = performance.now() - start;
    const { last_hidden_state, pooler_output } = await model({ input_ids: [Array.from({ length: tokens }, (_, i) => 5 + i)] });
    const isRight = ({ dims, data }, ...shape) => String(dims) === String(shape) && data.every(Number.isFinite);
    if (model.build !== build || model.dtype !== dtype || !isRight(last_hidden_state, 1, tokens, ${FULL_SIZE.hidden_size}) ||
      !isRight(pooler_output, 1, ${FULL_SIZE.hidden_size})) throw new Error("wrong");`;
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
