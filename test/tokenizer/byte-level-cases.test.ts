// Generated texts, under added tokens of every kind, against what tokenizers (Rust) made of them: scripts/tokenizer_cases.py.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import { jsonBytes } from "../support/tiny-tokenizer.ts";

interface Setup {
  name: string;
  /** tokenizer.json, or the folder where it is. */
  json?: unknown;
  folder?: string;
  /** Text, ids, offsets (start, end, start, end, …), word ids. */
  cases: [string, number[], number[], (number | null)[]][];
}

const file = process.env.BYTE_LEVEL_CASES ?? new URL("./byte-level-cases.jsonl", import.meta.url);
const setups: Setup[] = readFileSync(file, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

describe.each(setups)("$name", ({ json, folder, cases }) => {
  it(`gives the ids, offsets and word ids of tokenizers (Rust) for ${cases.length} texts`, async () => {
    const tokenizer = await AutoTokenizer.from_pretrained(folder ?? { "tokenizer.json": jsonBytes(json) });
    for (const expected of cases) {
      const [text] = expected;
      const { input_ids, offset_mapping, word_ids } = tokenizer(text, {
        return_offsets_mapping: true,
        return_word_ids: true,
        return_tensor: false,
      });
      expect([text, input_ids, offset_mapping!.flat(), word_ids]).toEqual(expected);
      expect(tokenizer.encode(text)).toEqual(expected[1]);
    }
  });
});
