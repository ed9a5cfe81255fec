// From ids to text: which ids are meant, a stream that cuts no character, and Transformers' clean-up of blanks.
import { RobertalbertError, show } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import type { TokenDecoder } from "./algorithm.ts";

export type TokenIds = ArrayLike<number | bigint> | Tensor;

export interface DecodeOptions {
  skip_special_tokens?: boolean;
  clean_up_tokenization_spaces?: boolean;
}

/** See PreTrainedTokenizer.decode_stream. */
export class DecodeStream {
  private readonly decoder: TokenDecoder;
  private readonly tokensOf: (ids: TokenIds) => string[];

  constructor(decoder: TokenDecoder, tokensOf: (ids: TokenIds) => string[]) {
    this.decoder = decoder;
    this.tokensOf = tokensOf;
  }

  /**
   * Takes one id or more.
   * @returns the text that is certain now, perhaps empty
   * @throws INPUT_INVALID for what is no id
   */
  push(ids: number | bigint | TokenIds): string {
    return this.decoder.push(this.tokensOf(typeof ids === "number" || typeof ids === "bigint" ? [ids] : ids));
  }

  /** @returns U+FFFD for a character that was never finished, else nothing; the stream may then be used anew */
  end(): string {
    return this.decoder.end();
  }
}

const CUTS: readonly (readonly [string, string])[] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** Transformers' clean_up_tokenization: no blanks before punctuation and English contractions. */
export function cleanUp(text: string): string {
  return CUTS.reduce((cleaned, [from, to]) => cleaned.replaceAll(from, to), text);
}

/**
 * The ids of a list or a Tensor of any shape.
 * @throws INPUT_INVALID
 */
export function readIds(ids: TokenIds): number[] {
  const values = (ids as Partial<Tensor> | undefined)?.data ?? (ids as ArrayLike<number | bigint> | undefined);
  if (typeof values !== "object" || values === null || typeof values.length !== "number")
    throw new RobertalbertError("INPUT_INVALID", `ids are ${show(ids)}, expected an array or a Tensor of token ids`);
  return Array.from(values as ArrayLike<number | bigint>, (value, i) => {
    // Not by Number alone: null, "" and false are no token 0.
    const id = typeof value === "number" || typeof value === "bigint" ? Number(value) : Number.NaN;
    if (Number.isInteger(id)) return id;
    throw new RobertalbertError("INPUT_INVALID", `id ${i} is ${show(value)}, expected a whole number`);
  });
}
