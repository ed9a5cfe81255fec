// The tokenizer against @huggingface/tokenizers: tokens a second by kind of text, and milliseconds until it is ready.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Tokenizer } from "@huggingface/tokenizers";
import { AutoTokenizer } from "../src/tokenizer/auto.ts";
import { packVocabulary, VOCABULARY_FILE } from "../src/tokenizer/vocabulary-bin.ts";
import { type Benchmark, type BenchmarkOptions, median, medianMs, type Row } from "./benchmark.ts";
import { benchTexts } from "./tokenizer-texts.ts";

const root = new URL("../../../", import.meta.url); // from bench/dist/bench
const roberta = new URL("../shared/golden/tokenizer/roberta-base/", root);
const folder = fileURLToPath(existsSync(roberta) ? roberta : new URL("models/fill-mask/", root));
const STARTS = 7;

export const tokenizer: Benchmark = {
  name: "tokenizer",
  about: "million tokens a second, one thread, against @huggingface/tokenizers; milliseconds to load",
  async *run(options: BenchmarkOptions): AsyncIterable<Row> {
    const own = await AutoTokenizer.from_pretrained(folder);
    const json = readFileSync(join(folder, "tokenizer.json"));
    const config = JSON.parse(readFileSync(join(folder, "tokenizer_config.json"), "utf8")) as object;
    const rival = new Tokenizer(JSON.parse(json.toString()) as object, config);
    for (const [texts, list] of Object.entries(benchTexts())) {
      let tokens = 0;
      let same = 0;
      for (const text of list) {
        const ids = own.encode(text);
        tokens += ids.length;
        if (String(rival.encode(text).ids) === String(ids)) same++;
      }
      const ms = await medianMs(
        {
          ids: () => list.forEach((text) => void own.encode(text)),
          offsets: () => list.forEach((text) => void own(text, { return_offsets_mapping: true, return_tensor: false })),
          rival: () => list.forEach((text) => void rival.encode(text)),
        },
        options,
      );
      yield {
        texts,
        "M tokens/s, ids": tokens / ms.ids / 1000,
        "M tokens/s, with offsets": tokens / ms.offsets / 1000,
        "M tokens/s, @huggingface/tokenizers": tokens / ms.rival / 1000,
        "times as fast": ms.rival / ms.ids,
        "% of its ids the same": (100 * same) / list.length,
      };
    }
    yield* starts(json);
  },
};

/** Fresh processes: a second load in one process finds everything compiled. */
async function* starts(json: Buffer): AsyncIterable<Row> {
  const withBin = mkdtempSync(join(tmpdir(), "tokenizer-"));
  try {
    writeFileSync(join(withBin, "tokenizer.json"), json);
    writeFileSync(join(withBin, "tokenizer_config.json"), readFileSync(join(folder, "tokenizer_config.json")));
    writeFileSync(join(withBin, VOCABULARY_FILE), packVocabulary(json)!);
    const auto = JSON.stringify(new URL("dist/tokenizer/auto.js", root).href);
    const load = (path: string) => `const { AutoTokenizer } = await import(${auto});
      const start = performance.now();
      const tokenizer = await AutoTokenizer.from_pretrained(${JSON.stringify(path)});`;
    const library = JSON.stringify(import.meta.resolve("@huggingface/tokenizers"));
    const programs = {
      [VOCABULARY_FILE]: load(withBin),
      "tokenizer.json": load(folder),
      "@huggingface/tokenizers": `import { readFileSync } from "node:fs"; const { Tokenizer } = await import(${library});
        const start = performance.now();
        const read = (name) => JSON.parse(readFileSync(${JSON.stringify(folder)} + "/" + name, "utf8"));
        const tokenizer = new Tokenizer(read("tokenizer.json"), read("tokenizer_config.json"));`,
    };
    const times = new Map<string, number[]>(Object.keys(programs).map((name) => [name, []]));
    for (let i = 0; i < STARTS; i++) {
      for (const [name, program] of Object.entries(programs)) {
        const script = `${program} tokenizer.encode("Hello world"); console.log(performance.now() - start);`;
        const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
        times.get(name)!.push(Number(output));
      }
    }
    for (const [from, list] of times) yield { "ready from": from, "ms, with the first text": median(list) };
  } finally {
    rmSync(withBin, { recursive: true });
  }
}
