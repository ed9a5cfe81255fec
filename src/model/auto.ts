// AutoConfig and the AutoModel… of transformers.js: each stands for one class, as "albert" is the one model_type here.
import type { AlbertConfig } from "../config/config.ts";
import { expectOptions } from "../errors.ts";
import type { LoadOptions, ModelLocation } from "../hub/files.ts";
import { openSource } from "../hub/open.ts";
import {
  AlbertForPreTraining,
  AlbertForQuestionAnswering,
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
  AlbertModel,
} from "./albert.ts";
import { readConfig } from "./load.ts";
import { AlbertForMaskedLM } from "./masked-lm.ts";
import { AlbertForMultipleChoice } from "./multiple-choice.ts";

export const AutoConfig = {
  /**
   * Reads and checks config.json.
   * @throws FILE_NOT_FOUND, FILE_INVALID, CONFIG_INVALID, CONFIG_UNSUPPORTED, OPTION_INVALID
   */
  async from_pretrained(location: ModelLocation, options: LoadOptions = {}): Promise<AlbertConfig> {
    expectOptions(options);
    return readConfig(await openSource(location, options));
  },
};

/** Last hidden states and pooler. */
export const AutoModel = { from_pretrained: AlbertModel.from_pretrained };
/** Logits over the vocabulary for every position. */
export const AutoModelForMaskedLM = { from_pretrained: AlbertForMaskedLM.from_pretrained };
/** Masked-token and sentence-order logits. */
export const AutoModelForPreTraining = { from_pretrained: AlbertForPreTraining.from_pretrained };
/** Logits over the labels for each text. */
export const AutoModelForSequenceClassification = { from_pretrained: AlbertForSequenceClassification.from_pretrained };
/** Logits over the labels for each token. */
export const AutoModelForTokenClassification = { from_pretrained: AlbertForTokenClassification.from_pretrained };
/** Where an answer starts and ends. */
export const AutoModelForQuestionAnswering = { from_pretrained: AlbertForQuestionAnswering.from_pretrained };
/** A logit for each of several continuations. */
export const AutoModelForMultipleChoice = { from_pretrained: AlbertForMultipleChoice.from_pretrained };
