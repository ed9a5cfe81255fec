// The texts that a command works on: its arguments, the lines of a file, or for "-" the lines of standard input as they come.
import { createReadStream, statSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { RobertalbertError, show } from "../errors.ts";
import { type Io, type OptionSpec, UsageError, type Values } from "./command.ts";

export interface TextSource {
  texts: AsyncGenerator<string, void, undefined>;
  /** How much of it has been read, 0 … 1; undefined where nobody knows how long it is. */
  share(): number | undefined;
}

export const INPUT_OPTION: OptionSpec = {
  type: "string",
  short: "i",
  value: "FILE",
  help: "the lines of a file as texts, empty ones left out; .jsonl: each line a JSON string or an object with text",
};

export async function* readTexts(positionals: readonly string[], io: Io): AsyncGenerator<string, void, undefined> {
  if (positionals.length === 0) throw new UsageError('no text: pass one, or "-" to read lines from standard input');
  if (!positionals.includes("-")) {
    yield* positionals;
    return;
  }
  if (positionals.length > 1)
    throw new UsageError('"-" stands for all lines of standard input: pass it alone, or texts');
  yield* full(lines(io.stdin));
}

/** As `readTexts`, or the lines of --input. @throws UsageError, FILE_NOT_FOUND */
export function openTexts(positionals: readonly string[], values: Values, io: Io): TextSource {
  if (typeof values.input === "string") {
    if (positionals.length > 0) throw new UsageError("pass texts or --input, not both");
    return fileTexts(values.input);
  }
  if (positionals.length === 0) throw new UsageError('no text: pass one, "-" for standard input, or --input FILE');
  let read = 0;
  const isKnown = !positionals.includes("-");
  return {
    texts: counted(readTexts(positionals, io), () => read++),
    share: () => (isKnown ? read / positionals.length : undefined),
  };
}

function fileTexts(path: string): TextSource {
  const size = fileSize(path);
  const stream = createReadStream(path);
  const isJson = /\.(jsonl|ndjson)$/i.test(path);
  return {
    texts: isJson ? jsonTexts(lines(stream), path) : full(lines(stream)),
    share: () => (size === 0 ? 1 : stream.bytesRead / size),
  };
}

function fileSize(path: string): number {
  try {
    const info = statSync(path);
    if (info.isFile()) return info.size;
  } catch (cause) {
    throw new RobertalbertError("FILE_NOT_FOUND", `--input ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  throw new RobertalbertError("FILE_UNREADABLE", `--input ${path} is no file`);
}

async function* full(lines: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  for await (const line of lines) if (line !== "") yield line;
}

/** The stream pauses while nobody takes them: a million lines need no memory. */
async function* lines(stream: Readable): AsyncGenerator<string, void, undefined> {
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) yield line;
  } catch (cause) {
    throw new RobertalbertError("FILE_UNREADABLE", `the texts cannot be read: ${(cause as Error).message}`, { cause });
  }
}

async function* jsonTexts(source: AsyncIterable<string>, path: string): AsyncGenerator<string, void, undefined> {
  let number = 0;
  for await (const line of source) {
    number++;
    if (line === "") continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new RobertalbertError("FILE_INVALID", `${path}: line ${number} is no JSON: ${show(line)}`);
    }
    const text = typeof value === "object" && value !== null ? (value as { text?: unknown }).text : value;
    if (typeof text !== "string")
      throw new RobertalbertError(
        "FILE_INVALID",
        `${path}: line ${number} is ${show(value)}, expected a string or { text }`,
      );
    yield text;
  }
}

async function* counted(source: AsyncIterable<string>, count: () => void): AsyncGenerator<string, void, undefined> {
  for await (const text of source) {
    count();
    yield text;
  }
}
