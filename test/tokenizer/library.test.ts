// Other kinds of tokenizer.json: through @huggingface/tokenizers, and clear words about what it cannot do.
import { afterEach, describe, expect, it, vi } from "vitest";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import { tinyFiles, tinyTokenizer } from "../support/tiny-tokenizer.ts";

const TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "##s", "the", ","];
const special = (content: string) => ({ id: TOKENS.indexOf(content), content, special: true, normalized: false });
const wordPiece = {
  version: "1.0",
  added_tokens: TOKENS.slice(0, 5).map(special),
  normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, lowercase: true },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: { type: "BertProcessing", sep: ["[SEP]", 3], cls: ["[CLS]", 2] },
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])),
  },
};
const config = {
  cls_token: "[CLS]",
  sep_token: "[SEP]",
  pad_token: "[PAD]",
  unk_token: "[UNK]",
  mask_token: "[MASK]",
  model_max_length: 6,
  model_input_names: ["input_ids", "token_type_ids", "attention_mask"],
};

describe("a WordPiece tokenizer.json", async () => {
  const tokenizer = await AutoTokenizer.from_pretrained(tinyFiles(wordPiece, config));

  it("encodes, pads, truncates behind the special tokens, and decodes", () => {
    expect(tokenizer.encode("Hello [MASK] worlds")).toEqual([2, 5, 4, 6, 7, 3]);
    const encoding = tokenizer(["hello, the hello, the hello", "zzz"], {
      padding: true,
      truncation: true,
      return_tensor: false,
    });
    expect(encoding).toEqual({
      input_ids: [
        [2, 5, 9, 8, 5, 3],
        [2, 1, 3, 0, 0, 0],
      ],
      attention_mask: [
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0],
      ],
      token_type_ids: [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
      ],
    });
    expect(tokenizer.decode([2, 5, 6, 7, 3], { skip_special_tokens: true })).toBe("hello worlds");
    const stream = tokenizer.decode_stream({ skip_special_tokens: true });
    expect([2, 5, 6, 7, 3].map((id) => stream.push(id)).join("") + stream.end()).toBe("hello worlds");
  });

  it("types the second text of a pair", () => {
    const { input_ids, token_type_ids } = tokenizer("hello", { text_pair: "the", return_tensor: false });
    expect({ input_ids, token_type_ids }).toEqual({ input_ids: [2, 5, 3, 8, 3], token_type_ids: [0, 0, 0, 1, 1] });
  });

  it.each(["return_offsets_mapping", "return_word_ids", "return_overflowing_tokens"])(
    "says that it has no %s",
    (name) => {
      const call = () => tokenizer("hello", { [name]: true, truncation: true });
      expect(call).toThrow(expect.objectContaining({ code: "OPTION_UNSUPPORTED" }));
      expect(call).toThrow(new RegExp(name));
    },
  );
});

it("a byte-level BPE with a normalizer is not RoBERTa's: the library reads it", async () => {
  const tokenizer = await AutoTokenizer.from_pretrained(
    tinyFiles({ ...tinyTokenizer(), normalizer: { type: "Lowercase" } }),
  );
  expect(tokenizer.encode("HELL")).toEqual([0, 260, 261, 2]);
  expect(() => tokenizer("HELL", { return_offsets_mapping: true })).toThrow(/huggingface/);
});

it("what the library does not read either is TOKENIZER_UNSUPPORTED", async () => {
  const odd = { ...wordPiece, model: { ...wordPiece.model, type: "Unheard" }, pre_tokenizer: { type: "NewKind" } };
  const error = await AutoTokenizer.from_pretrained(tinyFiles(odd, config)).catch((e) => e);
  expect(error).toMatchObject({ code: "TOKENIZER_UNSUPPORTED", message: expect.stringContaining("Unheard") });
});

describe("without the library", () => {
  afterEach(() => vi.doUnmock("@huggingface/tokenizers"));

  it("the error gives the npm command, and RoBERTa's kind works as ever", async () => {
    vi.doMock("@huggingface/tokenizers", () => {
      throw new Error("Cannot find package");
    });
    const error = await AutoTokenizer.from_pretrained(tinyFiles(wordPiece, config)).catch((e) => e);
    expect(error.code).toBe("DEPENDENCY_MISSING");
    expect(error.message).toContain("npm install @huggingface/tokenizers");
    expect((await AutoTokenizer.from_pretrained(tinyFiles())).encode("he")).toEqual([0, 260, 2]);
  });
});
