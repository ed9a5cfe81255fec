// The options of a tokenizer call, and what they come to once checked.
import { expectOptions, RobertalbertError, readFlag, show } from "../errors.ts";
import type { Truncation, TruncationStrategy } from "./truncation.ts";

/** One text: a string, or with is_split_into_words its words. */
export type Text = string | readonly string[];

/** Meaning as in Transformers, names and defaults as in transformers.js. */
export interface TokenizerCallOptions {
  /** The second text, or as many as there are texts. */
  text_pair?: string | readonly string[] | readonly (readonly string[])[] | null;
  /** Default true. */
  add_special_tokens?: boolean;
  /** true or "longest": to the longest of the batch; "max_length": to max_length. Default false. */
  padding?: boolean | "longest" | "max_length";
  /** Default: what tokenizer_config.json says, else "right". */
  padding_side?: "left" | "right" | null;
  /** Pads on to a multiple of this many tokens. */
  pad_to_multiple_of?: number | null;
  /** true is "longest_first". The special tokens always stay. Default false. */
  truncation?: boolean | TruncationStrategy | "do_not_truncate" | null;
  /** The side that is cut. Default: what tokenizer_config.json says, else "right". */
  truncation_side?: "left" | "right" | null;
  /** Tokens, special ones included. Default: the model's, `model_max_length`. */
  max_length?: number | null;
  /** With truncation: how many tokens of the text a further window shares with the one before. Default 0. */
  stride?: number;
  /**
   * With truncation: what is cut comes in further rows, and `overflow_to_sample_mapping` says whose they are. Default false.
   * "all": windows up to the end of each text. true: as Transformers 5.18 with tokenizers 0.23, which encodes a text only as far
   * as the word that fills max_length, so that there is hardly a further row (huggingface/tokenizers#2091).
   */
  return_overflowing_tokens?: boolean | "all";
  /** text and text_pair are lists of words (a batch: lists of lists), each encoded by itself. Default false. */
  is_split_into_words?: boolean;
  /** Adds `offset_mapping` and `sequence_ids`. Default false. */
  return_offsets_mapping?: boolean;
  /** Adds `special_tokens_mask`. Default false. */
  return_special_tokens_mask?: boolean;
  /** Adds `word_ids` and `sequence_ids`. Default false. */
  return_word_ids?: boolean;
  /** Adds token_type_ids. Default: where the tokenizer's model_input_names has them. */
  return_token_type_ids?: boolean | null;
  /** Default true: int64 Tensors [rows, tokens]. false: arrays, for one text without overflow not nested. */
  return_tensor?: boolean;
}

/** What a tokenizer has where an option is not given. */
export interface CallDefaults {
  maxLength: number;
  paddingSide: "left" | "right";
  truncationSide: "left" | "right";
}

export interface Padding {
  /** Tokens; undefined: those of the longest row. */
  length: number | undefined;
  multipleOf: number;
  side: "left" | "right";
}

const FLAGS = [
  "add_special_tokens",
  "is_split_into_words",
  "return_offsets_mapping",
  "return_special_tokens_mask",
  "return_word_ids",
  "return_token_type_ids",
  "return_tensor",
] as const;

/** Padded rows of more tokens are a mistake, or would be: no model takes them, and they fill the memory. */
const MOST_PADDED = 1 << 20;

/** Whether options are options, and those that are on or off one of both. @throws OPTION_INVALID naming the option */
export function expectCallOptions(options: TokenizerCallOptions): void {
  expectOptions(options);
  for (const name of FLAGS) readFlag(options[name], name);
}

/** @throws OPTION_INVALID naming the option */
export function readTruncation(options: TokenizerCallOptions, defaults: CallDefaults): Truncation | undefined {
  const { stride = 0 } = options;
  const truncation = options.truncation ?? false;
  const side = options.truncation_side ?? defaults.truncationSide;
  expectSide(side, "truncation_side");
  if (!Number.isSafeInteger(stride) || stride < 0) throw invalid("stride", stride, "a whole number from 0 up");
  const known = ["longest_first", "only_first", "only_second"] as const;
  const overflow = options.return_overflowing_tokens ?? false;
  if (overflow !== true && overflow !== false && overflow !== "all")
    throw invalid("return_overflowing_tokens", overflow, 'true, false or "all"');
  const maxLength = readMaxLength(options, defaults);
  const strategy = truncation === true ? "longest_first" : truncation === false ? "do_not_truncate" : truncation;
  if (strategy === "do_not_truncate") return undefined;
  if (!known.includes(strategy)) {
    throw invalid("truncation", truncation, `true, false, ${known.map(show).join(", ")} or "do_not_truncate"`);
  }
  return { maxLength, strategy, side, stride, withOverflow: overflow !== false, withAll: overflow === "all" };
}

/** @throws OPTION_INVALID naming the option */
export function readPadding(options: TokenizerCallOptions, defaults: CallDefaults): Padding | undefined {
  const { padding = false } = options;
  const side = options.padding_side ?? defaults.paddingSide;
  expectSide(side, "padding_side");
  const multipleOf = options.pad_to_multiple_of ?? 1;
  if (!Number.isSafeInteger(multipleOf) || multipleOf < 1 || multipleOf > MOST_PADDED)
    throw invalid("pad_to_multiple_of", multipleOf, `a whole number from 1 to ${MOST_PADDED}`);
  switch (padding) {
    case false:
      return undefined;
    case true:
    case "longest":
      return { length: undefined, multipleOf, side };
    case "max_length": {
      const length = readMaxLength(options, defaults);
      if (length <= MOST_PADDED) return { length, multipleOf, side };
      if (typeof options.max_length === "number")
        throw invalid("max_length", length, `with padding "max_length" at most ${MOST_PADDED}`);
      throw new RobertalbertError(
        "OPTION_INVALID",
        'padding "max_length" needs max_length: the tokenizer has no model_max_length',
      );
    }
    default:
      throw invalid("padding", padding, 'true, false, "longest" or "max_length"');
  }
}

/** Transformers refuses to cut to a length that padding then has to go beyond. */
export function expectCompatible(truncation: Truncation | undefined, padding: Padding | undefined): void {
  if (!truncation || !padding || truncation.maxLength % padding.multipleOf === 0) return;
  if (truncation.maxLength === Number.MAX_SAFE_INTEGER) return;
  throw new RobertalbertError(
    "OPTION_INVALID",
    `max_length is ${truncation.maxLength}, and with truncation and padding it must be a multiple of pad_to_multiple_of, ${padding.multipleOf}`,
  );
}

function readMaxLength({ max_length }: TokenizerCallOptions, { maxLength }: CallDefaults): number {
  if (max_length === undefined || max_length === null) return maxLength;
  if (Number.isSafeInteger(max_length) && max_length >= 0) return max_length;
  throw invalid("max_length", max_length, "a whole number from 0 up");
}

function expectSide(value: unknown, name: string): void {
  if (value !== "left" && value !== "right") throw invalid(name, value, '"left" or "right"');
}

function invalid(name: string, got: unknown, expected: string): RobertalbertError {
  return new RobertalbertError("OPTION_INVALID", `${name} is ${show(got)}, expected ${expected}`);
}

/** What needs to know where tokens lie. */
export function expectNoPlaces(options: TokenizerCallOptions): void {
  const names = ["return_offsets_mapping", "return_word_ids", "return_overflowing_tokens"] as const;
  const wanted = names.find((name) => options[name]);
  if (wanted === undefined) return;
  throw new RobertalbertError(
    "OPTION_UNSUPPORTED",
    `${wanted}: this tokenizer.json is read by @huggingface/tokenizers, which does not say where tokens lie; there is such an answer for byte-level BPE (RoBERTa) and Unigram (ALBERT) only`,
  );
}

/** Which texts and pairs there are; of words each is a list. */
export function readTexts(
  text: Text | readonly Text[],
  pair: TokenizerCallOptions["text_pair"],
  inWords: boolean,
): { texts: readonly Text[]; pairs: readonly Text[] | undefined; isSingle: boolean } {
  const isOne = (value: unknown): value is Text =>
    inWords ? Array.isArray(value) && !Array.isArray(value[0]) : typeof value === "string";
  const one = inWords ? "a list of words" : "a string";
  const isSingle = isOne(text);
  if (!isSingle && (!Array.isArray(text) || text.length === 0))
    throw new RobertalbertError("INPUT_INVALID", `text is ${show(text)}, expected ${one} or a non-empty array of such`);
  const texts = isSingle ? [text] : (text as readonly Text[]);
  // Array.from, as `every` and `find` step over holes.
  const wrong = Array.from(texts, isOne).indexOf(false);
  if (wrong >= 0) throw new RobertalbertError("INPUT_INVALID", `a text is ${show(texts[wrong])}, expected ${one}`);
  if (pair === undefined || pair === null) return { texts, pairs: undefined, isSingle };
  const pairs = isSingle ? [pair as Text] : (pair as readonly Text[]);
  if (!Array.isArray(pairs) || pairs.length !== texts.length || Array.from(pairs, isOne).includes(false)) {
    const expected = isSingle ? one : `an array of ${texts.length}, each ${one}`;
    throw new RobertalbertError("INPUT_INVALID", `text_pair is ${show(pair)}, expected ${expected}, as text is`);
  }
  return { texts, pairs, isSingle };
}
