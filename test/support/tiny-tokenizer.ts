// A byte-level tokenizer.json small enough to be written in a test: the 256 bytes, a few merges, RoBERTa's special tokens.
import { CHAR_OF_BYTE } from "../../src/tokenizer/byte-level/bytes.ts";

export interface TinyTokenizer {
  model: { type: string; vocab: Record<string, number>; merges: unknown };
  added_tokens: Record<string, unknown>[];
  [part: string]: unknown;
}

/** Ids: <s> 0, <pad> 1, </s> 2, <unk> 3, the bytes from 4 on, then "he" 260, "ll" 261, "Ġhe" 262, then <mask> 263. */
export function tinyTokenizer(): TinyTokenizer {
  const tokens = ["<s>", "<pad>", "</s>", "<unk>", ...CHAR_OF_BYTE, "he", "ll", "Ġhe", "<mask>"];
  const special = (content: string) => ({
    id: tokens.indexOf(content),
    content,
    single_word: false,
    lstrip: content === "<mask>",
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: "1.0",
    added_tokens: ["<s>", "<pad>", "</s>", "<unk>", "<mask>"].map(special),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
    post_processor: {
      type: "RobertaProcessing",
      sep: ["</s>", 2],
      cls: ["<s>", 0],
      trim_offsets: true,
      add_prefix_space: false,
    },
    decoder: { type: "ByteLevel" },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [
        ["h", "e"],
        ["l", "l"],
        ["Ġ", "he"],
      ],
    },
  };
}

export const TINY_CONFIG = {
  bos_token: "<s>",
  cls_token: "<s>",
  eos_token: "</s>",
  sep_token: "</s>",
  pad_token: "<pad>",
  unk_token: "<unk>",
  mask_token: "<mask>",
};

export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

/** The files of a folder with a tokenizer. */
export function tinyFiles(tokenizer: unknown = tinyTokenizer(), config: unknown = TINY_CONFIG) {
  return { "tokenizer.json": jsonBytes(tokenizer), "tokenizer_config.json": jsonBytes(config) };
}
