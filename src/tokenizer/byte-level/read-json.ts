// Reads vocabularies and merges straight from the bytes of tokenizer.json and vocab.json, no string or object for each.
import { RobertalbertError, show } from "../../errors.ts";
import { byteOfCode } from "./bytes.ts";
import { Vocabulary } from "./vocabulary.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BLANK = 0x20;
const LOWER_U = 0x75;

/** Bytes [start, end) of a file. */
export interface Span {
  start: number;
  end: number;
}

export interface TokenizerJson {
  /** The parsed file, null in place of `model.vocab` and `model.merges` where these have spans. */
  json: unknown;
  /** Where `model.vocab` is, when it is an object. */
  vocab: Span | undefined;
  /** Where `model.merges` is, when it is a list and `vocab` an object. */
  merges: Span | undefined;
}

/**
 * Parses tokenizer.json, but for an object of tokens and a list of merges: they may turn out not to be needed, and are most of it.
 * @throws SyntaxError as JSON.parse, TypeError for what is no UTF-8
 */
export function splitTokenizerJson(bytes: Uint8Array): TokenizerJson {
  const found = new Map<string, Span>();
  const end = walkObject(bytes, 0, (key, start) => {
    if (key !== "model" || bytes[start] !== OPEN_OBJECT) return valueEnd(bytes, start);
    return walkObject(bytes, start, (name, from) => {
      const to = valueEnd(bytes, from);
      found.set(name, { start: from, end: to });
      return to;
    });
  });
  const parse = (...parts: Uint8Array[]) => {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    return JSON.parse(parts.map((part) => decoder.decode(part)).join("null")) as unknown;
  };
  const vocab = found.get("vocab");
  const merges = found.get("merges");
  if (end === -1 || !vocab || bytes[vocab.start] !== OPEN_OBJECT || !merges || bytes[merges.start] !== OPEN_LIST)
    return { json: parse(bytes), vocab: undefined, merges: undefined };
  const [a, b] = vocab.start < merges.start ? [vocab, merges] : [merges, vocab];
  const json = parse(bytes.subarray(0, a.start), bytes.subarray(a.end, b.start), bytes.subarray(b.end));
  return { json, vocab, merges };
}

/**
 * @param bytes a file with, from `span.start` on, a JSON object of token → id
 * @param where what to call it in messages
 * @throws TOKENIZER_INVALID for what is none, and when an id belongs to two tokens
 */
export function readVocabulary(bytes: Uint8Array, span: Span, where: string): Vocabulary {
  const reader = new TokenReader(bytes, span.end - span.start);
  const entries: number[] = []; // id, start, end; start -1 for one of `oddTokens`
  const oddTokens: [id: number, token: string][] = [];
  let at = skipBlanks(bytes, span.start);
  if (bytes[at++] !== OPEN_OBJECT) throw invalid(`${where} is no object of token → id`);
  for (at = skipBlanks(bytes, at); bytes[at] !== CLOSE_OBJECT; ) {
    const start = reader.length;
    const key = at;
    at = reader.read(key, QUOTE);
    let odd: string | undefined;
    if (at === -1) {
      reader.length = start;
      at = valueEnd(bytes, key);
      odd = parseString(bytes, key, at);
      if (odd === undefined) throw invalid(`${where} has something that is no token at byte ${key}`);
    }
    at = skipBlanks(bytes, at);
    let digit = bytes[at] === COLON ? skipBlanks(bytes, at + 1) : at;
    let id = 0;
    const first = digit;
    for (; isDigit(bytes[digit]) && digit - first < 9; digit++) id = 10 * id + bytes[digit]! - 0x30;
    const next = skipBlanks(bytes, digit);
    const isLast = bytes[next] === CLOSE_OBJECT;
    if (digit === first || !(isLast || bytes[next] === COMMA)) {
      const token = odd ?? parseString(bytes, key, valueEnd(bytes, key));
      throw invalid(`${where}: the id of ${show(token)} is not a whole number from 0 up`);
    }
    if (odd === undefined) entries.push(id, start, reader.length);
    else {
      entries.push(id, -1, -1);
      oddTokens.push([id, odd]);
    }
    at = isLast ? next : skipBlanks(bytes, next + 1);
  }
  return arrange(entries, oddTokens, reader.out.slice(0, reader.length), where);
}

/** Sorts tokens by id. */
function arrange(
  entries: readonly number[],
  oddTokens: readonly [number, string][],
  text: Uint8Array,
  where: string,
): Vocabulary {
  const count = entries.length / 3;
  let size = 0;
  for (let i = 0; i < entries.length; i += 3) size = Math.max(size, entries[i]! + 1);
  // Added tokens may fill holes, but not any number: an id from a damaged file must not take gigabytes.
  if (size > 2 * count + 65536) throw invalid(`${where} has ${count} tokens and the id ${size - 1}`);
  const starts = new Int32Array(size).fill(-1);
  const ends = new Int32Array(size).fill(-1);
  const odd = new Map(oddTokens);
  const taken = new Uint8Array(size);
  for (let i = 0; i < entries.length; i += 3) {
    const id = entries[i]!;
    if (taken[id]) throw invalid(`${where}: two tokens have the id ${id}`);
    taken[id] = 1;
    starts[id] = entries[i + 1]!;
    ends[id] = entries[i + 2]!;
  }
  return new Vocabulary(text, starts, ends, odd);
}

/**
 * @param bytes a file with, from `span.start` on, a JSON list of merges: `["a", "b"]` as tokenizers has written them since 0.20, `"a b"` before
 * @returns three numbers a merge, in order of rank: left id, right id, merged id
 * @throws TOKENIZER_INVALID for what is none, and when a part or the whole of a merge is no token
 */
export function readMerges(bytes: Uint8Array, span: Span, vocabulary: Vocabulary, where: string): Int32Array {
  let merges = new Int32Array(3 << 12);
  let used = 0;
  const reader = new TokenReader(bytes, 1024);
  let at = skipBlanks(bytes, span.start);
  if (bytes[at++] !== OPEN_LIST) throw invalid(`${where} is no list`);
  for (at = skipBlanks(bytes, at); bytes[at] !== CLOSE_LIST; ) {
    const start = at;
    const damaged = () => {
      const text = new TextDecoder().decode(bytes.subarray(start, start + 80));
      return invalid(`${where}: merge ${used / 3} (${show(text)}) is not two tokens`);
    };
    reader.length = 0;
    const isPair = bytes[at] === OPEN_LIST;
    at = reader.read(isPair ? skipBlanks(bytes, at + 1) : at, isPair ? QUOTE : BLANK);
    const middle = reader.length;
    if (at !== -1 && isPair) {
      at = skipBlanks(bytes, at);
      at = bytes[at] === COMMA ? reader.read(skipBlanks(bytes, at + 1), QUOTE) : -1;
      at = at === -1 ? -1 : skipBlanks(bytes, at);
      at = bytes[at] === CLOSE_LIST ? at + 1 : -1;
    } else if (at !== -1) at = reader.read(at - 1, QUOTE);
    const length = reader.length;
    if (at === -1 || middle === 0 || middle === length) throw damaged();
    const { out } = reader;
    const left = vocabulary.find(out, 0, middle);
    const right = vocabulary.find(out, middle, length);
    const merged = vocabulary.find(out, 0, length);
    if (left < 0 || right < 0 || merged < 0) {
      const text = new TextDecoder().decode(bytes.subarray(start, at));
      const part = left < 0 ? "its first part" : right < 0 ? "its second part" : "its result";
      throw invalid(`merge ${used / 3} (${text}): ${part} is no token`);
    }
    if (used === merges.length) {
      const grown = new Int32Array(2 * merges.length);
      grown.set(merges);
      merges = grown;
    }
    merges[used++] = left;
    merges[used++] = right;
    merges[used++] = merged;
    at = skipBlanks(bytes, at);
    if (bytes[at] === COMMA) at = skipBlanks(bytes, at + 1);
    else if (bytes[at] !== CLOSE_LIST) throw damaged();
  }
  return merges.slice(0, used);
}

/** Turns JSON strings of the byte alphabet into the bytes they stand for, one behind the other in `out`. */
class TokenReader {
  out: Uint8Array;
  length = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, capacityBytes: number) {
    this.bytes = bytes;
    this.out = new Uint8Array(capacityBytes);
  }

  /**
   * Reads from behind the quote (or, of a merge's second half, the blank) at `at` up to `stop`.
   * @returns where it goes on behind `stop`; -1 when there is a character outside the alphabet, or no string
   */
  read(at: number, stop: number): number {
    const { bytes } = this;
    let to = this.length;
    if (bytes[at] !== QUOTE && bytes[at] !== BLANK) return -1;
    for (let i = at + 1; i < bytes.length; ) {
      const lead = bytes[i]!;
      if (lead === stop) {
        this.length = to;
        return i + 1;
      }
      let code = lead;
      let length = 1;
      if (lead === BACKSLASH) {
        code = bytes[i + 1]!;
        length = 2;
        if (code === LOWER_U) {
          code = Number.parseInt(String.fromCharCode(...bytes.subarray(i + 2, i + 6)), 16);
          length = 6;
        } else if (code !== QUOTE && code !== BACKSLASH && code !== 0x2f) return -1;
      } else if (lead >= 0xc2 && lead < 0xe0) {
        code = ((lead & 0x1f) << 6) | (bytes[i + 1]! & 0x3f);
        length = 2;
      } else if (lead >= 0x80 || lead === QUOTE) return -1;
      const byte = byteOfCode(code);
      if (!(byte >= 0)) return -1;
      if (to === this.out.length) this.grow();
      this.out[to++] = byte;
      i += length;
    }
    return -1;
  }

  private grow(): void {
    const out = new Uint8Array(2 * this.out.length + 8192);
    out.set(this.out);
    this.out = out;
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
    const key = parseString(bytes, at, keyEnd);
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

function parseString(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(start, end)));
    return typeof value === "string" ? value : undefined;
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
