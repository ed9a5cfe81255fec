// The token-classification pipeline: texts in, labelled tokens or whole entities with their places out.
import { RobertalbertError, show } from "../errors.ts";
import type { AlbertForTokenClassification } from "../model/albert.ts";
import {
  type AggregationStrategy,
  type Entity,
  type EntityGroup,
  type LabelledToken,
  resolveOverlaps,
  type TokenEntity,
  toEntities,
} from "./entities.ts";
import { softmax } from "./math.ts";
import { answer, type Inputs, toModelInputs } from "./stream.ts";
import { readOnTooLong, readWhole, type TextOptions, TextPipeline, type TextRow } from "./text-pipeline.ts";

export interface TokenClassificationOptions extends TextOptions {
  /**
   * "none", the default: each token by itself. The others join tokens that have the same label, after its B- or I-: "simple" as
   * they are; "first", "average" and "max" after they have given all tokens of a word one label: its first token's, that of
   * the mean scores, or that of the highest score.
   */
  aggregation_strategy?: AggregationStrategy;
  /** Labels that are left out, as they stand in the config, or after its B- or I-. Default ["O"]. */
  ignore_labels?: readonly string[];
  /** Reads long texts in windows that share this many tokens, as `on_too_long: "window"` does with a quarter of a window. */
  stride?: number;
}

/** What a call gives for one text. */
export type EntitiesOf<Options> = Options extends { aggregation_strategy: "simple" | "first" | "average" | "max" }
  ? EntityGroup[]
  : Options extends { aggregation_strategy: AggregationStrategy }
    ? Entity[]
    : TokenEntity[];

export interface TokenClassificationPipeline {
  <Options extends TokenClassificationOptions>(text: string, options?: Options): Promise<EntitiesOf<Options>>;
  <Options extends TokenClassificationOptions>(
    texts: readonly string[],
    options?: Options,
  ): Promise<EntitiesOf<Options>[]>;
  <Options extends TokenClassificationOptions>(
    texts: AsyncIterable<string>,
    options?: Options,
  ): AsyncGenerator<EntitiesOf<Options>, void, undefined>;
}

/**
 * Results as transformers.js has them, with the strategies of Transformers, and `start` and `end`.
 * A text that is too long: with "window", or a stride, of entities that overlap the longer one counts, of two equally long ones
 * the likelier.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Callable makes the instance a function
export class TokenClassificationPipeline extends TextPipeline<AlbertForTokenClassification> {
  readonly task = "token-classification";

  /** @throws INPUT_INVALID, INPUT_TOO_LONG, OPTION_INVALID, ABORTED, DISPOSED */
  _call(texts: Inputs<string>, options: TokenClassificationOptions = {}) {
    return answer(
      texts,
      () => {
        const strategy = readStrategy(options.aggregation_strategy);
        const ignored = readIgnored(options.ignore_labels);
        readOnTooLong(options.on_too_long);
        const rowOptions: TextOptions = options.stride === undefined ? options : { ...options, on_too_long: "window" };
        const stride = readWhole(options.stride, "stride", this.room(options) >> 2, 0);
        const step = this.room(options) - stride;
        return {
          encode: (text: string) => this.rows(text, undefined, rowOptions, { withOffsets: true, stride }),
          forward: (rows: readonly TextRow[]) => this.logits(rows, options.signal),
          finish: (text: string, rows: readonly TextRow[], values: readonly Float32Array[]) => {
            const entities = rows.flatMap((row, i) =>
              toEntities(this.tokens(text, row, i * step, values[i]!), strategy, (ids) =>
                this.tokenizer.decode(ids),
              ).filter((entity) => !ignored.has("entity" in entity ? entity.entity : entity.entity_group)),
            );
            return rows.length === 1 ? entities : resolveOverlaps(entities);
          },
        };
      },
      options,
    );
  }

  /** [tokens][num_labels] for each row. */
  private async logits(rows: readonly TextRow[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const output_rows = rows.map((row) => [...row.ids.keys()]);
    const { logits } = await this.model(toModelInputs(rows), { output_rows, ...(signal && { signal }) });
    const { data, dims } = logits;
    let end = 0;
    return rows.map((row) => {
      const start = end;
      end += row.ids.length * dims[1]!;
      return (data as Float32Array).slice(start, end);
    });
  }

  /**
   * The row's tokens that stand for text, with their probabilities.
   * @param before tokens of the text that stand before the row's first
   */
  private tokens(text: string, row: TextRow, before: number, logits: Float32Array): LabelledToken[] {
    const { id2label, num_labels: L } = this.model.config;
    const labels = Array.from({ length: L }, (_, i) => id2label[i]!);
    return row.ids.flatMap((id, t): LabelledToken[] => {
      if (row.sequences![t] === null) return [];
      const [start, end] = row.offsets![t]!;
      const scores = softmax(Array.from(logits.subarray(t * L, (t + 1) * L)));
      return [
        { text, id, isUnknown: id === this.tokenizer.unk_token_id, labels, scores, start, end, index: before + t },
      ];
    });
  }
}

function readStrategy(value: unknown): AggregationStrategy {
  const known = ["none", "simple", "first", "average", "max"] as const;
  const found = known.find((name) => name === (value ?? "none"));
  if (found) return found;
  throw new RobertalbertError(
    "OPTION_INVALID",
    `aggregation_strategy is ${show(value)}, expected one of ${known.join(", ")}`,
  );
}

function readIgnored(value: unknown): ReadonlySet<string> {
  const labels = value ?? ["O"];
  if (Array.isArray(labels) && labels.every((label) => typeof label === "string")) return new Set(labels);
  throw new RobertalbertError("OPTION_INVALID", `ignore_labels is ${show(value)}, expected an array of strings`);
}
