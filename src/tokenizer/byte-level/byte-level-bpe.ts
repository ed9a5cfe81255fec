// RoBERTa's byte-level BPE as an Algorithm: words by the scanner, each word's UTF-8 bytes merged, words remembered.
import { RobertalbertError, show } from "../../errors.ts";
import type { Algorithm, NormalizedText, TokenPlaces, TokenSink } from "../algorithm.ts";
import { BYTE_OF_CHAR, CHAR_OF_BYTE } from "./bytes.ts";
import { Merger, MergeTable } from "./merges.ts";
import { wordEnd } from "./scanner.ts";

/** A blank as tokens have it: Ġ. */
const BLANK = CHAR_OF_BYTE[0x20]!;
/** Words of up to this many UTF-16 units are remembered. */
const CACHED_UNITS = 24;
/** Words remembered at least, twice as many at most: when the young half is full it becomes the old one. */
const CACHED_WORDS = 8192;

export interface ByteLevelOptions {
  /** Puts a blank before a text that starts without whitespace. */
  addPrefixSpace: boolean;
}

export class ByteLevelBpe implements Algorithm {
  readonly vocabularySize: number;
  private readonly ids: ReadonlyMap<string, number>;
  private readonly tokens: readonly (string | undefined)[];
  private readonly idOfByte = new Int32Array(256);
  private readonly merger: Merger;
  private readonly addPrefixSpace: boolean;
  private young = new Map<string, Int32Array>();
  private old = new Map<string, Int32Array>();
  private symbols = new Int32Array(64);
  private bytes = new Uint8Array(64);
  private readonly encoder = new TextEncoder();

  /**
   * @param ids token → id
   * @param merges pairs of tokens in order of rank
   * @throws TOKENIZER_INVALID when a byte has no token, ids are not unique, or a merge has parts or a result that are no tokens
   */
  constructor(
    ids: ReadonlyMap<string, number>,
    merges: readonly (readonly [string, string])[],
    { addPrefixSpace }: ByteLevelOptions,
  ) {
    this.ids = ids;
    this.addPrefixSpace = addPrefixSpace;
    this.vocabularySize = 1 + [...ids.values()].reduce((a, b) => Math.max(a, b), -1);
    const tokens: (string | undefined)[] = new Array(this.vocabularySize).fill(undefined);
    for (const [token, id] of ids) {
      if (tokens[id] !== undefined) throw invalid(`id ${id} belongs to ${show(tokens[id])} and to ${show(token)}`);
      tokens[id] = token;
    }
    this.tokens = tokens;
    CHAR_OF_BYTE.forEach((char, byte) => {
      const id = ids.get(char);
      if (id === undefined)
        throw invalid(`no token for byte ${byte} (${show(char)}): text with it could not be encoded`);
      this.idOfByte[byte] = id;
    });
    this.merger = new Merger(new MergeTable(resolveMerges(ids, merges)));
  }

  tokenToId(token: string): number | undefined {
    return this.ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.tokens[id];
  }

  normalize(text: string): NormalizedText {
    return { text, starts: undefined, ends: undefined };
  }

  encode(source: NormalizedText, start: number, end: number, _isFirst: boolean, sink: TokenSink): void {
    // The prefix goes before every stretch, also one behind an added token: tokenizers' ByteLevel looks at each by itself.
    if (this.addPrefixSpace && start < end && source.text[start] !== " ") {
      this.encodeWords(` ${source.text.slice(start, end)}`, 0, end - start + 1, start, true, sink);
    } else {
      this.encodeWords(source.text, start, end, 0, false, sink);
    }
  }

  decode(tokens: readonly string[]): string {
    const bytes: number[] = [];
    for (const token of tokens) {
      const own = bytesOf(token);
      // A token that is not of the alphabet is an added one: its own UTF-8.
      for (const byte of own ?? this.encoder.encode(token)) bytes.push(byte);
    }
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  }

  /**
   * @param origin where text[0], or what follows the prefix, is in the original
   * @param hasPrefix whether text[0] is a blank that is not in the original
   */
  private encodeWords(
    text: string,
    start: number,
    end: number,
    origin: number,
    hasPrefix: boolean,
    sink: TokenSink,
  ): void {
    for (let at = start; at < end; ) {
      const next = wordEnd(text, at, end);
      const ids = this.encodeWord(text.slice(at, next));
      sink.reserve(ids.length);
      for (let i = 0; i < ids.length; i++) sink.ids[sink.length + i] = ids[i]!;
      if (sink.places) this.place(text, at, ids, origin, hasPrefix, sink, sink.places);
      sink.length += ids.length;
      sink.nextWord++;
      if (sink.length >= sink.limit) return;
      at = next;
    }
  }

  private encodeWord(word: string): Int32Array {
    let ids = this.young.get(word);
    if (ids !== undefined) return ids;
    ids = this.old.get(word) ?? this.mergeWord(word);
    if (word.length > CACHED_UNITS) return ids;
    if (this.young.size >= CACHED_WORDS) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(word, ids);
    return ids;
  }

  private mergeWord(word: string): Int32Array {
    if (this.bytes.length < 3 * word.length) {
      this.bytes = new Uint8Array(6 * word.length);
      this.symbols = new Int32Array(6 * word.length);
    }
    const { written } = this.encoder.encodeInto(word, this.bytes); // a lone surrogate becomes U+FFFD
    for (let i = 0; i < written; i++) this.symbols[i] = this.idOfByte[this.bytes[i]!]!;
    return this.symbols.slice(0, this.merger.merge(this.symbols, written));
  }

  /**
   * Writes where the tokens of the word at `start` lie. A token that holds part of a character lies over all of it; a prefix
   * counts as part of the character behind it.
   */
  private place(
    text: string,
    start: number,
    ids: Int32Array,
    origin: number,
    hasPrefix: boolean,
    sink: TokenSink,
    places: TokenPlaces,
  ): void {
    const shift = hasPrefix ? origin - 1 : origin;
    let unit = start; // of the character that holds the next byte
    let left = utf8Length(text, unit); // of its bytes, those not yet in a token
    for (let i = 0; i < ids.length; i++) {
      const at = sink.length + i;
      const token = this.tokens[ids[i]!]!;
      const isPrefix = hasPrefix && unit === 0;
      const prefixUnits = isPrefix ? unitLength(text, 1) : 0;
      places.starts[at] = shift + (isPrefix ? 1 : unit);
      let end = unit;
      for (let bytes = token.length; bytes > 0; ) {
        end = unit + unitLength(text, unit);
        const taken = Math.min(bytes, left);
        bytes -= taken;
        left -= taken;
        if (left === 0) {
          unit = end;
          left = unit < text.length ? utf8Length(text, unit) : 0;
        }
      }
      places.ends[at] = shift + (isPrefix && end === 1 ? 1 + prefixUnits : end);
      places.words[at] = sink.nextWord;
      places.leads[at] = isPrefix ? -prefixUnits : leadingBlanks(token);
      places.trails[at] = isPrefix && token === BLANK ? prefixUnits : trailingBlanks(token);
    }
  }
}

function leadingBlanks(token: string): number {
  let count = 0;
  while (count < token.length && token[count] === BLANK) count++;
  return count;
}

function trailingBlanks(token: string): number {
  let count = 0;
  while (count < token.length && token[token.length - 1 - count] === BLANK) count++;
  return count;
}

/** The bytes that a token of the alphabet stands for, undefined when a character of it is none of the alphabet. */
function bytesOf(token: string): number[] | undefined {
  const bytes: number[] = [];
  for (const char of token) {
    const byte = BYTE_OF_CHAR.get(char);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return bytes;
}

function unitLength(text: string, at: number): number {
  return text.codePointAt(at)! > 0xffff ? 2 : 1;
}

function utf8Length(text: string, at: number): number {
  const code = text.codePointAt(at)!;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

function resolveMerges(ids: ReadonlyMap<string, number>, merges: readonly (readonly [string, string])[]): Int32Array {
  const resolved = new Int32Array(3 * merges.length);
  merges.forEach(([left, right], rank) => {
    [left, right, left + right].forEach((token, i) => {
      const id = ids.get(token);
      if (id === undefined)
        throw invalid(`merge ${rank} (${show(left)} + ${show(right)}) needs ${show(token)}, which is no token`);
      resolved[3 * rank + i] = id;
    });
  });
  return resolved;
}

function invalid(message: string): RobertalbertError {
  return new RobertalbertError(
    "TOKENIZER_INVALID",
    `the vocabulary contradicts itself: ${message}; fetch tokenizer.json (or vocab.json and merges.txt) again`,
  );
}
