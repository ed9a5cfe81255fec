// The feature-extraction pipeline: texts in, hidden states or one vector a text out.
import { RobertalbertError, readFlag, show } from "../errors.ts";
import type { AlbertModel } from "../model/albert.ts";
import { Tensor } from "../tensor.ts";
import { dot, meanOfRows, normalize } from "./math.ts";
import { weightedMean } from "./sequence-logits.ts";
import { collect, type Inputs, isAsyncIterable, stream, toModelInputs, type Work } from "./stream.ts";
import { type TextOptions, TextPipeline, type TextRow } from "./text-pipeline.ts";

export interface FeatureExtractionOptions extends TextOptions {
  /**
   * What becomes of a text's hidden states. "mean": over all tokens, special ones included and padding not; "cls" (also
   * "first", "first_token"): the first token's; "none", the default: all are given.
   */
  pooling?: "none" | "mean" | "cls" | "first" | "first_token";
  /** Scales vectors to length 1, after `truncate_dim`. Default false. */
  normalize?: boolean;
  /** Keeps this many dimensions of each vector (for models trained so: Matryoshka). Default: all. */
  truncate_dim?: number | null;
}

export interface FeatureExtractionPipeline {
  (texts: string | readonly string[], options?: FeatureExtractionOptions): Promise<Tensor>;
  (texts: AsyncIterable<string>, options?: FeatureExtractionOptions): AsyncGenerator<Tensor, void, undefined>;
}

/** One text: its vectors, [T][H] or with pooling [1][H]. */
interface Features {
  values: Float32Array;
  tokens: number;
}

/**
 * As transformers.js: a Tensor [texts, H] with pooling and [texts, T, H] without, 0 where texts are shorter than the longest;
 * an async iterable gives [1, H] or [1, T, H] for each text.
 * A text that is too long: with "window" the vectors of its windows are averaged, each weighted by its tokens (needs pooling).
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Callable makes the instance a function
export class FeatureExtractionPipeline extends TextPipeline<AlbertModel> {
  readonly task = "feature-extraction";

  /** @throws INPUT_INVALID, INPUT_TOO_LONG, OPTION_INVALID, ABORTED, DISPOSED */
  _call(texts: Inputs<string>, options: FeatureExtractionOptions = {}) {
    if (isAsyncIterable(texts)) return this.streamed(texts as AsyncIterable<string>, options);
    return this.all(Array.isArray(texts) ? texts : [texts as string], options);
  }

  /**
   * How alike texts are: the cosine of their vectors (pooling "mean" unless the options say otherwise), -1 … 1.
   * @returns for two texts a number; else Tensor [texts of a, texts of b]
   * @throws as the call
   */
  async similarity(a: string, b: string, options?: FeatureExtractionOptions): Promise<number>;
  async similarity(
    a: string | readonly string[],
    b: string | readonly string[],
    options?: FeatureExtractionOptions,
  ): Promise<number | Tensor>;
  async similarity(
    a: string | readonly string[],
    b: string | readonly string[],
    options: FeatureExtractionOptions = {},
  ): Promise<number | Tensor> {
    const [left, right] = [listOf(a), listOf(b)];
    const vectors = await this.all([...left, ...right], { pooling: "mean", ...options, normalize: true });
    const [, D] = vectors.dims as [number, number];
    const values = vectors.data as Float32Array;
    const vector = (i: number) => values.subarray(i * D, (i + 1) * D);
    const out = new Float32Array(left.length * right.length);
    for (let i = 0; i < out.length; i++) {
      const column = i % right.length;
      out[i] = dot(vector((i - column) / right.length), vector(left.length + column));
    }
    return typeof a === "string" && typeof b === "string"
      ? out[0]!
      : new Tensor("float32", out, [left.length, right.length]);
  }

  private async *streamed(
    texts: AsyncIterable<string>,
    options: FeatureExtractionOptions,
  ): AsyncGenerator<Tensor, void, undefined> {
    for await (const features of stream(texts, () => this.work(options), options))
      yield this.stack([features], options);
  }

  private async all(texts: readonly string[], options: FeatureExtractionOptions): Promise<Tensor> {
    return this.stack(await collect(stream(texts, () => this.work(options), options)), options);
  }

  private work(options: FeatureExtractionOptions): Work<string, TextRow, Float32Array, Features> {
    const { hidden_size: H } = this.model.config;
    const pooling = readPooling(options.pooling);
    const D = readDimensions(options.truncate_dim, H);
    const scaled = readFlag(options.normalize, "normalize");
    if (pooling === "none" && options.on_too_long === "window") {
      throw new RobertalbertError(
        "OPTION_INVALID",
        'on_too_long "window" joins the vectors of several windows and needs pooling "mean" or "cls"',
      );
    }
    const { signal } = options;
    return {
      encode: (text) => this.rows(text, undefined, options),
      forward: async (rows) => {
        const output_rows = rows.map((row) => (pooling === "cls" ? [0] : [...row.ids.keys()]));
        const output = await this.model(toModelInputs(rows), { output_rows, ...(signal && { signal }) });
        const values = output.last_hidden_state.data as Float32Array;
        let first = 0;
        return output_rows.map((positions) => {
          const start = first;
          first += positions.length;
          if (pooling !== "mean") return values.slice(start * H, first * H);
          const mean = new Float32Array(H);
          meanOfRows(values.subarray(start * H, first * H), [...positions.keys()], H, mean);
          return mean;
        });
      },
      finish: (_text, rows, values) => {
        const tokens = pooling === "none" ? rows[0]!.ids.length : 1;
        const joined = weightedMean(values, rows);
        return { values: finishVectors(joined, tokens, H, D, scaled), tokens };
      },
    };
  }

  /** Texts side by side: [texts, D] with pooling, else [texts, longest, D]. */
  private stack(all: readonly Features[], options: FeatureExtractionOptions): Tensor {
    const D = readDimensions(options.truncate_dim, this.model.config.hidden_size);
    const isPooled = readPooling(options.pooling) !== "none";
    const T = Math.max(0, ...all.map((features) => features.tokens));
    const values = new Float32Array(all.length * (isPooled ? 1 : T) * D);
    for (const [i, features] of all.entries()) values.set(features.values, i * (isPooled ? 1 : T) * D);
    return new Tensor("float32", values, isPooled ? [all.length, D] : [all.length, T, D]);
  }
}

/** The first D of H dimensions of each vector, scaled to length 1 where that is wanted. */
function finishVectors(values: Float32Array, count: number, H: number, D: number, scaled: boolean): Float32Array {
  const out = new Float32Array(count * D);
  for (let i = 0; i < count; i++) {
    const vector = out.subarray(i * D, (i + 1) * D);
    vector.set(values.subarray(i * H, i * H + D));
    if (scaled) normalize(vector);
  }
  return out;
}

/** @throws INPUT_INVALID */
function listOf(texts: string | readonly string[]): readonly string[] {
  if (typeof texts === "string") return [texts];
  if (Array.isArray(texts)) return texts;
  throw new RobertalbertError("INPUT_INVALID", `texts are ${show(texts)}, expected a string or an array of strings`);
}

function readPooling(value: unknown): "none" | "mean" | "cls" {
  switch (value) {
    case undefined:
    case "none":
      return "none";
    case "mean":
      return "mean";
    case "cls":
    case "first":
    case "first_token":
      return "cls";
    default:
      throw new RobertalbertError(
        "OPTION_INVALID",
        `pooling is ${show(value)}, expected "none", "mean", "cls" or "first" (the same as "cls")`,
      );
  }
}

function readDimensions(value: number | null | undefined, H: number): number {
  const D = value ?? H;
  if (Number.isInteger(D) && D >= 1 && D <= H) return D;
  throw new RobertalbertError(
    "OPTION_INVALID",
    `truncate_dim is ${show(value)}, expected a whole number from 1 to ${H} (hidden_size)`,
  );
}
