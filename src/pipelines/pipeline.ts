// pipeline(task, model, options): tokenizer and model of a folder as one callable thing.
import { RobertalbertError, show } from "../errors.ts";
import type { ModelLocation } from "../hub/files.ts";
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
} from "../model/auto.ts";
import type { ModelOptions } from "../model/load.ts";
import type { AlbertPreTrainedModel } from "../model/pretrained-model.ts";
import { AutoTokenizer } from "../tokenizer/auto.ts";
import type { PreTrainedTokenizer } from "../tokenizer/pretrained-tokenizer.ts";
import { FeatureExtractionPipeline } from "./feature-extraction.ts";
import { FillMaskPipeline } from "./fill-mask.ts";
import { QuestionAnsweringPipeline } from "./question-answering.ts";
import { TextClassificationPipeline } from "./text-classification.ts";
import { TokenClassificationPipeline } from "./token-classification.ts";
import { ZeroShotClassificationPipeline } from "./zero-shot-classification.ts";

type Create<Pipeline> = (location: ModelLocation, options: ModelOptions) => Promise<Pipeline>;

function task<Model extends AlbertPreTrainedModel, Pipeline>(
  autoModel: { from_pretrained(location: ModelLocation, options?: ModelOptions): Promise<Model> },
  Class: new (tokenizer: PreTrainedTokenizer, model: Model) => Pipeline,
): Create<Pipeline> {
  return async (location, options) =>
    new Class(
      await AutoTokenizer.from_pretrained(location, options),
      await autoModel.from_pretrained(location, options),
    );
}

/** Each task: the model class and the pipeline that it needs. */
const TASKS = {
  "fill-mask": task(AutoModelForMaskedLM, FillMaskPipeline),
  "feature-extraction": task(AutoModel, FeatureExtractionPipeline),
  "text-classification": task(AutoModelForSequenceClassification, TextClassificationPipeline),
  "token-classification": task(AutoModelForTokenClassification, TokenClassificationPipeline),
  "question-answering": task(AutoModelForQuestionAnswering, QuestionAnsweringPipeline),
  "zero-shot-classification": task(AutoModelForSequenceClassification, ZeroShotClassificationPipeline),
};

/** transformers.js's other names. */
const ALIASES = {
  "sentiment-analysis": "text-classification",
  ner: "token-classification",
  embeddings: "feature-extraction",
} as const;

type OwnTask = keyof typeof TASKS;
type Alias = keyof typeof ALIASES;
type Resolved<T extends Task> = T extends Alias ? (typeof ALIASES)[T] : T extends OwnTask ? T : never;

export type Task = OwnTask | Alias;
export type PipelineOf<T extends Task> = Awaited<ReturnType<(typeof TASKS)[Resolved<T>]>>;

/**
 * Makes a pipeline, as transformers.js does.
 * @param task one of the tasks above, or one of their other names
 * @param model a folder's path or URL, or an object of file name → bytes. Default, for "fill-mask" only: the small model that
 *   ships with the package
 * @throws OPTION_INVALID for an unknown task or where a model must be named, and what AutoTokenizer and AutoModel… throw
 */
export async function pipeline<T extends Task>(
  task: T,
  model?: ModelLocation | null,
  options?: ModelOptions | null,
): Promise<PipelineOf<T>> {
  const name = typeof task === "string" && Object.hasOwn(ALIASES, task) ? ALIASES[task as Alias] : (task as OwnTask);
  if (typeof name !== "string" || !Object.hasOwn(TASKS, name)) {
    const known = [...Object.keys(TASKS), ...Object.keys(ALIASES)].join(", ");
    throw new RobertalbertError("OPTION_INVALID", `task is ${show(task)}, expected one of ${known}`);
  }
  const made = await TASKS[name](model ?? shippedModel(name), options ?? {});
  options?.progress_callback?.({ status: "ready", task, model: nameOf(model) });
  return made as PipelineOf<T>;
}

/** For the progress event. */
function nameOf(model: ModelLocation | null | undefined): string {
  if (model === null || model === undefined) return "the shipped model";
  const isNamed = typeof model === "string" || Object.prototype.toString.call(model) === "[object URL]";
  return isNamed ? String(model) : "files in memory";
}

function shippedModel(task: OwnTask): URL {
  const needed = (why: string) =>
    new RobertalbertError("OPTION_INVALID", `pipeline("${task}") needs a model: pass a folder's path; ${why}`);
  if (task !== "fill-mask") throw needed("only fill-mask has one that ships with the package");
  try {
    // A literal URL, so that bundlers find the folder.
    return new URL("../../models/fill-mask/", import.meta.url);
  } catch {
    throw needed("the one that ships with the package is not beside this bundle");
  }
}
