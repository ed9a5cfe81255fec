// Windows over long texts: true is what tokenizers 0.23 gives (see golden-calls.test.ts), "all" goes on to the end.
import { describe, expect, it } from "vitest";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import { describeShared } from "../support/shared.ts";

describeShared("return_overflowing_tokens", async (shared) => {
  const tokenizer = await AutoTokenizer.from_pretrained(`${shared}golden/tokenizer/roberta-base`);
  const text = Array.from({ length: 300 }, (_, i) => `word${i}`).join(" ");
  const whole = tokenizer(text, {
    add_special_tokens: false,
    return_offsets_mapping: true,
    return_word_ids: true,
    return_tensor: false,
  });

  describe.each(["right", "left"] as const)('"all", truncation_side %s', (truncation_side) => {
    for (const stride of [0, 1, 20, 47]) {
      it(`covers the text, ${stride} tokens twice`, () => {
        const { input_ids, offset_mapping, word_ids, overflow_to_sample_mapping } = tokenizer(["a", text], {
          truncation: true,
          truncation_side,
          max_length: 50,
          stride,
          return_overflowing_tokens: "all",
          return_offsets_mapping: true,
          return_word_ids: true,
          return_tensor: false,
        });
        expect(overflow_to_sample_mapping).toEqual([0, ...input_ids.slice(1).map(() => 1)]);
        const join = <T>(rows: T[][]) => {
          const windows = rows.slice(1).map((row) => row.slice(1, -1));
          if (truncation_side === "left") windows.reverse();
          return windows.flatMap((row, i) => {
            if (i === 0) return row;
            const next = truncation_side === "left" && i === 1 ? windows[0]!.length : row.length;
            return row.slice(Math.min(stride, row.length, next));
          });
        };
        expect(join(input_ids)).toEqual(whole.input_ids);
        expect(join(offset_mapping!)).toEqual(whole.offset_mapping);
        expect(join(word_ids!)).toEqual(whole.word_ids);
      });
    }
  });

  it("pairs: the question stands before each window of the context", () => {
    const { input_ids, sequence_ids } = tokenizer("what is it?", {
      text_pair: text,
      truncation: "only_second",
      max_length: 64,
      return_overflowing_tokens: "all",
      return_word_ids: true,
      return_tensor: false,
    });
    const context = input_ids.flatMap((row, r) => row.filter((_, i) => sequence_ids![r]![i] === 1));
    expect(context).toEqual(whole.input_ids);
    for (const row of input_ids) expect(row.slice(0, 6)).toEqual([...tokenizer.encode("what is it?")]);
  });

  it("says when windows could not move on", () => {
    const call = (options: object) => () =>
      tokenizer(text, { truncation: true, return_overflowing_tokens: "all", return_tensor: false, ...options });
    expect(call({ max_length: 12, stride: 10 })).toThrow(/stride is 10, and 10 tokens/);
    expect(call({ max_length: 2 })).toThrow(/stride is 0, and 0 tokens/);
    expect(call({ max_length: 12, stride: -1 })).toThrow(/stride is -1, expected a whole number/);
    expect(call({ max_length: 12, return_overflowing_tokens: "some" })).toThrow(/return_overflowing_tokens is "some"/);
  });
});
