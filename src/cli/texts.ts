// The texts that a command works on: its arguments, or for "-" the lines of standard input as they come.
import { createInterface } from "node:readline";
import { type Io, UsageError } from "./command.ts";

export async function* readTexts(positionals: readonly string[], io: Io): AsyncGenerator<string> {
  if (positionals.length === 0) throw new UsageError('no text: pass one, or "-" to read lines from standard input');
  if (positionals.length > 1 || positionals[0] !== "-") {
    yield* positionals;
    return;
  }
  // readline pauses the stream while nobody takes lines: a million lines need no memory.
  for await (const line of createInterface({ input: io.stdin, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line !== "") yield line;
}
