// Calls with options against Transformers: pairs, batches, truncation, overflow, padding, words; errors where it raises.
import { describe, expect, it } from "vitest";
import { RobertalbertError } from "../../src/errors.ts";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import type { PreTrainedTokenizer } from "../../src/tokenizer/pretrained-tokenizer.ts";
import { type CallCase, readLines } from "../support/golden-tokenizer.ts";
import { describeShared } from "../support/shared.ts";

const EVERYTHING = {
  return_offsets_mapping: true,
  return_word_ids: true,
  return_special_tokens_mask: true,
  return_token_type_ids: true,
} as const;

describeShared("tokenizer calls", (shared) => {
  for (const [name, least] of [
    ["roberta-base", 896],
    ["albert-unigram", 140],
  ] as const) {
    const folder = `${shared}golden/tokenizer/${name}`;
    const cases = readLines<CallCase>(`${folder}.calls.jsonl`);
    const groups = new Map<string, CallCase[]>();
    for (const c of cases) groups.set(c.group, [...(groups.get(c.group) ?? []), c]);

    describe(name, async () => {
      const plain = await AutoTokenizer.from_pretrained(folder);
      const prefixed =
        name === "roberta-base" ? await AutoTokenizer.from_pretrained(folder, { add_prefix_space: true }) : plain;

      it("has all cases", () => expect(cases.length).toBeGreaterThanOrEqual(least));

      for (const [group, members] of groups) {
        if (group.startsWith("quirk:")) continue;
        it(`${group}: ${members.length} calls`, () => {
          for (const c of members) expectCall(c.add_prefix_space ? prefixed : plain, c);
        });
      }

      for (const c of groups.get("quirk: a single text with an empty pair is taken as no pair") ?? []) {
        it(`an empty text_pair is a pair, as it is in a batch (${c.id})`, () => {
          const { text, text_pair } = c.arguments as { text: string; text_pair: string };
          const single = plain(text, { text_pair, return_tensor: false }).input_ids;
          const batch = plain([text], { text_pair: [text_pair], return_tensor: false }).input_ids;
          expect(single).toEqual([0, ...plain.encode(text, { add_special_tokens: false }), 2, 2, 2]);
          expect(batch).toEqual([single]);
          expect(single).not.toEqual(c.result!.input_ids[0]);
        });
      }

      for (const c of groups.get("quirk: max_length below the number of special tokens") ?? []) {
        const { text, ...options } = c.arguments;
        it(`max_length ${options.max_length} is refused with ${options.text_pair ? "two texts" : "one text"}, ${options.truncation} (${c.id})`, () => {
          expect(codeOf(() => plain(text as string, options))).toBe("OPTION_INVALID");
        });
      }
    });
  }
});

function expectCall(tokenizer: PreTrainedTokenizer, c: CallCase): void {
  const { text, ...options } = c.arguments;
  const settings = { ...EVERYTHING, ...options, ...c.attributes, return_tensor: false as const };
  if (c.error) {
    expect(
      codeOf(() => tokenizer(text, settings)),
      `${c.id}: ${c.error.message}`,
    ).toBe("OPTION_INVALID");
    return;
  }
  const isSingle = typeof text === "string" || (options.is_split_into_words === true && typeof text[0] === "string");
  const rows = <T>(value: T) => (isSingle && !options.return_overflowing_tokens ? [value] : value);
  const got = tokenizer(text, settings);
  const { offset_mapping_utf16, ...expected } = c.result!;
  const actual = Object.fromEntries(
    Object.entries(got).map(([key, value]) => [key, key === "overflow_to_sample_mapping" ? value : rows(value)]),
  );
  const { shape: _, offset_mapping: __, ...known } = expected as Record<string, unknown>;
  expect(actual, c.id).toEqual({ ...known, offset_mapping: offset_mapping_utf16 });
}

function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof RobertalbertError) return error.code;
    throw error;
  }
  return undefined;
}
