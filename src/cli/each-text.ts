// What the commands that answer text by text share: their options, and the loop over texts with progress.
import type { ModelOptions } from "../model/load.ts";
import type { TextOptions } from "../pipelines/text-pipeline.ts";
import { type Io, integerOption, type OptionSpec, UsageError, type Values } from "./command.ts";
import { progressLine } from "./progress.ts";
import { DTYPE_OPTION, dtypeOption, SOURCE_OPTIONS, sourceOptions } from "./source.ts";
import type { TextSource } from "./texts.ts";

/** Options of every command on a model of the user's. */
export const MODEL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  model: {
    type: "string",
    short: "m",
    value: "MODEL",
    help: "a folder, a URL, or OWNER/NAME on the Hugging Face hub; needed",
  },
  ...SOURCE_OPTIONS,
  dtype: DTYPE_OPTION,
  "max-length": { type: "string", value: "N", help: "tokens of a text at most (default: what the model allows)" },
  "on-too-long": { type: "string", value: "WAY", help: "longer texts: truncate (default), error or window" },
};

/** What `pipeline()` takes. @throws UsageError when no model is named */
export function modelOf(values: Values, io: Io): [string, ModelOptions] {
  if (typeof values.model !== "string") throw new UsageError("--model is missing: the folder of the model to use");
  return [values.model, { ...dtypeOption(values), ...sourceOptions(values, io) }];
}

export function textOptions(values: Values): TextOptions {
  return {
    ...(values["max-length"] !== undefined && { max_length: integerOption(values, "max-length", 1) }),
    ...(values["on-too-long"] !== undefined && { on_too_long: values["on-too-long"] as "truncate" }),
  };
}

/**
 * Hands each result with its text to `take`, in order, and shows on standard error how fast it goes and how long it will take.
 * @param call the pipeline's call on an async iterable
 */
export async function eachText<Result>(
  { texts, share }: TextSource,
  call: (texts: AsyncIterable<string>) => AsyncIterable<Result>,
  take: (text: string, result: Result) => Promise<void>,
  io: Io,
): Promise<void> {
  const waiting: string[] = [];
  async function* watched(): AsyncGenerator<string, void, undefined> {
    for await (const text of texts) {
      waiting.push(text);
      yield text;
    }
  }
  const line = progressLine(io);
  const startedAt = Date.now();
  let done = 0;
  for await (const result of call(watched())) {
    done++;
    await take(waiting.shift()!, result);
    // On a terminal the results themselves show that it goes on.
    if (!io.isTerminal) line.show(progress(done, waiting.length, share(), (Date.now() - startedAt) / 1000));
  }
  if (!io.isTerminal) line.clear();
}

function progress(done: number, waiting: number, share: number | undefined, seconds: number): string {
  const rate = done / seconds;
  const text = `${done} texts, ${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`;
  if (share === undefined || share === 0) return text;
  // `share` counts what was read: some of it still waits for its result.
  const left = ((done + waiting) / share - done) / rate;
  return `${text}, ${(100 * share).toFixed(0)} % read, ${duration(left)} left`;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Tabs and line ends of a text would break the lines that are printed for programs. */
export function field(text: string): string {
  return text.replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}
