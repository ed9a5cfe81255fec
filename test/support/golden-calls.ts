// The calls of the golden models: which class, which inputs, and which of the outputs' values are defined.

import type { ModelLocation } from "../../src/hub/files.ts";
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForMultipleChoice,
  AutoModelForPreTraining,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
} from "../../src/model/auto.ts";
import type { ModelInputs } from "../../src/model/inputs.ts";
import type { ModelOptions } from "../../src/model/load.ts";
import type { AlbertPreTrainedModel } from "../../src/model/pretrained-model.ts";
import type { GoldenCall, GoldenCase } from "./golden.ts";

/** By the name in a load's `auto_class`. */
export const AUTO_CLASSES: Readonly<
  Record<string, { from_pretrained(location: ModelLocation, options?: ModelOptions): Promise<AlbertPreTrainedModel> }>
> = {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForMultipleChoice,
  AutoModelForPreTraining,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
};

export function inputsOf(call: GoldenCall, { tensors }: GoldenCase): ModelInputs {
  return Object.fromEntries(
    Object.entries(call.inputs).map(([name, tensor]) => [name, tensors.get(tensor)!]),
  ) as ModelInputs;
}

/** Whether an output has one row a text, from the pooler. */
export function isPooled(className: string, name: string): boolean {
  const pooledLogits = ["AlbertForSequenceClassification", "AlbertForMultipleChoice"].includes(className);
  return ["pooler_output", "sop_logits"].includes(name) || (name === "logits" && pooledLogits);
}

/** Which values of an output are defined: by token, by query and key, or by text (a choice is a text). The others must be 0. */
export function visibility(
  { tensors }: GoldenCase,
  className: string,
  call: GoldenCall,
  name: string,
  dims: readonly number[],
): (i: number) => boolean {
  if (call.inputs.attention_mask === undefined) return () => true;
  const mask = tensors.get(call.inputs.attention_mask)!;
  const T = mask.dims.at(-1)!;
  const seen = mask.data as Int32Array;
  if (name === "attentions") {
    const heads = dims[1]!;
    return (i) => {
      const key = i % T;
      const query = Math.floor(i / T) % T;
      const b = Math.floor(i / (T * T * heads));
      return seen[b * T + query] === 1 && seen[b * T + key] === 1;
    };
  }
  const size = dims.reduce((a, b) => a * b, 1);
  if (isPooled(className, name)) {
    const width = size / (mask.size / T);
    return (i) => seen.subarray(Math.floor(i / width) * T, Math.floor(i / width + 1) * T).includes(1);
  }
  const width = size / mask.size;
  return (i) => seen[Math.floor(i / width)] === 1;
}
