// vocabulary.bin: what tokenizer.json says, as the tokenizer keeps it in memory, so that loading parses no 3 MB of JSON. It lies
// beside tokenizer.json and is ignored when that has changed. All numbers little-endian:
//
//   bytes  0 …  7  "RAVOCAB" and the version of this format, one byte
//          8 … 15  hash of tokenizer.json
//         16 … 23  hash of all that follows
//         24 … 39  u32: bytes of a number in the lists (2 or 4), ids, merges, bytes of JSON
//   lists          lengths of tokens [ids], where each left id's merges start [ids + 1], right ids, ranks, merged ids [merges]
//   u32            where every 16th token starts [ceil(ids/16)]
//   JSON           {"tokenizer": tokenizer.json without vocab and merges, "odd": [[id, token], …]}
//   the rest       the bytes of all tokens in order of their ids
import type { MergeRows } from "./byte-level/merges.ts";
import type { TokenizerJson } from "./byte-level/read-json.ts";
import { Vocabulary } from "./byte-level/vocabulary.ts";
import type { Json } from "./definition.ts";
import { isByteLevel, parseTokenizerJson } from "./tokenizer-json.ts";

/** The file's name. */
export const VOCABULARY_FILE = "vocabulary.bin";

const MAGIC = [...new TextEncoder().encode("RAVOCAB"), 2];
const HEADER_BYTES = 40;
/** Of 16 tokens one's start is written: of all it would be a fifth of the file, and to sum them up a millisecond of loading. */
const STRIDE_BITS = 4;
/** From here on the second hash counts. */
const HASHED_FROM = 24;

/**
 * What to write as VOCABULARY_FILE beside a tokenizer.json, for whoever writes model folders (`init`, `quantize`).
 * @param tokenizerJson the bytes of tokenizer.json, as they are written
 * @returns undefined for tokenizers that gain nothing by it: all but byte-level BPE
 * @throws FILE_INVALID, TOKENIZER_INVALID for a damaged one
 */
export function packVocabulary(tokenizerJson: Uint8Array): Uint8Array | undefined {
  const { json, vocabulary, merges } = parseTokenizerJson(tokenizerJson, "packVocabulary");
  if (!vocabulary || !merges || !isByteLevel(json as Json)) return undefined;
  const { lengths } = vocabulary;
  const text = new Uint8Array(vocabulary.text.length);
  const starts = new Uint32Array(startCount(vocabulary.size));
  let textBytes = 0;
  for (let id = 0; id < vocabulary.size; id++) {
    const start = vocabulary.startOf(id);
    text.set(vocabulary.text.subarray(start, start + lengths[id]!), textBytes);
    if (id % 2 ** STRIDE_BITS === 0) starts[id >> STRIDE_BITS] = textBytes;
    textBytes += lengths[id]!;
  }
  const { rowStarts, rights, ranks, merged } = merges;
  const lists = [lengths, rowStarts, rights, ranks, merged];
  const isNarrow = lists.every((list) => list.every((value) => value <= 0xffff));
  const jsonBytes = new TextEncoder().encode(JSON.stringify({ tokenizer: json, odd: [...vocabulary.odd] }));
  const parts = [
    ...lists.map((list) => new Uint8Array((isNarrow ? Uint16Array.from(list) : list).buffer)),
    new Uint8Array(starts.buffer),
    jsonBytes,
    text.subarray(0, textBytes),
  ];
  const packed = new Uint8Array(HEADER_BYTES + parts.reduce((sum, part) => sum + part.length, 0));
  let at = HEADER_BYTES;
  for (const part of parts) {
    packed.set(part, at);
    at += part.length;
  }
  const header = [isNarrow ? 2 : 4, vocabulary.size, rights.length, jsonBytes.length];
  packed.set(new Uint8Array(Uint32Array.from(header).buffer), HASHED_FROM);
  packed.set(MAGIC);
  packed.set(hashOf(tokenizerJson), 8);
  packed.set(hashOf(packed.subarray(HASHED_FROM)), 16);
  return packed;
}

/** How many starts of so many tokens are written. */
function startCount(ids: number): number {
  return Math.ceil(ids / 2 ** STRIDE_BITS);
}

/** Whether a VOCABULARY_FILE that unpackVocabulary took was made from this tokenizer.json. */
export function isMadeFrom(tokenizerJson: Uint8Array, file: Uint8Array): boolean {
  return startsWith(file, 8, hashOf(tokenizerJson));
}

/**
 * @param file the bytes of VOCABULARY_FILE; whether it is stale is to be asked of isMadeFrom
 * @returns undefined for one that is damaged or of another version
 */
export function unpackVocabulary(file: Uint8Array): TokenizerJson | undefined {
  const packed = plain(file);
  if (packed.length < HEADER_BYTES || !startsWith(packed, 0, MAGIC)) return undefined;
  if (!startsWith(packed, 16, hashOf(packed.subarray(HASHED_FROM)))) return undefined;
  const [width, ids, count, jsonBytes] = new Uint32Array(packed.slice(HASHED_FROM, HEADER_BYTES).buffer) as unknown as [
    number,
    number,
    number,
    number,
  ];
  let at = HEADER_BYTES;
  const list = (length: number, bytes = width): Int32Array => {
    const { buffer } = packed.slice(at, at + bytes * length);
    at += bytes * length;
    return bytes === 2 ? new Int32Array(new Uint16Array(buffer)) : new Int32Array(buffer);
  };
  const [lengths, rowStarts] = [list(ids), list(ids + 1)];
  const [rights, ranks, merged] = [list(count), list(count), list(count)];
  const starts = list(startCount(ids), 4);
  const json = JSON.parse(new TextDecoder().decode(packed.subarray(at, at + jsonBytes))) as {
    tokenizer: unknown;
    odd: [number, string][];
  };
  const merges: MergeRows = { rowStarts, rights, ranks, merged };
  return {
    json: json.tokenizer,
    vocabulary: new Vocabulary(packed.slice(at + jsonBytes), starts, STRIDE_BITS, lengths, new Map(json.odd)),
    merges,
  };
}

/** Without what Node's Buffer makes of it: its slice is no copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function startsWith(bytes: Uint8Array, at: number, expected: ArrayLike<number>): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

/** Eight bytes that differ when the bytes do: against stale and damaged files, not against malice. */
function hashOf(input: Uint8Array): Uint8Array {
  const bytes = plain(input);
  const whole = bytes.length & ~3;
  const isAligned = bytes.byteOffset % 4 === 0;
  const words = isAligned
    ? new Int32Array(bytes.buffer, bytes.byteOffset, whole / 4)
    : new Int32Array(bytes.slice(0, whole).buffer);
  let a = 0;
  let b = bytes.length;
  // No multiplication (see vocabulary.ts), and four words a round: a loop is slow until the engine has optimised it.
  const rounds = words.length & ~3;
  for (let i = 0; i < rounds; i += 4) {
    const second = words[i + 1]!;
    const fourth = words[i + 3]!;
    b = ((b << 5) | (b >>> 27)) ^ words[i]! ^ ((second << 7) | (second >>> 25));
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ words[i + 2]! ^ ((fourth << 7) | (fourth >>> 25));
    a = (a + b) | 0;
  }
  for (let i = 4 * rounds; i < bytes.length; i++) {
    b = ((b << 5) | (b >>> 27)) ^ bytes[i]!;
    a = (a + b) | 0;
  }
  return new Uint8Array(Int32Array.of(a, b).buffer);
}
