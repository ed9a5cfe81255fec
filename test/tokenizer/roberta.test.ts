// The real roberta-base tokenizer against Transformers': ids, tokens and decoded text, exact.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import type { PreTrainedTokenizer } from "../../src/tokenizer/pretrained-tokenizer.ts";
import { describeShared } from "../support/shared.ts";

interface Case {
  id: string;
  text: string;
  ids: number[];
  tokens: string[];
  add_prefix_space: { same: true } | { same?: undefined; ids: number[]; tokens: string[] };
}

interface DecodeCase {
  id: string;
  ids: number[];
  plain: string;
  plain_clean: string;
  skip_special: string;
  skip_special_clean: string;
}

const readLines = <T>(path: string) =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);

describeShared("roberta-base tokenizer", (shared) => {
  const cases = readLines<Case>(`${shared}golden/tokenizer/roberta-base.cases.jsonl`);
  const decodes = readLines<DecodeCase>(`${shared}golden/tokenizer/roberta-base.decode.jsonl`);
  const folder = `${shared}golden/tokenizer/roberta-base`;
  const forms: [string, Parameters<typeof AutoTokenizer.from_pretrained>[0]][] = [
    ["tokenizer.json", folder],
    ["tokenizer.json of tokenizers before 0.20", `${folder}-old-format`],
    [
      "vocab.json and merges.txt",
      Object.fromEntries(
        ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"].map((name) => [
          name,
          readFileSync(`${folder}/${name}`),
        ]),
      ),
    ],
  ];

  for (const [name, location] of forms) {
    describe(name, () => {
      let plain: PreTrainedTokenizer;
      let prefixed: PreTrainedTokenizer;
      beforeAll(async () => {
        plain = await AutoTokenizer.from_pretrained(location);
        prefixed = await AutoTokenizer.from_pretrained(location, { add_prefix_space: true });
      });

      it(`encodes all ${cases.length} cases, with and without a prefix space`, () => {
        for (const c of cases) {
          const ids = plain.encode(c.text);
          expect(ids, c.id).toEqual(c.ids);
          expect(plain.convert_ids_to_tokens(ids), c.id).toEqual(c.tokens);
          expect(prefixed.encode(c.text), `${c.id} with prefix space`).toEqual(
            c.add_prefix_space.same ? c.ids : c.add_prefix_space.ids,
          );
        }
        expect(cases.length).toBeGreaterThan(4000);
      });

      it(`decodes all ${decodes.length} cases`, () => {
        for (const c of decodes) {
          expect(plain.decode(c.ids), c.id).toBe(c.plain);
          expect(plain.decode(c.ids, { skip_special_tokens: true }), c.id).toBe(c.skip_special);
          expect(plain.decode(c.ids, { clean_up_tokenization_spaces: true }), c.id).toBe(c.plain_clean);
          expect(plain.decode(c.ids, { skip_special_tokens: true, clean_up_tokenization_spaces: true }), c.id).toBe(
            c.skip_special_clean,
          );
        }
        expect(decodes.length).toBeGreaterThan(900);
      });
    });
  }
});
