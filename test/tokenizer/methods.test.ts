// What a tokenizer can be asked beside being called.
import { describe, expect, it } from "vitest";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import type { TokenIds } from "../../src/tokenizer/decoding.ts";
import { type DecodeCase, readLines } from "../support/golden-tokenizer.ts";
import { describeShared } from "../support/shared.ts";
import { jsonBytes, TINY_CONFIG, tinyFiles, tinyTokenizer } from "../support/tiny-tokenizer.ts";

describe("a tokenizer", async () => {
  const tokenizer = await AutoTokenizer.from_pretrained(tinyFiles());

  it("knows its special tokens and their ids", () => {
    const { bos_token, cls_token, eos_token, sep_token, pad_token, unk_token, mask_token } = tokenizer;
    expect({ bos_token, cls_token, eos_token, sep_token, pad_token, unk_token, mask_token }).toEqual(TINY_CONFIG);
    const { bos_token_id, cls_token_id, eos_token_id, sep_token_id, pad_token_id, unk_token_id, mask_token_id } =
      tokenizer;
    expect([bos_token_id, cls_token_id, eos_token_id, sep_token_id, pad_token_id, unk_token_id, mask_token_id]).toEqual(
      [0, 0, 2, 2, 1, 3, 263],
    );
    expect(tokenizer.all_special_tokens).toEqual(["<s>", "</s>", "<unk>", "<pad>", "<mask>"]);
    expect(tokenizer.all_special_ids).toEqual([0, 2, 3, 1, 263]);
  });

  it("get_vocab has every token once", () => {
    const vocab = tokenizer.get_vocab();
    expect(vocab.size).toBe(264);
    expect([...vocab.values()].sort((a, b) => a - b)).toEqual(Array.from({ length: 264 }, (_, id) => id));
    expect(Object.fromEntries(vocab)).toEqual(tinyTokenizer().model.vocab);
  });

  it("tokenize, with special tokens and a pair when asked", () => {
    expect(tokenizer.tokenize("hello he")).toEqual(["he", "ll", "o", "Ġhe"]);
    expect(tokenizer.tokenize("he", { pair: "he", add_special_tokens: true })).toEqual(
      "<s> he </s> </s> he </s>".split(" "),
    );
  });

  it("encode, with a pair", () => {
    expect(tokenizer.encode("he")).toEqual([0, 260, 2]);
    expect(tokenizer.encode("he", { text_pair: "ll" })).toEqual([0, 260, 2, 2, 261, 2]);
    expect(tokenizer.encode("he", { text_pair: "ll", add_special_tokens: false })).toEqual([260, 261]);
    expect(tokenizer.num_special_tokens_to_add()).toBe(2);
    expect(tokenizer.num_special_tokens_to_add(true)).toBe(4);
  });

  it("converts tokens and ids", () => {
    expect(tokenizer.convert_tokens_to_ids("he")).toBe(260);
    expect(tokenizer.convert_tokens_to_ids(["he", "<mask>", "nothing"])).toEqual([260, 263, 3]);
    expect(tokenizer.convert_ids_to_tokens([260, 263, 264])).toEqual(["he", "<mask>", ""]);
  });

  it("decodes arrays, bigints, typed arrays and tensors", () => {
    const ids = [0, 260, 261, 263, 2];
    const tensor = tokenizer("hell<mask>").input_ids;
    for (const form of [ids, ids.map(BigInt), Int32Array.from(ids), tensor] as TokenIds[]) {
      expect(tokenizer.decode(form)).toBe("<s>hell<mask></s>");
      expect(tokenizer.decode(form, { skip_special_tokens: true })).toBe("hell");
    }
    const batch = tokenizer(["hell<mask>", "he"], { padding: true }).input_ids;
    expect(tokenizer.batch_decode(batch)).toEqual(["<s>hell<mask></s>", "<s>he</s><pad><pad>"]);
    expect(tokenizer.batch_decode([[260], [261]])).toEqual(["he", "ll"]);
    expect(() => tokenizer.decode(7 as never)).toThrow(/ids are 7, expected an array or a Tensor/);
    expect(() => tokenizer.decode([1.5])).toThrow(/id 0 is 1.5, expected a whole number/);
  });

  it("has model_max_length and its sides from tokenizer_config.json", async () => {
    const config = { ...TINY_CONFIG, model_max_length: 5, padding_side: "left", truncation_side: "left" };
    const other = await AutoTokenizer.from_pretrained(tinyFiles(undefined, config));
    expect(other.model_max_length).toBe(5);
    const { input_ids } = other(["abcdefg", "a"], { truncation: true, padding: true, return_tensor: false });
    expect(input_ids.map((row) => other.decode(row))).toEqual(["<s>efg</s>", "<pad><pad><s>a</s>"]);
    expect(tokenizer.model_max_length).toBe(Number.MAX_SAFE_INTEGER);
  });
});

it("vocab.json and merges.txt: added tokens come from added_tokens_decoder, too", async () => {
  const { vocab, merges } = tinyTokenizer().model;
  const { "<mask>": _, ...rest } = vocab;
  const mask = { content: "<mask>", lstrip: false, special: true, normalized: false };
  const tokenizer = await AutoTokenizer.from_pretrained({
    "vocab.json": jsonBytes(rest),
    "merges.txt": jsonBytes((merges as string[][]).map((pair) => `${pair.join(" ")}\n`).join("")),
    "tokenizer_config.json": jsonBytes({
      ...TINY_CONFIG,
      added_tokens_decoder: { 263: mask, 264: { content: "[E1]", rstrip: true, special: false, normalized: true } },
    }),
  });
  expect(tokenizer.encode("he <mask>[E1] he")).toEqual([0, 260, 36, 263, 264, 260, 2]);
  expect(tokenizer.mask_token_id).toBe(263);
  expect(tokenizer.decode([263, 264], { skip_special_tokens: true })).toBe("[E1]");
});

describeShared("decode_stream", (shared) => {
  describe.each(["roberta-base", "albert-unigram"])("%s", async (name) => {
    const folder = `${shared}golden/tokenizer/${name}`;
    const tokenizer = await AutoTokenizer.from_pretrained(folder);
    const cases = readLines<DecodeCase>(`${folder}.decode.jsonl`);

    it.each([1, 2, 5])("gives what decode gives, %i ids at a time", (step) => {
      for (const { id, ids, plain, skip_special } of cases) {
        for (const skip_special_tokens of [false, true]) {
          const stream = tokenizer.decode_stream({ skip_special_tokens });
          let text = "";
          for (let i = 0; i < ids.length; i += step) text += stream.push(step === 1 ? ids[i]! : ids.slice(i, i + step));
          expect(text + stream.end(), id).toBe(skip_special_tokens ? skip_special : plain);
        }
      }
    });
  });

  it("holds back a character until all its bytes are there, and can be used again", async () => {
    const tokenizer = await AutoTokenizer.from_pretrained(`${shared}golden/tokenizer/roberta-base`);
    const ids = tokenizer.encode("é😀", { add_special_tokens: false });
    const stream = tokenizer.decode_stream();
    const pieces = ids.map((id) => stream.push(id));
    expect(pieces.join("")).toBe("é😀");
    expect(pieces.filter(Boolean)).toEqual(["é", "😀"]);
    expect(stream.push(ids.slice(0, -1))).toBe("é");
    expect(stream.end()).toBe("\ufffd");
    expect(stream.push(ids)).toBe("é😀");
    expect(stream.end()).toBe("");
  });
});
