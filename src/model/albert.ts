// The model classes, named as Transformers names them: which heads each has. AlbertForMaskedLM and AlbertForMultipleChoice
// do more and have files of their own.
import { RobertalbertError } from "../errors.ts";
import type { ModelLocation } from "../hub/files.ts";
import type { Tensor } from "../tensor.ts";
import type { Encoder } from "./encoder.ts";
import type { Head } from "./heads/head.ts";
import { hiddenStateHead } from "./heads/hidden-state.ts";
import { loadMaskedLmWeights, logitsHead } from "./heads/masked-lm.ts";
import { loadPoolerHead, poolerHead } from "./heads/pooler.ts";
import { spanHead, tokenLogitsHead } from "./heads/token-linear.ts";
import { loadModel, type ModelOptions } from "./load.ts";
import { AlbertPreTrainedModel, type LoadingInfo, type LogitsOutput, type ModelOutput } from "./pretrained-model.ts";
import type { WeightLoader } from "./weight-loader.ts";

export interface AlbertModelOutput extends ModelOutput {
  /** [B, T, H] */
  last_hidden_state: Tensor;
  /** [B, H], if the checkpoint has a pooler. */
  pooler_output?: Tensor;
}

/** The encoder with its pooler. */
export class AlbertModel extends AlbertPreTrainedModel<AlbertModelOutput> {
  static async create(encoder: Encoder, _loader: WeightLoader, info: LoadingInfo): Promise<AlbertModel> {
    const { pooler } = encoder.weights;
    return new AlbertModel(
      encoder,
      pooler ? [hiddenStateHead, poolerHead("pooler_output", pooler)] : [hiddenStateHead],
      info,
    );
  }

  /** @throws as `loadModel` */
  static from_pretrained(location: ModelLocation, options?: ModelOptions): Promise<AlbertModel> {
    return loadModel("AlbertModel", AlbertModel.create, location, options);
  }
}

/** Outputs whose head is not in the checkpoint are absent, which only happens with `allow_missing`. */
export interface PreTrainingOutput extends ModelOutput {
  /** [B, T, V] */
  prediction_logits: Tensor;
  /** Sentence order, [B, num_labels]. */
  sop_logits: Tensor;
}

/** Both heads of the pre-training: masked tokens and sentence order. */
export class AlbertForPreTraining extends AlbertPreTrainedModel<PreTrainingOutput> {
  static async create(encoder: Encoder, loader: WeightLoader, info: LoadingInfo): Promise<AlbertForPreTraining> {
    const heads: Head[] = [];
    if (loader.has("predictions.dense.weight"))
      heads.push(logitsHead("prediction_logits", await loadMaskedLmWeights(encoder, loader)));
    heads.push(...(await loadPoolerHead("sop_logits", encoder, loader, "sop_classifier.classifier")));
    return new AlbertForPreTraining(encoder, heads, info);
  }

  /** @throws as `loadModel` */
  static from_pretrained(location: ModelLocation, options?: ModelOptions): Promise<AlbertForPreTraining> {
    return loadModel("AlbertForPreTraining", AlbertForPreTraining.create, location, options);
  }
}

/** Output: logits [B, num_labels]; `config.problem_type` says how to read them. */
export class AlbertForSequenceClassification extends AlbertPreTrainedModel<LogitsOutput> {
  static async create(
    encoder: Encoder,
    loader: WeightLoader,
    info: LoadingInfo,
  ): Promise<AlbertForSequenceClassification> {
    return new AlbertForSequenceClassification(
      encoder,
      await loadPoolerHead("logits", encoder, loader, "classifier"),
      info,
    );
  }

  /** @throws as `loadModel` */
  static from_pretrained(location: ModelLocation, options?: ModelOptions): Promise<AlbertForSequenceClassification> {
    return loadModel("AlbertForSequenceClassification", AlbertForSequenceClassification.create, location, options);
  }
}

/** Output: logits [B, T, num_labels]. */
export class AlbertForTokenClassification extends AlbertPreTrainedModel<LogitsOutput> {
  static async create(
    encoder: Encoder,
    loader: WeightLoader,
    info: LoadingInfo,
  ): Promise<AlbertForTokenClassification> {
    const heads = loader.has("classifier.weight") ? [tokenLogitsHead(await loader.linear("classifier"))] : [];
    return new AlbertForTokenClassification(encoder, heads, info);
  }

  /** @throws as `loadModel` */
  static from_pretrained(location: ModelLocation, options?: ModelOptions): Promise<AlbertForTokenClassification> {
    return loadModel("AlbertForTokenClassification", AlbertForTokenClassification.create, location, options);
  }
}

/** Absent when loaded with `allow_missing` from a checkpoint without this head. */
export interface QuestionAnsweringOutput extends ModelOutput {
  /** [B, T] */
  start_logits: Tensor;
  /** [B, T] */
  end_logits: Tensor;
}

/** Where an answer starts and ends. */
export class AlbertForQuestionAnswering extends AlbertPreTrainedModel<QuestionAnsweringOutput> {
  static async create(encoder: Encoder, loader: WeightLoader, info: LoadingInfo): Promise<AlbertForQuestionAnswering> {
    if (encoder.config.num_labels !== 2) {
      throw new RobertalbertError(
        "CONFIG_INVALID",
        `config.json makes ${encoder.config.num_labels} labels (id2label), question answering has two, start and end: remove id2label and num_labels`,
      );
    }
    const heads = loader.has("qa_outputs.weight") ? [spanHead(await loader.linear("qa_outputs"))] : [];
    return new AlbertForQuestionAnswering(encoder, heads, info);
  }

  /** @throws as `loadModel`; CONFIG_INVALID when the labels are not two */
  static from_pretrained(location: ModelLocation, options?: ModelOptions): Promise<AlbertForQuestionAnswering> {
    return loadModel("AlbertForQuestionAnswering", AlbertForQuestionAnswering.create, location, options);
  }
}
