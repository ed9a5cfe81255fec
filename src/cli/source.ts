// Options about where a model comes from, and what is shown while it is fetched.
import type { LoadOptions } from "../hub/files.ts";
import type { ModelOptions } from "../model/load.ts";
import type { Io, OptionSpec, Values } from "./command.ts";
import { progressLine } from "./progress.ts";

/** A model from a folder is there before that: nothing is shown then. */
const QUIET_MS = 300;

export const SOURCE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  revision: { type: "string", value: "NAME", help: "of a model on the hub: branch, tag or commit (default main)" },
  offline: { type: "boolean", help: "uses what the hub's cache has and asks nobody" },
};

export const DTYPE_OPTION: OptionSpec = {
  type: "string",
  value: "TYPE",
  help: "how weights are held: fp32, fp16 or q8 (default: as the folder has them, floats first)",
};

/** The value of DTYPE_OPTION; what it may be is checked where the model is loaded. */
export function dtypeOption(values: Values): ModelOptions {
  return values.dtype === undefined ? {} : { dtype: values.dtype as "fp32" };
}

/** The values of SOURCE_OPTIONS as `from_pretrained` takes them, and a line of progress on standard error. */
export function sourceOptions(values: Values, io: Io): LoadOptions {
  const line = progressLine(io);
  const startedAt = Date.now();
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  return {
    ...(values.revision !== undefined && { revision: values.revision as string }),
    ...(values.offline === true && { local_files_only: true }),
    progress_callback: (event) => {
      if (Date.now() - startedAt < QUIET_MS) return;
      if (event.status === "progress_total")
        line.show(`${event.name}: ${megabytes(event.loaded)} of ${megabytes(event.total)} MB`);
      if (event.status === "done") line.clear();
    },
  };
}
