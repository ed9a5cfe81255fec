// The text-classification pipeline: texts or pairs in, labels with scores out; and reranking by a cross-encoder.
import type { AlbertConfig } from "../config/config.ts";
import { RobertalbertError, show } from "../errors.ts";
import type { AlbertForSequenceClassification } from "../model/albert.ts";
import { sigmoid, softmax } from "./math.ts";
import { sequenceLogits, weightedMean } from "./sequence-logits.ts";
import { collect, type Inputs, isAsyncIterable, stream, type Work } from "./stream.ts";
import { readTopK, type TextOptions, TextPipeline, type TextRow } from "./text-pipeline.ts";

export interface TextClassificationOptions extends TextOptions {
  /** How many labels, best first; null for all. Default 1. */
  top_k?: number | null;
  /**
   * How logits become scores. Default by the config, as in Transformers: nothing for problem_type "regression", sigmoid for
   * "multi_label_classification" or a single label, else softmax.
   */
  function_to_apply?: "softmax" | "sigmoid" | "none" | null;
  /** The second text of the pair, or as many as there are texts. */
  text_pair?: string | readonly string[] | null;
}

/** A text, or a pair as Transformers takes it. */
export type ClassificationInput = string | { text: string; text_pair?: string };

export interface LabelScore {
  label: string;
  score: number;
}

export interface RerankOptions extends TextOptions {
  /** How many documents to give; null for all, the default. */
  top_k?: number | null;
  function_to_apply?: TextClassificationOptions["function_to_apply"];
}

export interface RankedDocument {
  /** The document's place in the list that was passed. */
  corpus_id: number;
  score: number;
  text: string;
}

export interface TextClassificationPipeline {
  (text: ClassificationInput, options?: TextClassificationOptions): Promise<LabelScore[]>;
  (
    texts: readonly ClassificationInput[],
    options?: TextClassificationOptions & { top_k?: 1 | undefined },
  ): Promise<LabelScore[]>;
  (texts: readonly ClassificationInput[], options: TextClassificationOptions): Promise<LabelScore[] | LabelScore[][]>;
  (
    texts: AsyncIterable<ClassificationInput>,
    options?: TextClassificationOptions,
  ): AsyncGenerator<LabelScore[], void, undefined>;
}

/**
 * Results as transformers.js has them: for one text a list of `top_k` labels; for several texts a list of lists, or with
 * top_k 1 (the default) one label a text; for an async iterable one list after another.
 * A text that is too long: with "window" the logits of its windows are averaged, each weighted by its tokens.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Callable makes the instance a function
export class TextClassificationPipeline extends TextPipeline<AlbertForSequenceClassification> {
  readonly task = "text-classification";

  /** @throws INPUT_INVALID, INPUT_TOO_LONG, OPTION_INVALID, ABORTED, DISPOSED */
  _call(texts: Inputs<ClassificationInput>, options: TextClassificationOptions = {}) {
    if (isAsyncIterable(texts)) {
      return stream(texts as AsyncIterable<ClassificationInput>, () => this.work(options, options.text_pair), options);
    }
    return this.all(texts as ClassificationInput | readonly ClassificationInput[], options);
  }

  /**
   * Scores documents by how well they answer a query, with a cross-encoder: a model of one label (sigmoid by default, so 0 … 1),
   * or of two, of which the second means "relevant" (its softmax).
   * A document that is too long: with "window" the best of its windows counts.
   * @returns best first; of equal scores the earlier document first
   * @throws INPUT_INVALID, INPUT_TOO_LONG, OPTION_INVALID, CONFIG_INVALID for a model of more labels, ABORTED, DISPOSED
   */
  async rerank(query: string, documents: readonly string[], options: RerankOptions = {}): Promise<RankedDocument[]> {
    const { num_labels } = this.model.config;
    if (num_labels > 2) {
      throw new RobertalbertError(
        "CONFIG_INVALID",
        `the model has ${num_labels} labels, rerank needs one of one label or of two: use a cross-encoder`,
      );
    }
    if (!Array.isArray(documents))
      throw new RobertalbertError("INPUT_INVALID", `documents is ${show(documents)}, expected an array of strings`);
    const top_k = readTopK(options.top_k ?? null, 1);
    const toScores = readFunction(options.function_to_apply, this.model.config);
    const scores = stream<string, TextRow, Float32Array, number>(
      documents,
      () => ({
        encode: (document) => this.rows(query, document, options, { truncation: "only_second" }),
        forward: (rows) => sequenceLogits(this.model, rows, options.signal),
        finish: (_document, _rows, values) => Math.max(...values.map((logits) => toScores(logits).at(-1)!)),
      }),
      options,
    );
    const ranked = (await collect(scores)).map((score, corpus_id) => ({
      corpus_id,
      score,
      text: documents[corpus_id]!,
    }));
    return ranked.sort((a, b) => b.score - a.score).slice(0, top_k);
  }

  private async all(
    texts: ClassificationInput | readonly ClassificationInput[],
    options: TextClassificationOptions,
  ): Promise<LabelScore[] | LabelScore[][]> {
    const isMany = Array.isArray(texts);
    const pairs = isMany ? zip(texts, options.text_pair) : [texts as ClassificationInput];
    const ownPair = isMany ? undefined : options.text_pair;
    const lists = await collect(stream(pairs, () => this.work(options, ownPair), options));
    if (!isMany) return lists[0]!;
    return readTopK(options.top_k, 1) === 1 ? lists.flat() : lists;
  }

  /** @param pair the second text of every input that brings none of its own */
  private work(
    options: TextClassificationOptions,
    pair: TextClassificationOptions["text_pair"],
  ): Work<ClassificationInput, TextRow, Float32Array, LabelScore[]> {
    const { config } = this.model;
    const top_k = readTopK(options.top_k, 1);
    const toScores = readFunction(options.function_to_apply, config);
    if (pair !== undefined && pair !== null && typeof pair !== "string") {
      throw new RobertalbertError(
        "INPUT_INVALID",
        `text_pair is ${show(pair)}, expected a string as text is; an async iterable takes { text, text_pair }`,
      );
    }
    return {
      encode: (input) => {
        const { text, text_pair = pair ?? undefined } =
          typeof input === "object" && input !== null ? input : { text: input };
        return this.rows(text, text_pair ?? undefined, options);
      },
      forward: (rows) => sequenceLogits(this.model, rows, options.signal),
      finish: (_input, rows, values) =>
        toScores(weightedMean(values, rows))
          .map((score, i) => ({ label: config.id2label[i]!, score }))
          .sort((a, b) => b.score - a.score)
          .slice(0, top_k),
    };
  }
}

/** Texts with the texts of a parallel list. */
function zip(
  texts: readonly ClassificationInput[],
  pairs: TextClassificationOptions["text_pair"],
): readonly ClassificationInput[] {
  if (pairs === undefined || pairs === null) return texts;
  if (!Array.isArray(pairs) || pairs.length !== texts.length || !texts.every((text) => typeof text === "string")) {
    throw new RobertalbertError(
      "INPUT_INVALID",
      `text_pair is ${show(pairs)}, expected an array of ${texts.length} strings, and strings as texts`,
    );
  }
  return texts.map((text, i) => ({ text, text_pair: pairs[i] as string }));
}

/** Transformers' choice (TextClassificationPipeline.postprocess). @throws OPTION_INVALID */
function readFunction(
  given: TextClassificationOptions["function_to_apply"],
  { problem_type, num_labels }: AlbertConfig,
): (logits: Float32Array) => number[] {
  const byConfig = () => {
    if (problem_type === "regression") return "none";
    return problem_type === "multi_label_classification" || num_labels === 1 ? "sigmoid" : "softmax";
  };
  const name = given ?? byConfig();
  if (name === "softmax") return (logits) => softmax(Array.from(logits));
  if (name === "sigmoid") return (logits) => Array.from(logits, sigmoid);
  if (name === "none") return (logits) => Array.from(logits);
  throw new RobertalbertError(
    "OPTION_INVALID",
    `function_to_apply is ${show(given)}, expected "softmax", "sigmoid" or "none"`,
  );
}
