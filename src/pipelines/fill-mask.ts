// The fill-mask pipeline: texts with <mask> in, the likeliest tokens for each <mask> out.
import { Callable } from "../callable.ts";
import { RobertalbertError, show } from "../errors.ts";
import type { AlbertForMaskedLM } from "../model/masked-lm.ts";
import type { PreTrainedTokenizer } from "../tokenizer/pretrained-tokenizer.ts";

export interface FillMaskOptions {
  /** How many answers for each mask. Default 5. */
  top_k?: number;
  /** Only these words compete; each must be one token. With `top_k` more than there are, all come. */
  targets?: string | readonly string[];
  signal?: AbortSignal;
}

export interface FillMaskResult {
  /** Probability over the whole vocabulary. */
  score: number;
  token: number;
  token_str: string;
  /** The text with this mask filled. With several masks the others stay, and `<s>` and `</s>` are shown too. */
  sequence: string;
}

/** A list for a text with one mask, a list of lists for a text with several. */
export type FillMaskOutput = FillMaskResult[] | FillMaskResult[][];

export interface FillMaskPipeline {
  (text: string, options?: FillMaskOptions): Promise<FillMaskOutput>;
  (text: readonly string[], options?: FillMaskOptions): Promise<FillMaskOutput[]>;
}

/** Result form of transformers.js; several masks as in Transformers. Texts longer than the model are truncated. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Callable makes the instance a function
export class FillMaskPipeline extends Callable {
  readonly task = "fill-mask";
  readonly tokenizer: PreTrainedTokenizer;
  readonly model: AlbertForMaskedLM;

  constructor(tokenizer: PreTrainedTokenizer, model: AlbertForMaskedLM) {
    super();
    this.tokenizer = tokenizer;
    this.model = model;
  }

  /**
   * @throws INPUT_INVALID for what is no string or has no mask (none left after truncation, too), OPTION_INVALID, ABORTED, DISPOSED
   */
  async _call(
    text: string | readonly string[],
    options: FillMaskOptions = {},
  ): Promise<FillMaskOutput | FillMaskOutput[]> {
    const texts = typeof text === "string" ? [text] : text;
    if (!Array.isArray(texts) || texts.length === 0) {
      throw new RobertalbertError(
        "INPUT_INVALID",
        `text is ${show(text)}, expected a string or a non-empty array of strings`,
      );
    }
    const maskId = this.tokenizer.mask_token_id;
    if (maskId === undefined)
      throw new RobertalbertError("OPTION_UNSUPPORTED", "the tokenizer has no mask_token: fill-mask needs one");
    const { top_k = 5, signal } = options;
    const candidates = this.readTargets(options.targets);

    const rows = texts.map((t) => this.encode(t));
    const output_rows = rows.map((ids, i) => {
      const masks = ids.flatMap((id, t) => (id === maskId ? [t] : []));
      if (masks.length > 0) return masks;
      const cut = String(texts[i]).includes(this.tokenizer.mask_token!) ? ` within its first ${ids.length} tokens` : "";
      throw new RobertalbertError(
        "INPUT_INVALID",
        `text ${show(texts[i])} has no ${this.tokenizer.mask_token}${cut}: put one where a word is to be found`,
      );
    });
    const found = await this.model.top_tokens(padRows(rows), {
      output_rows,
      top_k,
      ...(candidates && { candidates }),
      ...(signal && { signal }),
    });

    let next = 0;
    const outputs = rows.map((ids, i): FillMaskOutput => {
      // As Transformers: with several masks the sequence shows all special tokens, the other masks among them.
      const masks = output_rows[i]!;
      const lists = masks.map((mask) =>
        found[next++]!.map(({ token, score }) => this.result(ids, mask, token, score, masks.length === 1)),
      );
      return lists.length === 1 ? lists[0]! : lists;
    });
    return typeof text === "string" ? outputs[0]! : outputs;
  }

  /** Gives the model's memory back. */
  dispose(): Promise<void> {
    return this.model.dispose();
  }

  private encode(text: string): number[] {
    const max_length = Math.min(this.tokenizer.model_max_length, this.model.config.max_position_embeddings);
    return this.tokenizer(text, { truncation: true, max_length, return_tensor: false }).input_ids;
  }

  private result(
    ids: readonly number[],
    mask: number,
    token: number,
    score: number,
    skip_special_tokens: boolean,
  ): FillMaskResult {
    const filled = ids.map((id, t) => (t === mask ? token : id));
    return {
      score,
      token,
      token_str: this.tokenizer.decode([token]),
      sequence: this.tokenizer.decode(filled, { skip_special_tokens }),
    };
  }

  /** A word that is a token, or is encoded as one. Transformers takes the first of several with a warning; here that is an error. */
  private readTargets(targets: FillMaskOptions["targets"]): number[] | undefined {
    if (targets === undefined) return undefined;
    const words = typeof targets === "string" ? [targets] : targets;
    if (!Array.isArray(words) || words.length === 0) {
      throw new RobertalbertError(
        "OPTION_INVALID",
        `targets is ${show(targets)}, expected a word or a non-empty array of words`,
      );
    }
    const ids = words.map((word) => {
      const known = typeof word === "string" ? this.tokenizer.convert_tokens_to_ids(word) : undefined;
      if (known !== undefined && known !== this.tokenizer.unk_token_id) return known;
      const ids = typeof word === "string" ? this.tokenizer.encode(word, { add_special_tokens: false }) : [];
      if (ids.length === 1) return ids[0]!;
      const parts = ids.map((id) => show(this.tokenizer.decode([id]))).join(", ");
      throw new RobertalbertError(
        "OPTION_INVALID",
        `target ${show(word)} is ${ids.length} tokens${parts && ` (${parts})`}, expected one: try ${show(` ${word}`)}, as a word stands behind a blank`,
      );
    });
    return [...new Set(ids)];
  }
}

/** Right padding for a batch; padding is never computed. */
function padRows(rows: readonly (readonly number[])[]): { input_ids: number[][]; attention_mask: number[][] } {
  const length = Math.max(...rows.map((row) => row.length));
  const pad = (row: readonly number[], value: number[]) => [
    ...value,
    ...new Array<number>(length - row.length).fill(0),
  ];
  return {
    input_ids: rows.map((row) => pad(row, [...row])),
    attention_mask: rows.map((row) =>
      pad(
        row,
        row.map(() => 1),
      ),
    ),
  };
}
