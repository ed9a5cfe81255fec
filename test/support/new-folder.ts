// Files that are about to be written, in memory instead: what from_pretrained takes.
import type { FileToWrite } from "../../src/hub/files.ts";
import { collected } from "./bytes.ts";

export async function inMemory(files: readonly FileToWrite[]): Promise<Record<string, Uint8Array>> {
  const result: Record<string, Uint8Array> = {};
  for (const file of files) result[file.name] = await collected(file.chunks());
  return result;
}

/** A byte-level BPE with RoBERTa's special tokens and no merges: 261 tokens. */
export const BYTES_TOKENIZER: Record<string, Uint8Array> = bytesTokenizer();

function bytesTokenizer(): Record<string, Uint8Array> {
  // GPT-2's alphabet (src/tokenizer/byte-level/bytes.ts), written out again so that a slip there shows.
  const printable = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
  const others = range(0x100, 0x100 + 255 - printable.length);
  const tokens = ["<s>", "<pad>", "</s>", "<unk>"].concat(
    [...printable, ...others].map((code) => String.fromCharCode(code)),
    "<mask>",
  );
  const utf8 = (text: string) => new TextEncoder().encode(text);
  return {
    "vocab.json": utf8(JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id])))),
    "merges.txt": utf8("#version: 0.2\n"),
  };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
