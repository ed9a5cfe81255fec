// The zero-shot-classification pipeline: any labels, by a model of natural-language inference.
import type { AlbertConfig } from "../config/config.ts";
import { RobertalbertError, readFlag, show } from "../errors.ts";
import type { AlbertForSequenceClassification } from "../model/albert.ts";
import { softmax } from "./math.ts";
import { sequenceLogits, weightedMean } from "./sequence-logits.ts";
import { answer, type Inputs } from "./stream.ts";
import { expectText, type TextOptions, TextPipeline, type TextRow } from "./text-pipeline.ts";

export interface ZeroShotOptions extends TextOptions {
  /** The sentence that the text is asked to entail, with {} for the label. Default "This example is {}." */
  hypothesis_template?: string;
  /** Whether each label is judged by itself, so that several may be right. Default false: their scores add up to 1. */
  multi_label?: boolean;
}

export interface ZeroShotResult {
  sequence: string;
  /** Best first. */
  labels: string[];
  scores: number[];
}

export interface ZeroShotClassificationPipeline {
  (text: string, candidate_labels: string | readonly string[], options?: ZeroShotOptions): Promise<ZeroShotResult>;
  (
    texts: readonly string[],
    candidate_labels: string | readonly string[],
    options?: ZeroShotOptions,
  ): Promise<ZeroShotResult[]>;
  (
    texts: AsyncIterable<string>,
    candidate_labels: string | readonly string[],
    options?: ZeroShotOptions,
  ): AsyncGenerator<ZeroShotResult, void, undefined>;
}

interface HypothesisRow extends TextRow {
  /** The number of the label. */
  label: number;
}

/**
 * Results as transformers.js has them. All labels of a text are computed together.
 * Labels may be one string with commas, as in Transformers. A text that is too long is cut, never the hypothesis; with
 * "window" the logits of its windows are averaged, each weighted by its tokens.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Callable makes the instance a function
export class ZeroShotClassificationPipeline extends TextPipeline<AlbertForSequenceClassification> {
  readonly task = "zero-shot-classification";

  /** @throws INPUT_INVALID, INPUT_TOO_LONG, OPTION_INVALID, CONFIG_INVALID for a model without an entailment label, ABORTED, DISPOSED */
  _call(texts: Inputs<string>, candidate_labels: string | readonly string[], options: ZeroShotOptions = {}) {
    return answer(
      texts,
      () => {
        const labels = readLabels(candidate_labels);
        const template = readTemplate(options.hypothesis_template);
        const { entailment, contradiction } = inferenceLabels(this.model.config);
        const isMulti = readFlag(options.multi_label, "multi_label") || labels.length === 1;
        return {
          encode: (text: string): HypothesisRow[] =>
            labels.flatMap((name, label) =>
              this.rows(
                text,
                template.replace("{}", () => name),
                options,
                { truncation: "only_first" },
              ).map((row) => ({
                ...row,
                label,
              })),
            ),
          forward: (rows: readonly HypothesisRow[]) => sequenceLogits(this.model, rows, options.signal),
          finish: (
            sequence: string,
            rows: readonly HypothesisRow[],
            values: readonly Float32Array[],
          ): ZeroShotResult => {
            const logits = labels.map((_, label) => {
              const own = rows.flatMap((row, i) => (row.label === label ? [i] : []));
              return weightedMean(
                own.map((i) => values[i]!),
                own.map((i) => rows[i]!),
              );
            });
            const scores = isMulti
              ? logits.map((l) => softmax([l[contradiction]!, l[entailment]!])[1]!)
              : softmax(logits.map((l) => l[entailment]!));
            const order = [...labels.keys()].sort((a, b) => scores[b]! - scores[a]!);
            return { sequence, labels: order.map((i) => labels[i]!), scores: order.map((i) => scores[i]!) };
          },
        };
      },
      options,
    );
  }
}

function readLabels(value: unknown): readonly string[] {
  const labels =
    typeof value === "string"
      ? value
          .split(",")
          .map((label) => label.trim())
          .filter((label) => label !== "")
      : value;
  if (Array.isArray(labels) && labels.length > 0) {
    for (const label of labels) expectText(label, "a candidate label");
    return labels;
  }
  throw new RobertalbertError(
    "INPUT_INVALID",
    `candidate_labels is ${show(value)}, expected a non-empty array of strings, or one string with commas`,
  );
}

function readTemplate(template = "This example is {}."): string {
  if (typeof template === "string" && template.includes("{}")) return template;
  throw new RobertalbertError(
    "OPTION_INVALID",
    `hypothesis_template is ${show(template)}, expected a string with {} where the label goes`,
  );
}

/**
 * Which logits say that the hypothesis follows, or is excluded. Transformers finds the first by the name "entail…" and takes
 * label 0 (or the last) for the second; here its name counts as well, where it has one.
 */
function inferenceLabels({ id2label, num_labels }: AlbertConfig): { entailment: number; contradiction: number } {
  const names = Array.from({ length: num_labels }, (_, i) => id2label[i]!.toLowerCase());
  const entailment = names.findIndex((name) => name.startsWith("entail"));
  if (entailment < 0 || num_labels < 2) {
    throw new RobertalbertError(
      "CONFIG_INVALID",
      `config.json has the labels ${Object.values(id2label).slice(0, 5).map(show).join(", ")}, zero-shot needs one named "entailment" and another: use a model of natural-language inference`,
    );
  }
  const named = names.findIndex((name) => name.startsWith("contradict") || /^not[_ -]?entail/.test(name));
  return { entailment, contradiction: named >= 0 ? named : entailment === 0 ? num_labels - 1 : 0 };
}
