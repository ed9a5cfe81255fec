// Single texts and ids back to text, against Transformers: ids, tokens, offsets, words and decoded text, exact.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import type { PreTrainedTokenizer } from "../../src/tokenizer/pretrained-tokenizer.ts";
import { type DecodeCase, type EncodeCase, type GoldenEncoding, readLines } from "../support/golden-tokenizer.ts";
import { describeShared } from "../support/shared.ts";

describeShared("tokenizers", (shared) => {
  const folder = `${shared}golden/tokenizer`;
  const robertaFiles = ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"];
  type Location = Parameters<typeof AutoTokenizer.from_pretrained>[0];
  const forms: [name: string, location: Location, cases: string, least: number][] = [
    ["roberta-base: tokenizer.json", `${folder}/roberta-base`, "roberta-base", 4200],
    ["roberta-base: tokenizer.json before 0.20", `${folder}/roberta-base-old-format`, "roberta-base", 4200],
    [
      "roberta-base: vocab.json and merges.txt",
      Object.fromEntries(robertaFiles.map((name) => [name, readFileSync(`${folder}/roberta-base/${name}`)])),
      "roberta-base",
      4200,
    ],
    ["albert-unigram", `${folder}/albert-unigram`, "albert-unigram", 340],
  ];

  for (const [name, location, golden, least] of forms) {
    describe(name, () => {
      const cases = readLines<EncodeCase>(`${folder}/${golden}.cases.jsonl`);
      const decodes = readLines<DecodeCase>(`${folder}/${golden}.decode.jsonl`);
      let tokenizer: PreTrainedTokenizer;
      beforeAll(async () => {
        tokenizer = await AutoTokenizer.from_pretrained(location);
      });

      it(`encodes all ${cases.length} cases`, () => {
        for (const c of cases) {
          expectEncoding(tokenizer, c, c);
          const { special_tokens_mask, attention_mask } = tokenizer(c.text, {
            return_special_tokens_mask: true,
            return_tensor: false,
          });
          expect({ special_tokens_mask, attention_mask }, c.id).toEqual({
            special_tokens_mask: c.special_tokens_mask,
            attention_mask: c.attention_mask,
          });
        }
        expect(cases.length).toBeGreaterThanOrEqual(least);
      });

      const prefixCases = cases.filter((c) => c.add_prefix_space);
      if (prefixCases.length > 0)
        it(`encodes all ${prefixCases.length} cases with add_prefix_space`, async () => {
          const prefixed = await AutoTokenizer.from_pretrained(location, { add_prefix_space: true });
          expect(prefixed.add_prefix_space).toBe(true);
          for (const c of prefixCases) expectEncoding(prefixed, c, c.add_prefix_space!.same ? c : c.add_prefix_space!);
        });

      it(`decodes all ${decodes.length} cases`, () => {
        for (const c of decodes) {
          const decode = (skip_special_tokens: boolean, clean_up_tokenization_spaces: boolean) =>
            tokenizer.decode(c.ids, { skip_special_tokens, clean_up_tokenization_spaces });
          expect(decode(false, false), c.id).toBe(c.plain);
          expect(decode(true, false), c.id).toBe(c.skip_special);
          expect(decode(false, true), c.id).toBe(c.plain_clean);
          expect(decode(true, true), c.id).toBe(c.skip_special_clean);
        }
        expect(decodes.length).toBeGreaterThanOrEqual(261);
      });
    });
  }
});

function expectEncoding(tokenizer: PreTrainedTokenizer, { id, text }: EncodeCase, expected: GoldenEncoding): void {
  const ids = tokenizer.encode(text);
  const { input_ids, offset_mapping, word_ids } = tokenizer(text, {
    return_offsets_mapping: true,
    return_word_ids: true,
    return_tensor: false,
  });
  const { ids: expectedIds, tokens, offsets_utf16, word_ids: expectedWords } = expected;
  expect(ids, id).toEqual(expectedIds);
  expect({ input_ids, tokens: tokenizer.convert_ids_to_tokens(ids), offset_mapping, word_ids }, id).toEqual({
    input_ids: expectedIds,
    tokens,
    offset_mapping: offsets_utf16,
    word_ids: expectedWords,
  });
}
