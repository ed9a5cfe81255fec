// What a tokenizer call gives: the rows as tensors or arrays under Transformers' names.
import { RobertalbertError } from "../errors.ts";
import { Tensor } from "../tensor.ts";
import type { Row } from "./rows.ts";

/** A list with one entry a token, for each row; for one text with `return_tensor: false` (and no overflow) the list itself. */
export type PerToken<Value, Entry> = Value extends readonly number[] ? Entry[] : Entry[][];

/**
 * The result of a tokenizer call. What a model takes is a `Value`: an int64 Tensor [rows, tokens] by default; with
 * `return_tensor: false` number[][], for one text number[]. What only a program reads is always arrays of plain numbers.
 */
export interface BatchEncoding<Value = Tensor> {
  input_ids: Value;
  /** 1 where a token is seen, 0 on padding. */
  attention_mask: Value;
  /** With return_token_type_ids, or where the model takes them. */
  token_type_ids?: Value;
  /** With return_special_tokens_mask: 1 on special tokens that were put around the text, and on padding. */
  special_tokens_mask?: Value;
  /**
   * With return_offsets_mapping: [start, end) of each token in its text, in UTF-16 units, so that `text.slice(start, end)` is
   * the token's text without the blanks around it; with is_split_into_words in its word. [0, 0] on special tokens and padding.
   */
  offset_mapping?: PerToken<Value, [number, number]>;
  /** With return_word_ids: which word of its text a token belongs to; null on special tokens and padding. */
  word_ids?: PerToken<Value, number | null>;
  /** With either of these two: 0 in the first text, 1 in the second (text_pair), null on special tokens and padding. */
  sequence_ids?: PerToken<Value, number | null>;
  /** With return_overflowing_tokens: for each row, which text (or pair) of the batch it comes from. */
  overflow_to_sample_mapping?: number[];
}

/** A BatchEncoding in any of its forms. */
export type AnyBatchEncoding = BatchEncoding<Tensor | number[] | number[][]>;

/** Which columns are wanted, and in which form. */
export interface EncodingForm {
  typeIds: boolean;
  specials: boolean;
  offsets: boolean;
  words: boolean;
  asTensor: boolean;
  /** One text's lists without the list around them. */
  isSingle: boolean;
}

/** @throws INPUT_INVALID for a tensor of rows of unequal length */
export function toBatchEncoding(rows: readonly Row[], form: EncodingForm): AnyBatchEncoding {
  const unnested = form.isSingle && !form.asTensor;
  const values = (column: (row: Row) => number[]) => {
    if (form.asTensor) return toTensor(rows, column);
    return unnested ? column(rows[0]!) : rows.map(column);
  };
  const perToken = <T>(column: (row: Row) => T[]) =>
    (unnested ? column(rows[0]!) : rows.map(column)) as PerToken<Tensor | number[] | number[][], T>;
  return {
    input_ids: values((row) => row.ids),
    attention_mask: values((row) => row.attention),
    ...(form.typeIds && { token_type_ids: values((row) => row.typeIds) }),
    ...(form.specials && { special_tokens_mask: values((row) => row.specials) }),
    ...(form.offsets && { offset_mapping: perToken((row) => row.offsets) }),
    ...(form.words && { word_ids: perToken((row) => row.words) }),
    ...((form.offsets || form.words) && { sequence_ids: perToken((row) => row.sequences) }),
  };
}

function toTensor(rows: readonly Row[], column: (row: Row) => number[]): Tensor {
  const length = rows[0]!.ids.length;
  const other = rows.find((row) => row.ids.length !== length);
  if (other) {
    throw new RobertalbertError(
      "INPUT_INVALID",
      `texts have ${length} and ${other.ids.length} tokens, a tensor needs equal lengths: pass padding: true (and truncation: true), or return_tensor: false`,
    );
  }
  const data = new BigInt64Array(rows.length * length);
  rows.forEach((row, r) => {
    const values = column(row);
    for (let i = 0; i < length; i++) data[r * length + i] = BigInt(values[i]!);
  });
  return new Tensor("int64", data, [rows.length, length]);
}
