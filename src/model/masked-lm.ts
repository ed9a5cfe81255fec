// AlbertForMaskedLM: logits over the vocabulary, and the best tokens without computing them all.
import { RobertalbertError, show } from "../errors.ts";
import type { ModelLocation } from "../hub/files.ts";
import type { Encoder } from "./encoder.ts";
import { loadMaskedLmWeights, logitsHead, type MaskedLmWeights, topTokensHead } from "./heads/masked-lm.ts";
import type { TokenScore } from "./heads/top-entries.ts";
import { type ModelInputs, readInputs } from "./inputs.ts";
import { loadModel, type ModelOptions } from "./load.ts";
import { checkOutputRows } from "./packs.ts";
import { AlbertPreTrainedModel, type LoadingInfo, type LogitsOutput } from "./pretrained-model.ts";
import type { WeightLoader } from "./weight-loader.ts";

/** Output: logits [B, T, V], and `top_tokens`, which spares computing and copying them all. */
export class AlbertForMaskedLM extends AlbertPreTrainedModel<LogitsOutput> {
  private readonly head: MaskedLmWeights | undefined;

  constructor(encoder: Encoder, head: MaskedLmWeights | undefined, info: LoadingInfo) {
    super(encoder, head ? [logitsHead("logits", head)] : [], info);
    this.head = head;
  }

  static async create(encoder: Encoder, loader: WeightLoader, info: LoadingInfo): Promise<AlbertForMaskedLM> {
    const head = loader.has("predictions.dense.weight") ? await loadMaskedLmWeights(encoder, loader) : undefined;
    return new AlbertForMaskedLM(encoder, head, info);
  }

  /** @throws as `loadModel` */
  static from_pretrained(location: ModelLocation, options?: ModelOptions): Promise<AlbertForMaskedLM> {
    return loadModel("AlbertForMaskedLM", AlbertForMaskedLM.create, location, options);
  }

  /**
   * The best tokens for the positions asked for. The last layer and the decoder run for these rows only.
   * @param options.output_rows per text the positions, all visible
   * @param options.top_k how many tokens for each
   * @param options.candidates only these tokens compete; the scores are still those over the whole vocabulary
   * @returns one list for each row, text after text, best first; scores are probabilities (softmax over the vocabulary)
   * @throws OPTION_INVALID, INPUT_INVALID, TENSOR_MISSING when the checkpoint had no such head
   */
  async top_tokens(
    inputs: ModelInputs,
    options: {
      output_rows: readonly (readonly number[])[];
      top_k: number;
      candidates?: readonly number[];
      signal?: AbortSignal;
    },
  ): Promise<TokenScore[][]> {
    const { output_rows = [], top_k, candidates, signal } = options;
    this.requireLoaded();
    if (this.head === undefined) {
      throw new RobertalbertError(
        "TENSOR_MISSING",
        "the checkpoint has no masked-language-model head (predictions.*): nothing can be predicted",
      );
    }
    const V = this.config.vocab_size;
    if (!Number.isInteger(top_k) || top_k < 1) {
      throw new RobertalbertError("OPTION_INVALID", `top_k is ${show(top_k)}, expected a whole number from 1 up`);
    }
    if (candidates !== undefined && !Array.isArray(candidates))
      throw new RobertalbertError(
        "OPTION_INVALID",
        `candidates is ${show(candidates)}, expected an array of token ids`,
      );
    const foreign = candidates?.findIndex((token) => !Number.isInteger(token) || token < 0 || token >= V) ?? -1;
    if (foreign >= 0) {
      throw new RobertalbertError(
        "OPTION_INVALID",
        `candidates holds ${show(candidates![foreign])}, expected token ids from 0 and below ${V} (vocab_size)`,
      );
    }
    const batch = readInputs(inputs, this.config);
    checkOutputRows(output_rows, batch);
    output_rows.forEach((rows, b) => {
      const hidden = rows.find((t) => !batch.visible[b * batch.T + t]);
      if (hidden === undefined) return;
      throw new RobertalbertError(
        "INPUT_INVALID",
        `output_rows asks for position ${hidden} of text ${b}, which attention_mask hides`,
      );
    });
    const found: TokenScore[][] = [];
    const competing = candidates && [...new Set(candidates)].sort((a, b) => a - b);
    const head = topTokensHead(this.head, Math.min(top_k, V), competing, found);
    await this.run(batch, { output_rows, ...(signal && { signal }) }, [head]);
    return found;
  }
}
