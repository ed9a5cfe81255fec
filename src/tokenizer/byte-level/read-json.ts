// Reads vocabularies and merges straight from the bytes of tokenizer.json and vocab.json, no string or object for each.
import { RobertalbertError, show } from "../../errors.ts";
import { byteOfCode } from "./bytes.ts";
import { type MergeRows, mergeRows } from "./merges.ts";
import { joinedHash, MAX_TOKENS, nextHash, Vocabulary } from "./vocabulary.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BLANK = 0x20;
const SLASH = 0x2f;
const LOWER_U = 0x75;

// The least bytes that a token and a merge take in JSON, `"":0,` and `"a b",`. Buffers for as many as there can be are larger than
// they come to, but never grow: a branch that is taken once in a while throws the optimised code away.
const SHORTEST_TOKEN = 5;
const SHORTEST_MERGE = 6;

// What a byte of a JSON string stands for, by tables: a branch that is taken once in a while makes the engine throw the optimised
// code away (measured: 25 ms of 99). ROWS has 0 for a byte that stands for itself, or else where its row in PAIRS begins: there, by
// the byte that follows, what both stand for, -1 for nothing.
const PAIR_LEADS = [0xc2, 0xc3, 0xc4, 0xc5];
const ROWS = new Int16Array(256);
const PAIRS = new Int16Array(256 * (PAIR_LEADS.length + 3)).fill(-1);
ROWS.fill(256, 0, 0x21).fill(256, 0x7f);
ROWS[QUOTE] = 256;
ROWS[BACKSLASH] = 512;
for (const byte of [QUOTE, BACKSLASH, SLASH]) PAIRS[512 + byte] = byte;
PAIR_LEADS.forEach((lead, i) => {
  const row = 256 * (i + 3);
  ROWS[lead] = row;
  for (let low = 0; low < 0x40; low++) PAIRS[row + 0x80 + low] = byteOfCode(((lead & 0x1f) << 6) | low);
});

/** tokenizer.json, parsed. */
export interface TokenizerJson {
  /** With null in place of `model.vocab` and `model.merges` where the next two have them. */
  json: unknown;
  /** `model.vocab` behind a ByteLevel pre-tokenizer. */
  vocabulary: Vocabulary | undefined;
  /** `model.merges`, where there is a vocabulary. */
  merges: MergeRows | undefined;
}

/**
 * @param where what to call the file in messages
 * @throws SyntaxError as JSON.parse, TypeError for what is no UTF-8; TOKENIZER_INVALID as readVocabulary and readMerges
 */
export function readTokenizerJson(bytes: Uint8Array, where: string): TokenizerJson {
  const result: TokenizerJson = { json: undefined, vocabulary: undefined, merges: undefined };
  const read: [start: number, end: number][] = []; // what JSON.parse need not see
  let isByteLevel = false;
  let mergesStart = -1;
  const readModel = (key: string, start: number): number => {
    let end = -1;
    if (key === "vocab" && isByteLevel && bytes[start] === OPEN_OBJECT) {
      [result.vocabulary, end] = readVocabulary(bytes, start, `${where}: model.vocab`);
    } else if (key === "merges" && result.vocabulary && bytes[start] === OPEN_LIST) {
      [result.merges, end] = readMerges(bytes, start, result.vocabulary, `${where}: model.merges`);
    } else {
      if (key === "merges") mergesStart = start;
      return valueEnd(bytes, start);
    }
    read.push([start, end]);
    return end;
  };
  const isComplete =
    walkObject(bytes, 0, (key, start) => {
      if (key === "model" && bytes[start] === OPEN_OBJECT) return walkObject(bytes, start, readModel);
      const end = valueEnd(bytes, start);
      // tokenizers writes it before the model.
      if (key === "pre_tokenizer" && end !== -1)
        isByteLevel = (parseAt(bytes, start, end) as { type?: unknown } | null)?.type === "ByteLevel";
      return end;
    }) !== -1;
  if (isComplete && result.vocabulary && !result.merges && mergesStart !== -1)
    [result.merges] = readMerges(bytes, mergesStart, result.vocabulary, `${where}: model.merges`);
  const rest: Uint8Array[] = [];
  let at = 0;
  for (const [start, end] of isComplete ? read : []) {
    rest.push(bytes.subarray(at, start));
    at = end;
  }
  rest.push(bytes.subarray(at));
  const decoder = new TextDecoder("utf-8", { fatal: true });
  result.json = JSON.parse(rest.map((part) => decoder.decode(part)).join("null"));
  return result;
}

/**
 * @param start where a JSON object of token → id begins
 * @param where what to call it in messages
 * @returns the tokens, and where the object ends
 * @throws TOKENIZER_INVALID for what is no such object, and when an id belongs to two tokens
 */
export function readVocabulary(bytes: Uint8Array, start: number, where: string): [Vocabulary, number] {
  const reader = new TokenReader(bytes, start);
  const most = Math.min(MAX_TOKENS, Math.ceil((bytes.length - start) / SHORTEST_TOKEN));
  const [starts, lengths, hashes] = [new Int32Array(most), new Int32Array(most), new Int32Array(most)];
  const odd = new Map<number, string>();
  let size = 0;
  let at = skipBlanks(bytes, start);
  if (bytes[at++] !== OPEN_OBJECT) throw invalid(`${where} is no object of token → id`);
  for (at = skipBlanks(bytes, at); bytes[at] !== CLOSE_OBJECT; ) {
    const key = at;
    const from = reader.length;
    at = reader.read(key, QUOTE);
    const isOdd = at === -1 || reader.length === from;
    if (isOdd) {
      reader.length = from;
      at = valueEnd(bytes, key);
    }
    at = skipBlanks(bytes, at);
    const digits = bytes[at] === COLON ? skipBlanks(bytes, at + 1) : at;
    let id = 0;
    for (at = digits; isDigit(bytes[at]) && at - digits < 9; at++) id = 10 * id + bytes[at]! - 0x30;
    const hasId = at > digits;
    at = skipBlanks(bytes, at);
    if (!hasId || (bytes[at] !== CLOSE_OBJECT && bytes[at] !== COMMA)) throw noId(bytes, key, where);
    // Added tokens may fill holes, but not any number: an id from a damaged file must not take gigabytes.
    if (id >= most) throw invalid(`${where} has the id ${id}, more than it can have tokens`);
    if (lengths[id] !== 0 || odd.has(id)) throw invalid(`${where}: two tokens have the id ${id}`);
    if (isOdd) odd.set(id, oddToken(bytes, key, where));
    starts[id] = from;
    lengths[id] = reader.length - from;
    hashes[id] = reader.hash;
    if (id >= size) size = id + 1;
    if (bytes[at] === COMMA) at = skipBlanks(bytes, at + 1);
  }
  const text = reader.out.slice(0, reader.length);
  const [ownStarts, ownLengths, ownHashes] = [starts, lengths, hashes].map((list) => list.slice(0, size));
  return [new Vocabulary(text, ownStarts!, 0, ownLengths!, odd, ownHashes), at + 1];
}

function oddToken(bytes: Uint8Array, key: number, where: string): string {
  const token = stringAt(bytes, key, valueEnd(bytes, key));
  if (token === undefined) throw invalid(`${where} has something that is no token at byte ${key}`);
  return token;
}

function noId(bytes: Uint8Array, key: number, where: string): RobertalbertError {
  return invalid(`${where}: the id of ${show(oddToken(bytes, key, where))} is not a whole number from 0 up`);
}

/**
 * @param start where a JSON list of merges begins: `["a", "b"]` as tokenizers has written them since 0.20, `"a b"` before
 * @returns the merges, and where the list ends
 * @throws TOKENIZER_INVALID for what is no such list, and when a part or the whole of a merge is no token
 */
export function readMerges(
  bytes: Uint8Array,
  start: number,
  vocabulary: Vocabulary,
  where: string,
): [MergeRows, number] {
  const reader = new TokenReader(bytes, start);
  const { out } = reader;
  const most = Math.ceil((bytes.length - start) / SHORTEST_MERGE);
  const [lefts, rights, results] = [new Int32Array(most), new Int32Array(most), new Int32Array(most)];
  let count = 0;
  let merged = -1;
  let at = skipBlanks(bytes, start);
  if (bytes[at++] !== OPEN_LIST) throw invalid(`${where} is no list`);
  for (at = skipBlanks(bytes, at); bytes[at] !== CLOSE_LIST; ) {
    const first = at;
    const isPair = bytes[at] === OPEN_LIST;
    reader.length = 0;
    at = reader.read(isPair ? skipBlanks(bytes, at + 1) : at, isPair ? QUOTE : BLANK);
    const middle = reader.length;
    const leftHash = reader.hash;
    if (at !== -1) at = isPair ? readSecond(reader, bytes, at) : reader.read(at - 1, QUOTE);
    const length = reader.length;
    if (at === -1 || middle === 0 || middle === length) throw badMerge(bytes, first, count, "is not two tokens", where);
    const left = vocabulary.find(out, 0, middle, leftHash);
    const right = vocabulary.find(out, middle, length, reader.hash);
    // As a rule merges make one token after the other.
    const next = merged + 1;
    merged = vocabulary.isToken(next, out, 0, length)
      ? next
      : vocabulary.find(out, 0, length, joinedHash(leftHash, reader.hash, length - middle));
    if (left < 0 || right < 0 || merged < 0) {
      const part = left < 0 ? "first part" : right < 0 ? "second part" : "result";
      throw badMerge(bytes, first, count, `has a ${part} that is no token`, where);
    }
    lefts[count] = left;
    rights[count] = right;
    results[count++] = merged;
    at = skipBlanks(bytes, at);
    if (bytes[at] === COMMA) at = skipBlanks(bytes, at + 1);
    else if (bytes[at] !== CLOSE_LIST) throw badMerge(bytes, first, count, "is not the last and has no comma", where);
  }
  const [ownLefts, ownRights, ownResults] = [lefts, rights, results].map((list) => list.subarray(0, count));
  return [mergeRows(ownLefts!, ownRights!, ownResults!, vocabulary.size), at + 1];
}

function badMerge(bytes: Uint8Array, start: number, rank: number, problem: string, where: string): RobertalbertError {
  const excerpt = new TextDecoder().decode(bytes.subarray(start, start + 60));
  return invalid(`${where}: merge ${rank} ${problem}: ${show(excerpt)}`);
}

/** The rest of a pair from behind its first half; gives where it ends, -1 when it is damaged. */
function readSecond(reader: TokenReader, bytes: Uint8Array, start: number): number {
  let at = skipBlanks(bytes, start);
  if (bytes[at] !== COMMA) return -1;
  at = reader.read(skipBlanks(bytes, at + 1), QUOTE);
  if (at === -1) return -1;
  at = skipBlanks(bytes, at);
  return bytes[at] === CLOSE_LIST ? at + 1 : -1;
}

/** Turns JSON strings of the byte alphabet into the bytes they stand for, one behind the other in `out`. */
class TokenReader {
  /** As long as what is left of the file, in which each such byte takes one or more. */
  readonly out: Uint8Array;
  length = 0;
  /** Of the string that was read last. */
  hash = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.out = new Uint8Array(bytes.length - start);
  }

  /**
   * Reads from behind the quote (or, of a merge's second half, the blank) at `at` up to `stop`.
   * @returns where it goes on behind `stop`; -1 when there is a character outside the alphabet, or no string
   */
  read(at: number, stop: number): number {
    const { bytes, out } = this;
    let { length } = this;
    let hash = 0;
    if (bytes[at] !== QUOTE && bytes[at] !== BLANK) return -1;
    for (let i = at + 1; i < bytes.length; ) {
      let byte = bytes[i++]!;
      const row = ROWS[byte]!;
      if (row !== 0) {
        if (byte === stop) {
          this.length = length;
          this.hash = hash;
          return i;
        }
        byte = PAIRS[row + bytes[i++]!]!;
        if (!(byte >= 0)) {
          if (bytes[i - 2] !== BACKSLASH || bytes[i - 1] !== LOWER_U) return -1;
          byte = byteOfCode(Number.parseInt(String.fromCharCode(...bytes.subarray(i, i + 4)), 16));
          if (byte < 0) return -1;
          i += 4;
        }
      }
      out[length++] = byte;
      hash = nextHash(hash, byte);
    }
    return -1;
  }
}

/**
 * Goes through an object's values.
 * @param visit gets a key and where its value starts, and gives where that ends, -1 if it does not
 * @returns where the object ends; -1 when the bytes are no complete object
 */
function walkObject(bytes: Uint8Array, start: number, visit: (key: string, start: number) => number): number {
  let at = skipBlanks(bytes, start);
  if (bytes[at] !== OPEN_OBJECT) return -1;
  at = skipBlanks(bytes, at + 1);
  if (bytes[at] === CLOSE_OBJECT) return at + 1;
  for (;;) {
    if (bytes[at] !== QUOTE) return -1;
    const keyEnd = valueEnd(bytes, at);
    const key = stringAt(bytes, at, keyEnd);
    const colon = skipBlanks(bytes, keyEnd);
    if (key === undefined || bytes[colon] !== COLON) return -1;
    at = visit(key, skipBlanks(bytes, colon + 1));
    if (at === -1) return -1;
    at = skipBlanks(bytes, at);
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    if (bytes[at] !== COMMA) return -1;
    at = skipBlanks(bytes, at + 1);
  }
}

/** Where the value that starts at `at` ends; -1 when it does not. What is in it is not checked. */
function valueEnd(bytes: Uint8Array, at: number): number {
  let depth = 0;
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      for (i++; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++;
      if (i >= bytes.length) return -1;
      if (depth === 0) return i + 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (depth === 0) return i; // behind a number or a word
      if (--depth === 0) return i + 1;
    } else if (byte === COMMA && depth === 0) return i;
  }
  return -1;
}

function stringAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  const value = parseAt(bytes, start, end);
  return typeof value === "string" ? value : undefined;
}

/** The value there, undefined for what is none. */
function parseAt(bytes: Uint8Array, start: number, end: number): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(start, end)));
  } catch {
    return undefined;
  }
}

function skipBlanks(bytes: Uint8Array, at: number): number {
  for (let i = at; ; i++) {
    const byte = bytes[i];
    if (byte !== BLANK && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return i;
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function invalid(message: string): RobertalbertError {
  return new RobertalbertError("TOKENIZER_INVALID", `${message}; fetch the file again`);
}
