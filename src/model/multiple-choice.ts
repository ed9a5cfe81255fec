// AlbertForMultipleChoice: each text has several choices; inputs are [B, C, T], and each choice gets one logit.
import { RobertalbertError, show } from "../errors.ts";
import type { ModelLocation } from "../hub/files.ts";
import { Tensor } from "../tensor.ts";
import type { Encoder } from "./encoder.ts";
import { loadPoolerHead } from "./heads/pooler.ts";
import type { FloatInput, IntegerInput, ModelInputs } from "./inputs.ts";
import { loadModel, type ModelOptions } from "./load.ts";
import { AlbertPreTrainedModel, type CallOptions, type LoadingInfo, type LogitsOutput } from "./pretrained-model.ts";
import type { WeightLoader } from "./weight-loader.ts";

const INPUT_NAMES = ["input_ids", "attention_mask", "token_type_ids", "position_ids", "inputs_embeds"] as const;

/** Inputs [B, C, T] (inputs_embeds [B, C, T, E]), all C the same. Output: logits [B, C]; hidden states and attentions are [B·C, …]. */
export class AlbertForMultipleChoice extends AlbertPreTrainedModel<LogitsOutput> {
  static async create(encoder: Encoder, loader: WeightLoader, info: LoadingInfo): Promise<AlbertForMultipleChoice> {
    return new AlbertForMultipleChoice(encoder, await loadPoolerHead("logits", encoder, loader, "classifier"), info);
  }

  /** @throws as `loadModel` */
  static from_pretrained(location: ModelLocation, options?: ModelOptions): Promise<AlbertForMultipleChoice> {
    return loadModel("AlbertForMultipleChoice", AlbertForMultipleChoice.create, location, options);
  }

  override async _call(inputs: ModelInputs & CallOptions, options: CallOptions = {}): Promise<LogitsOutput> {
    const merged: ModelInputs & CallOptions = { ...inputs };
    let choices: number | undefined;
    for (const name of INPUT_NAMES) {
      const value = inputs?.[name];
      if (value === undefined || value === null || typeof value === "string") continue;
      const { rows, C } = mergeChoices(value, name);
      if (choices !== undefined && choices !== C)
        throw invalid(`${name} has ${C} choices a text, input_ids ${choices}`);
      choices = C;
      Object.assign(merged, { [name]: rows });
    }
    const output = await super._call(merged, options);
    const logits: Tensor | undefined = output.logits; // absent when loaded with allow_missing
    if (logits === undefined) return output;
    return { ...output, logits: new Tensor("float32", logits.data, [logits.size / choices!, choices!]) };
  }
}

/** [B, C, …] → [B·C, …] */
function mergeChoices(value: IntegerInput | FloatInput, name: string): { rows: IntegerInput | FloatInput; C: number } {
  if (Array.isArray(value)) {
    const C = (value[0] as ArrayLike<unknown> | undefined)?.length;
    const isEven = value.every((choices) => Array.isArray(choices) && choices.length === C);
    if (isEven && C !== undefined && C > 0 && typeof value[0][0] === "object") return { rows: value.flat(1), C };
    throw invalid(`${name} is ${show(value)}, expected as many choices for every text: [texts][choices][tokens]`);
  }
  const { data, dims } = value as { data: ArrayLike<number>; dims: readonly number[] };
  if (Array.isArray(dims) && dims.length === (name === "inputs_embeds" ? 4 : 3) && dims[1] > 0)
    return { rows: { data, dims: [dims[0]! * dims[1]!, ...dims.slice(2)] }, C: dims[1]! };
  throw invalid(`${name} has dims [${dims}], expected [texts, choices, tokens]`);
}

function invalid(message: string): RobertalbertError {
  return new RobertalbertError("INPUT_INVALID", message);
}
