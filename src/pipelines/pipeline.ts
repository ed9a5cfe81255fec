// pipeline(task, model, options): tokenizer and model of a folder as one callable thing.
import { RobertalbertError, show } from "../errors.ts";
import type { ModelLocation } from "../hub/files.ts";
import { AutoModelForMaskedLM } from "../model/auto.ts";
import type { ModelOptions } from "../model/load.ts";
import { AutoTokenizer } from "../tokenizer/auto.ts";
import { FillMaskPipeline } from "./fill-mask.ts";

/** Each task: how it is made, and the model that ships for it. A literal URL, so that bundlers find the folder. */
const TASKS = {
  "fill-mask": {
    create: async (location: ModelLocation, options: ModelOptions) =>
      new FillMaskPipeline(
        await AutoTokenizer.from_pretrained(location, options),
        await AutoModelForMaskedLM.from_pretrained(location, options),
      ),
    shippedModel: () => new URL("../../models/fill-mask/", import.meta.url),
  },
};

export type Task = keyof typeof TASKS;
export type PipelineOf<T extends Task> = Awaited<ReturnType<(typeof TASKS)[T]["create"]>>;

/**
 * Makes a pipeline, as transformers.js does.
 * @param task "fill-mask"
 * @param model a folder's path or URL, or an object of file name → bytes. Default: the small model that ships with the package
 * @throws OPTION_INVALID for an unknown task, and what AutoTokenizer and AutoModel… throw
 */
export async function pipeline<T extends Task>(
  task: T,
  model?: ModelLocation | null,
  options: ModelOptions = {},
): Promise<PipelineOf<T>> {
  if (!Object.hasOwn(TASKS, task)) {
    throw new RobertalbertError(
      "OPTION_INVALID",
      `task is ${show(task)}, expected one of ${Object.keys(TASKS).join(", ")}`,
    );
  }
  const { create, shippedModel } = TASKS[task];
  const made = await create(model ?? shippedModel(), options);
  options.progress_callback?.({ status: "ready", task, model: String(model ?? "the shipped model") });
  return made as PipelineOf<T>;
}
