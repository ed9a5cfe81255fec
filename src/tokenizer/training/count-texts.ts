// The texts that a tokenizer is trained on, in any of the forms in which runtimes hand them out, read and counted.
import { RobertalbertError, show } from "../../errors.ts";
import { chunksOf } from "../../hub/streamed-file.ts";
import { countText, FileWords } from "./text-words.ts";
import type { WordCounts } from "./word-counts.ts";

/**
 * A string is one text, line ends and all. Anything else is one file: UTF-8 in pieces of any size (a Blob or File, a web stream,
 * Node's createReadStream), each line of which is a text. Messages call it by its `name`, if it has one.
 */
export type TrainingText =
  | string
  | Blob
  | ReadableStream<Uint8Array>
  | (AsyncIterable<Uint8Array> & { readonly name?: string });

export type TrainingTexts = Iterable<TrainingText> | AsyncIterable<TrainingText>;

/** Texts are counted for so long, some 20 ms, before the caller has a turn. */
const BYTES_PER_YIELD = 1 << 20;

/**
 * Counts the words of all texts. Yields how many bytes it has read, from time to time and at the end.
 * @throws INPUT_INVALID for what is no text; FILE_INVALID for a file that is no UTF-8; OUT_OF_MEMORY; and what reading throws
 */
export async function* countTexts(texts: TrainingTexts, words: WordCounts): AsyncGenerator<number, void, undefined> {
  if (!isIterable(texts)) throw invalid("texts", texts, "a list of texts, as [text]");
  let number = 0;
  let readBytes = 0;
  let nextYieldBytes = BYTES_PER_YIELD;
  for await (const text of texts as AsyncIterable<TrainingText>) {
    const name = `text ${++number}`;
    if (typeof text === "string") readBytes += countText(text, words);
    else {
      const file = new FileWords((text as { name?: string } | null)?.name ?? name, words);
      for await (const piece of piecesOf(text, name)) {
        if (!(piece instanceof Uint8Array)) throw invalid(`a piece of ${name}`, piece, "bytes (Uint8Array)");
        file.add(piece);
        readBytes += piece.length;
        if (readBytes < nextYieldBytes) continue;
        yield readBytes;
        nextYieldBytes = readBytes + BYTES_PER_YIELD;
      }
      file.end();
    }
    if (readBytes < nextYieldBytes) continue;
    yield readBytes;
    nextYieldBytes = readBytes + BYTES_PER_YIELD;
  }
  yield readBytes;
}

function piecesOf(text: unknown, name: string): AsyncIterable<unknown> {
  if (typeof text === "object" && text !== null && !ArrayBuffer.isView(text)) {
    const { stream, getReader } = text as Partial<Blob & ReadableStream<Uint8Array>>;
    if (typeof stream === "function") return chunksOf((text as Blob).stream());
    // Not every browser's streams can be iterated.
    if (typeof getReader === "function") return chunksOf(text as ReadableStream<Uint8Array>);
    if (Symbol.asyncIterator in text) return text as AsyncIterable<unknown>;
  }
  throw invalid(name, text, "a string, a Blob, or a stream of bytes (a stream itself goes into a list: [stream])");
}

/** A string could be iterated, too, but not meant. */
function isIterable(texts: unknown): boolean {
  if (typeof texts !== "object" || texts === null) return false;
  return Symbol.iterator in texts || Symbol.asyncIterator in texts;
}

function invalid(name: string, value: unknown, expected: string): RobertalbertError {
  return new RobertalbertError("INPUT_INVALID", `${name} is ${show(value)}, expected ${expected}`);
}
