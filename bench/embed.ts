// Many short texts into vectors: 10,000 with the shipped model, 500 with a full-size one: texts a second, share of time in wasm, memory.
import { readFileSync } from "node:fs";
import type { Profiler } from "node:inspector";
import { Session } from "node:inspector/promises";
import { pipeline } from "../src/pipelines/pipeline.ts";
import { maxAbsError } from "../test/support/distance.ts";
import { randomFrom } from "../test/support/random.ts";
import { type Benchmark, type BenchmarkOptions, type Row, wasmBytes } from "./benchmark.ts";
import { fullSizeFiles } from "./full-size.ts";

const shipped = new URL("../../../models/fill-mask/", import.meta.url); // from bench/dist/bench
const WORDS =
  "the a of in and with river house light people water story city small old new green long first winter morning letter road music paper garden window market".split(
    " ",
  );
const MOST_ERROR = 2e-5;

export const embed: Benchmark = {
  name: "embed",
  about: "short texts (about 12 words) into vectors, mean pooling, streamed; share of the time in wasm kernels",
  async *run({ builds, now }: BenchmarkOptions): AsyncIterable<Row> {
    const read = (name: string) => new Uint8Array(readFileSync(new URL(name, shipped)));
    const tokenizer = Object.fromEntries(["tokenizer.json", "tokenizer_config.json"].map((name) => [name, read(name)]));
    const models = [
      {
        name: "shipped, 6 × 256",
        texts: 10_000,
        files: { ...tokenizer, "config.json": read("config.json"), "model.safetensors": read("model.safetensors") },
      },
      { name: "full size, 12 × 768", texts: 500, files: { ...tokenizer, ...(await fullSizeFiles()) } },
    ];
    for (const { name, texts, files } of models) {
      for (const build of builds) {
        const extract = await pipeline("feature-extraction", files, { wasmBinary: wasmBytes(build) });
        const list = makeTexts(texts);
        const options = { pooling: "mean" } as const;
        const check = new Map<number, Float32Array>();
        for (const i of [0, texts >> 1, texts - 1])
          check.set(i, (await extract(list[i]!, options)).data as Float32Array);

        const session = new Session();
        session.connect();
        await session.post("Profiler.enable");
        await session.post("Profiler.start");
        const start = now();
        let count = 0;
        let [residentBefore, wasmBefore] = [0, 0];
        for await (const vector of extract(asyncIterable(list), options)) {
          const expected = check.get(count);
          const error = expected ? maxAbsError(vector.data as Float32Array, expected) : 0;
          if (!(error <= MOST_ERROR))
            throw new Error(`${name}, ${build}: text ${count} differs by ${error} from itself alone`);
          count++;
          if (count === texts / 5) {
            residentBefore = process.memoryUsage.rss();
            wasmBefore = extract.model.memory_bytes;
          }
        }
        const seconds = (now() - start) / 1000;
        const grown = process.memoryUsage.rss() - residentBefore;
        const { profile } = await session.post("Profiler.stop");
        session.disconnect();
        if (count !== texts) throw new Error(`${name}: ${count} vectors for ${texts} texts`);
        yield {
          model: name,
          build,
          texts,
          "texts/s": texts / seconds,
          "% in wasm": 100 * wasmShare(profile),
          "MiB resident, growth after a fifth": grown / 2 ** 20,
          "MiB wasm, growth after a fifth": (extract.model.memory_bytes - wasmBefore) / 2 ** 20,
        };
        await extract.dispose();
      }
    }
  },
};

/** The part of a profile's time that has a wasm function on top. */
function wasmShare({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): number {
  const isWasm = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.url.startsWith("wasm://")]));
  let [inWasm, all] = [0, 0];
  samples.forEach((id, i) => {
    const delta = timeDeltas[i]!;
    all += delta;
    if (isWasm.get(id)) inWasm += delta;
  });
  return inWasm / all;
}

function makeTexts(count: number): string[] {
  const random = randomFrom(1);
  const word = () => WORDS[Math.floor(random() * WORDS.length)]!;
  return Array.from({ length: count }, () => Array.from({ length: 6 + Math.floor(random() * 13) }, word).join(" "));
}

async function* asyncIterable(texts: readonly string[]): AsyncIterable<string> {
  yield* texts;
}
