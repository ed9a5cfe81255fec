// What a command of the command line is, and what it may use of the process.
import type { Readable } from "node:stream";

/** An option as node:util's parseArgs takes it, with a line for --help. */
export interface OptionSpec {
  type: "string" | "boolean";
  short?: string;
  /** What stands for the value in --help: "N", "FOLDER". */
  value?: string;
  help: string;
}

export type Values = Readonly<Record<string, string | boolean | undefined>>;

/** The command's view of the process, so that tests can stand in for it. */
export interface Io {
  stdin: Readable;
  /** Resolves when the reader can take more (back-pressure). */
  print(text: string): Promise<void>;
  /** A line for a person, on standard error: what standard output is not for. */
  note(text: string): Promise<void>;
  /** Replaces the last such line on standard error; nothing where that is no terminal. */
  overwrite(text: string): void;
  /** The exit code will be 1, without a message: what was printed says why. */
  fail(): void;
  /** Whether a person reads it: bars and colours then, tab-separated lines otherwise. */
  isTerminal: boolean;
  useColor: boolean;
}

export interface Command {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** What follows the name: "TEXT… | -". */
  usage: string;
  options: Readonly<Record<string, OptionSpec>>;
  run(values: Values, positionals: readonly string[], io: Io): Promise<void>;
}

/** Wrong usage: exit code 2 and a hint at --help. */
export class UsageError extends Error {}

/** A whole number from `least` up, or the default when the option is not given. */
export function integerOption(values: Values, name: string, otherwise: number, least = 1): number {
  const value = values[name];
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < least)
    throw new UsageError(`--${name} is ${JSON.stringify(value)}, expected a whole number from ${least} up`);
  return number;
}

/** Options that all commands on a model share. */
export const MODEL_OPTION: OptionSpec = {
  type: "string",
  short: "m",
  value: "MODEL",
  help: "a folder, a URL, or OWNER/NAME on the Hugging Face hub (default: the small one that ships with the package)",
};
export const JSON_OPTION: OptionSpec = { type: "boolean", help: "one JSON value a line" };

/** The folder of the model that ships with the package. */
export const SHIPPED_MODEL = new URL("../../models/fill-mask/", import.meta.url);
