// TextPipeline: what all pipelines share: tokenizer and model, texts to rows, what happens to texts that are too long.
import { Callable } from "../callable.ts";
import { type ErrorCode, RobertalbertError, show } from "../errors.ts";
import type { AlbertPreTrainedModel } from "../model/pretrained-model.ts";
import type { PreTrainedTokenizer } from "../tokenizer/pretrained-tokenizer.ts";
import type { TruncationStrategy } from "../tokenizer/truncation.ts";
import type { Row } from "./stream.ts";

/** Options of every call of a pipeline. */
export interface TextOptions {
  /** Tokens of a text, special ones included. Default and most: what tokenizer and model allow. */
  max_length?: number;
  /**
   * What happens to a text of more tokens: its end is left out, with one warning on the console for each pipeline
   * ("truncate", the default); INPUT_TOO_LONG ("error"); or all of it is read in overlapping windows ("window"), whose
   * results become one as the pipeline's own documentation says.
   */
  on_too_long?: "truncate" | "error" | "window";
  /** Ends the call with an ABORTED error. */
  signal?: AbortSignal;
}

/** A row with what leads back to its text. */
export interface TextRow extends Row {
  /** [start, end) of each token in its text, UTF-16 units. */
  offsets?: readonly (readonly [number, number])[];
  /** 0 in the first text, 1 in the second, null on special tokens. */
  sequences?: readonly (number | null)[];
  /** Which word of its text the token belongs to. */
  words?: readonly (number | null)[];
}

/** How a text, or a pair, is made into rows. */
export interface RowOptions {
  /** Which of a pair may be cut. Default: the longer one. */
  truncation?: TruncationStrategy;
  /** Tokens that a window shares with the one before. Default: a quarter of what a window holds. */
  stride?: number;
  /** Whether rows carry offsets, sequences and words. */
  withOffsets?: boolean;
}

export abstract class TextPipeline<Model extends AlbertPreTrainedModel = AlbertPreTrainedModel> extends Callable {
  abstract readonly task: string;
  readonly tokenizer: PreTrainedTokenizer;
  readonly model: Model;
  private hasWarned = false;

  constructor(tokenizer: PreTrainedTokenizer, model: Model) {
    super();
    this.tokenizer = tokenizer;
    this.model = model;
  }

  /** Gives the model's memory back. */
  dispose(): Promise<void> {
    return this.model.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** The most tokens of a row. @throws OPTION_INVALID */
  protected maxLength(options: TextOptions): number {
    const most = Math.min(this.tokenizer.model_max_length, this.model.config.max_position_embeddings);
    const wanted = options.max_length ?? most;
    if (Number.isInteger(wanted) && wanted >= 1 && wanted <= most) return wanted;
    throw new RobertalbertError(
      "OPTION_INVALID",
      `max_length is ${show(options.max_length)}, expected a whole number from 1 to ${most} (what tokenizer and model allow)`,
    );
  }

  /** Tokens of a single text that fit into a row, special ones not counted. @throws OPTION_INVALID */
  protected room(options: TextOptions): number {
    return Math.max(0, this.maxLength(options) - this.tokenizer.num_special_tokens_to_add());
  }

  /**
   * One row, or with `on_too_long: "window"` as many as the text needs.
   * @throws INPUT_INVALID for what is no string, INPUT_TOO_LONG, OPTION_INVALID
   */
  protected rows(text: string, pair: string | undefined, options: TextOptions, rowOptions: RowOptions = {}): TextRow[] {
    expectText(text);
    if (pair !== undefined) expectText(pair);
    const onTooLong = readOnTooLong(options.on_too_long);
    const max_length = this.maxLength(options);
    const { truncation = "longest_first", withOffsets = false } = rowOptions;
    const encode = (more: { max_length: number; stride?: number; return_overflowing_tokens?: "all" }) => {
      const encoding = this.tokenizer([text], {
        ...(pair !== undefined && { text_pair: [pair] }),
        truncation,
        return_offsets_mapping: withOffsets,
        return_word_ids: withOffsets,
        return_tensor: false,
        ...more,
      });
      return encoding.input_ids.map(
        (ids, i): TextRow => ({
          ids,
          ...(encoding.token_type_ids && { types: encoding.token_type_ids[i]! }),
          ...(encoding.offset_mapping && { offsets: encoding.offset_mapping[i]! }),
          ...(encoding.sequence_ids && { sequences: encoding.sequence_ids[i]! }),
          ...(encoding.word_ids && { words: encoding.word_ids[i]! }),
        }),
      );
    };
    if (onTooLong === "window") {
      const specials = this.tokenizer.num_special_tokens_to_add(pair !== undefined);
      const stride = rowOptions.stride ?? Math.max(0, (max_length - specials) >> 2);
      return encode({ max_length, stride, return_overflowing_tokens: "all" });
    }
    // One token more than fits tells whether the text is too long, without reading all of it.
    const rows = encode({ max_length: max_length + 1 });
    if (rows[0]!.ids.length <= max_length) return rows;
    if (onTooLong === "error") {
      throw new RobertalbertError(
        "INPUT_TOO_LONG",
        `text ${show(text)} has more than ${max_length} tokens: shorten it, or pass on_too_long: "truncate" or "window"`,
      );
    }
    if (!this.hasWarned) {
      this.hasWarned = true;
      console.warn(
        `robertalbert: ${this.task}: a text has more than ${max_length} tokens, its end is left out (said once; see option on_too_long)`,
      );
    }
    return encode({ max_length });
  }
}

/** Gives the option or its default. @throws OPTION_INVALID */
export function readOnTooLong(value: unknown): "truncate" | "error" | "window" {
  const known = ["truncate", "error", "window"] as const;
  const found = known.find((name) => name === (value ?? "truncate"));
  if (found) return found;
  throw new RobertalbertError("OPTION_INVALID", `on_too_long is ${show(value)}, expected one of ${known.join(", ")}`);
}

/** @throws OPTION_INVALID unless it is undefined (the default) or a whole number from `least` up */
export function readWhole(value: number | undefined, name: string, otherwise: number, least: number): number {
  const number = value ?? otherwise;
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new RobertalbertError("OPTION_INVALID", `${name} is ${show(value)}, expected a whole number from ${least} up`);
}

/** @throws OPTION_INVALID unless it is null (all), undefined (the default) or a whole number from 1 up */
export function readTopK(value: number | null | undefined, otherwise: number): number {
  if (value === null) return Number.POSITIVE_INFINITY;
  const k = value ?? otherwise;
  if (Number.isInteger(k) && k >= 1) return k;
  throw new RobertalbertError(
    "OPTION_INVALID",
    `top_k is ${show(value)}, expected a whole number from 1 up, or null for all`,
  );
}

/** @throws INPUT_INVALID, or the code given */
export function expectText(
  value: unknown,
  name = "a text",
  code: ErrorCode = "INPUT_INVALID",
): asserts value is string {
  if (typeof value === "string") return;
  throw new RobertalbertError(code, `${name} is ${show(value)}, expected a string`);
}
