// The fill-mask pipeline: texts with <mask> in, the likeliest tokens for each <mask> out.
import { RobertalbertError, show } from "../errors.ts";
import type { TokenScore } from "../model/heads/top-entries.ts";
import type { AlbertForMaskedLM } from "../model/masked-lm.ts";
import { answer, type Inputs, toModelInputs } from "./stream.ts";
import { expectText, readTopK, type TextOptions, TextPipeline, type TextRow } from "./text-pipeline.ts";

export interface FillMaskOptions extends TextOptions {
  /** How many answers for each mask; null for the whole vocabulary. Default 5. */
  top_k?: number | null;
  /** Only these words compete; each must be one token. With `top_k` more than there are, all come. */
  targets?: string | readonly string[];
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
  (texts: readonly string[], options?: FillMaskOptions): Promise<FillMaskOutput[]>;
  (texts: AsyncIterable<string>, options?: FillMaskOptions): AsyncGenerator<FillMaskOutput, void, undefined>;
}

/** A row with the masks that it answers. */
interface MaskRow extends TextRow {
  /** Positions in the row. */
  masks: readonly number[];
}

/**
 * Result form of transformers.js; several masks as in Transformers.
 * A text that is too long: with "window" each mask is read in the window whose middle it is nearest
 * to, and `sequence` is that window.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Callable makes the instance a function
export class FillMaskPipeline extends TextPipeline<AlbertForMaskedLM> {
  readonly task = "fill-mask";

  /**
   * @throws INPUT_INVALID for what is no string or has no mask (none left after truncation, too), INPUT_TOO_LONG,
   *   OPTION_INVALID, ABORTED, DISPOSED
   */
  _call(texts: Inputs<string>, options: FillMaskOptions = {}) {
    const { signal } = options;
    return answer(
      texts,
      () => {
        const maskId = this.tokenizer.mask_token_id;
        if (maskId === undefined)
          throw new RobertalbertError("OPTION_UNSUPPORTED", "the tokenizer has no mask_token: fill-mask needs one");
        const top_k = Math.min(readTopK(options.top_k, 5), this.model.config.vocab_size);
        const candidates = this.readTargets(options.targets);
        return {
          encode: (text: string) => this.maskRows(text, maskId, options),
          forward: async (rows: readonly MaskRow[]) => {
            const output_rows = rows.map((row) => row.masks);
            const found = await this.model.top_tokens(toModelInputs(rows), {
              output_rows,
              top_k,
              ...(candidates && { candidates }),
              ...(signal && { signal }),
            });
            let next = 0;
            return output_rows.map((masks) => masks.map(() => found[next++]!));
          },
          finish: (_text: string, rows: readonly MaskRow[], values: readonly TokenScore[][][]) =>
            this.results(rows, values.flat()),
        };
      },
      options,
    );
  }

  /** One row with all masks, or windows with the masks that are nearest to their middle. */
  private maskRows(text: string, maskId: number, options: FillMaskOptions): MaskRow[] {
    const isWindowed = options.on_too_long === "window";
    const rows = this.rows(text, undefined, options, { stride: this.room(options) >> 1, withOffsets: isWindowed });
    const masksOf = (row: TextRow) => row.ids.flatMap((id, t) => (id === maskId ? [t] : []));
    const withMasks = (
      isWindowed ? nearestWindows(rows, masksOf) : rows.map((row) => ({ ...row, masks: masksOf(row) }))
    ).filter((row) => row.masks.length > 0);
    if (withMasks.length > 0) return withMasks;
    const cut = text.includes(this.tokenizer.mask_token!) ? ` within its first ${rows[0]!.ids.length} tokens` : "";
    throw new RobertalbertError(
      "INPUT_INVALID",
      `text ${show(text)} has no ${this.tokenizer.mask_token}${cut}: put one where a word is to be found`,
    );
  }

  private results(rows: readonly MaskRow[], found: readonly TokenScore[][]): FillMaskOutput {
    const masks = rows.flatMap(({ ids, masks }) => masks.map((mask) => ({ ids, mask })));
    const lists = masks.map(({ ids, mask }, i) =>
      found[i]!.map(({ token, score }) => {
        const filled = ids.map((id, t) => (t === mask ? token : id));
        // As Transformers: with several masks the sequence shows all special tokens, the other masks among them.
        const sequence = this.tokenizer.decode(filled, { skip_special_tokens: masks.length === 1 });
        return { score, token, token_str: this.tokenizer.decode([token]), sequence };
      }),
    );
    return lists.length === 1 ? lists[0]! : lists;
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
    return words.map((word) => {
      expectText(word, "a target", "OPTION_INVALID");
      const known = this.tokenizer.token_to_id(word);
      if (known !== undefined) return known;
      const ids = this.tokenizer.encode(word, { add_special_tokens: false });
      if (ids.length === 1) return ids[0]!;
      const parts = ids.map((id) => show(this.tokenizer.decode([id]))).join(", ");
      const way = word.startsWith(" ") ? "" : `: try ${show(` ${word}`)}, as a word stands behind a blank`;
      throw new RobertalbertError(
        "OPTION_INVALID",
        `target ${show(word)} is ${ids.length} tokens${parts && ` (${parts})`}, expected one${way}`,
      );
    });
  }
}

/** Gives each mask to the window in whose middle it stands most nearly; a mask is known by where it begins in the text. */
function nearestWindows(windows: readonly TextRow[], masksOf: (row: TextRow) => number[]): MaskRow[] {
  const best = new Map<number, { window: number; position: number; distance: number }>();
  windows.forEach((row, window) => {
    for (const position of masksOf(row)) {
      const start = row.offsets![position]![0];
      const distance = Math.abs(position - row.ids.length / 2);
      if (distance < (best.get(start)?.distance ?? Number.POSITIVE_INFINITY))
        best.set(start, { window, position, distance });
    }
  });
  const chosen = [...best.values()];
  return windows.map((row, window) => ({
    ...row,
    masks: chosen.filter((mask) => mask.window === window).map((mask) => mask.position),
  }));
}
