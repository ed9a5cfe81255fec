// Reads ../shared/golden/tokenizer (its README says what the fields are).
import { readFileSync } from "node:fs";
import type { TokenizerCallOptions } from "../../src/tokenizer/call-options.ts";

export interface GoldenEncoding {
  ids: number[];
  tokens: string[];
  offsets_utf16: [number, number][];
  word_ids: (number | null)[];
}

export interface EncodeCase extends GoldenEncoding {
  id: string;
  text: string;
  special_tokens_mask: number[];
  attention_mask: number[];
  add_prefix_space?: { same: true } | ({ same?: undefined } & GoldenEncoding);
}

export interface DecodeCase {
  id: string;
  ids: number[];
  plain: string;
  plain_clean: string;
  skip_special: string;
  skip_special_clean: string;
}

export interface CallCase {
  id: string;
  group: string;
  add_prefix_space?: boolean;
  attributes: { truncation_side?: "left" | "right" };
  arguments: TokenizerCallOptions & { text: string | string[] | string[][] };
  result?: {
    input_ids: number[][];
    token_type_ids: number[][];
    attention_mask: number[][];
    special_tokens_mask: number[][];
    offset_mapping_utf16: [number, number][][];
    word_ids: (number | null)[][];
    sequence_ids: (number | null)[][];
    overflow_to_sample_mapping?: number[];
  };
  error?: { type: string; message: string };
}

export function readLines<T>(path: string): T[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}
