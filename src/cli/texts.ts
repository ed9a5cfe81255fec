// The texts that a command works on: its arguments, or for "-" the lines of standard input as they come.
import { createInterface } from "node:readline";
import { type Io, UsageError } from "./command.ts";

export async function* readTexts(positionals: readonly string[], io: Io): AsyncGenerator<string> {
  if (positionals.length === 0) throw new UsageError('no text: pass one, or "-" to read lines from standard input');
  if (!positionals.includes("-")) {
    yield* positionals;
    return;
  }
  if (positionals.length > 1)
    throw new UsageError('"-" stands for all lines of standard input: pass it alone, or texts');
  // readline pauses the stream while nobody takes lines: a million lines need no memory.
  for await (const line of createInterface({ input: io.stdin, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line !== "") yield line;
}
