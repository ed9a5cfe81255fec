// Texts chosen to be difficult, against what tokenizers (Rust) made of them: scripts/unigram_cases.py.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TokenSink } from "../../src/tokenizer/algorithm.ts";
import { Unigram } from "../../src/tokenizer/unigram/unigram.ts";

interface Setup {
  name: string;
  json: Record<string, unknown>;
  /** Text, ids, offsets (start, end, start, end, …), word ids. */
  cases: [string, number[], number[], number[]][];
}

const file = process.env.UNIGRAM_CASES ?? new URL("./unigram-cases.jsonl", import.meta.url);
const setups: Setup[] = readFileSync(file, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

describe.each(setups)("$name", ({ json, cases }) => {
  it(`gives the ids, offsets and word ids of tokenizers (Rust) for ${cases.length} texts`, () => {
    const unigram = new Unigram(json);
    for (const expected of cases) {
      const [text] = expected;
      const sink = new TokenSink(true);
      const source = unigram.normalize(text);
      unigram.encode(source, 0, source.text.length, true, sink);
      const take = (values: Int32Array) => [...values.subarray(0, sink.length)];
      const starts = take(sink.places!.starts);
      const ends = take(sink.places!.ends);
      expect([text, take(sink.ids), starts.flatMap((start, i) => [start, ends[i]!]), take(sink.places!.words)]).toEqual(
        expected,
      );
    }
  });
});
