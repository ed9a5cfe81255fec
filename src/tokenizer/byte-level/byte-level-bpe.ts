// RoBERTa's byte-level BPE as an Algorithm: words by the scanner, each word's UTF-8 bytes merged, words remembered.
import { RobertalbertError, show } from "../../errors.ts";
import type { Algorithm, NormalizedText, TokenDecoder, TokenPlaces, TokenSink } from "../algorithm.ts";
import { bytesOfToken, CHAR_OF_BYTE } from "./bytes.ts";
import { type MergeRows, Merger } from "./merges.ts";
import { sequenceBytes, wordEnd } from "./scanner.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { WordCache } from "./word-cache.ts";

const BLANK = 0x20;
/** A text is taken in parts of so many UTF-16 units, so that a long one needs no more memory; only a longer word does. */
const PART_UNITS = 1 << 14;
/** How far beyond a word's end the scanner may look: to the character behind it. */
const LOOKAHEAD_BYTES = 8;

export interface ByteLevelOptions {
  /** Puts a blank before a text that starts without one. */
  addPrefixSpace: boolean;
}

/** A part of a text as the words are found in it. */
interface Part {
  /** UTF-8 in [0, length). */
  bytes: Uint8Array;
  length: number;
  isAscii: boolean;
  /** Whether bytes[0] is a blank that is not in the text. */
  hasPrefix: boolean;
  /** Whether the stretch ends with it: then its last word does, too. */
  isLast: boolean;
}

export class ByteLevelBpe implements Algorithm {
  readonly vocabularySize: number;
  private readonly vocabulary: Vocabulary;
  private readonly idOfByte = new Int32Array(256);
  private readonly merger: Merger;
  private readonly addPrefixSpace: boolean;
  private readonly cache = new WordCache();
  private symbols = new Int32Array(64);
  private bytes = new Uint8Array(1024);
  private readonly encoder = new TextEncoder();

  /**
   * @throws TOKENIZER_INVALID when a byte has no token
   */
  constructor(vocabulary: Vocabulary, merges: MergeRows, { addPrefixSpace }: ByteLevelOptions) {
    this.vocabulary = vocabulary;
    this.addPrefixSpace = addPrefixSpace;
    this.vocabularySize = vocabulary.size;
    this.merger = new Merger(merges);
    this.idOfByte.set(vocabulary.idsOfBytes());
    const byte = this.idOfByte.indexOf(-1);
    if (byte >= 0) {
      throw new RobertalbertError(
        "TOKENIZER_INVALID",
        `the vocabulary has no token for byte ${byte} (${show(CHAR_OF_BYTE[byte])}), text with it could not be encoded; fetch tokenizer.json (or vocab.json and merges.txt) again`,
      );
    }
  }

  tokenToId(token: string): number | undefined {
    return this.vocabulary.idOf(token);
  }

  idToToken(id: number): string | undefined {
    return this.vocabulary.tokenOf(id);
  }

  holes(): number[] {
    return this.vocabulary.holes();
  }

  normalize(text: string): NormalizedText {
    return { text, starts: undefined, ends: undefined };
  }

  encode({ text }: NormalizedText, start: number, end: number, _isFirst: boolean, sink: TokenSink): void {
    // The prefix goes before every stretch, also one behind an added token: tokenizers' ByteLevel looks at each by itself.
    const hasPrefix = this.addPrefixSpace && start < end && text.charCodeAt(start) !== BLANK;
    for (let at = start, units = PART_UNITS; at < end; ) {
      let stop = Math.min(at + units, end);
      if (stop < end && isHighSurrogate(text.charCodeAt(stop - 1))) stop--;
      const part = this.utf8Part(text, at, stop, hasPrefix && at === start, stop === end);
      const endByte = this.encodeWords(part, at, sink);
      if (part.isLast || sink.length >= sink.limit) break;
      const read = unitsIn(part, endByte);
      // A part without a word's end: one word is longer.
      units = read > 0 ? PART_UNITS : 2 * units;
      at += read;
    }
    if (this.bytes.length > 4 * PART_UNITS) {
      this.bytes = new Uint8Array(1024);
      this.symbols = new Int32Array(64);
    }
  }

  /** The units [start, end) of a text; a lone surrogate becomes U+FFFD. */
  private utf8Part(text: string, start: number, end: number, hasPrefix: boolean, isLast: boolean): Part {
    const first = hasPrefix ? 1 : 0;
    const most = 3 * (end - start) + first;
    if (this.bytes.length < most) this.bytes = new Uint8Array(most);
    const { bytes } = this;
    bytes[0] = BLANK;
    const isWhole = start === 0 && end === text.length;
    const { written } = this.encoder.encodeInto(
      isWhole ? text : text.slice(start, end),
      hasPrefix ? bytes.subarray(1) : bytes,
    );
    return { bytes, length: first + written, isAscii: written === end - start, hasPrefix, isLast };
  }

  decode(tokens: readonly string[]): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytesOf(tokens));
  }

  decodeStream(): TokenDecoder {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return {
      push: (tokens) => decoder.decode(this.bytesOf(tokens), { stream: true }),
      end: () => decoder.decode(),
    };
  }

  private bytesOf(tokens: readonly string[]): Uint8Array {
    // A token that is not of the alphabet is an added one: its own UTF-8.
    const parts = tokens.map((token) => bytesOfToken(token) ?? this.encoder.encode(token));
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /**
   * @param origin where the part begins in its text, in UTF-16 units
   * @returns the byte behind the last word whose end is in sight
   */
  private encodeWords(part: Part, origin: number, sink: TokenSink): number {
    const { bytes, length, isAscii, hasPrefix } = part;
    const certain = part.isLast ? length : length - LOOKAHEAD_BYTES;
    const { cache } = this;
    let unit = origin;
    let at = 0;
    while (at < length) {
      const next = wordEnd(bytes, at, length);
      if (next > certain) break;
      const known = cache.find(bytes, at, next);
      const ids = known < 0 ? this.symbols : cache.ids;
      let from = 0;
      let count: number;
      if (known < 0) count = this.mergeWord(bytes, at, next);
      else {
        count = ids[known]!;
        from = known + 1;
      }
      sink.reserve(count);
      for (let i = 0; i < count; i++) sink.ids[sink.length + i] = (known < 0 ? this.symbols : ids)[from + i]!;
      if (sink.places) {
        if (isAscii && !(hasPrefix && at === 0)) unit = this.placeAscii(bytes, at, count, unit, sink, sink.places);
        else unit = this.place(bytes, at, next, count, unit, hasPrefix && at === 0, sink, sink.places);
        sink.places.words.fill(sink.nextWord, sink.length, sink.length + count);
      }
      sink.length += count;
      sink.nextWord++;
      at = next;
      if (sink.length >= sink.limit) break;
    }
    return at;
  }

  /** Puts the word's ids into `symbols` and gives how many they are. */
  private mergeWord(bytes: Uint8Array, start: number, end: number): number {
    if (this.symbols.length < end - start) this.symbols = new Int32Array(2 * (end - start));
    const { symbols } = this;
    for (let at = start; at < end; at++) symbols[at - start] = this.idOfByte[bytes[at]!]!;
    const count = this.merger.merge(symbols, end - start);
    this.cache.put(bytes, start, end, symbols, count);
    return count;
  }

  /**
   * Writes where the sink's next `count` tokens lie, the word's that starts at byte `at` and at `unit` of the text.
   * @returns the unit behind it
   */
  private placeAscii(
    bytes: Uint8Array,
    at: number,
    count: number,
    unit: number,
    sink: TokenSink,
    places: TokenPlaces,
  ): number {
    let start = at;
    for (let i = sink.length; i < sink.length + count; i++) {
      const end = start + this.vocabulary.lengthBytes(sink.ids[i]!);
      places.starts[i] = unit + start - at;
      places.ends[i] = unit + end - at;
      places.leads[i] = leadingBlanks(bytes, start, end);
      places.trails[i] = trailingBlanks(bytes, start, end);
      start = end;
    }
    return unit + start - at;
  }

  /**
   * The same for any text. A token that holds part of a character lies over all of it.
   * @param isPrefixed whether the word's first byte is a prefix, which counts as part of the character behind it
   */
  private place(
    bytes: Uint8Array,
    at: number,
    wordEnd: number,
    count: number,
    unit: number,
    isPrefixed: boolean,
    sink: TokenSink,
    places: TokenPlaces,
  ): number {
    // The character that holds the next byte.
    let charStart = unit;
    let lead = isPrefixed ? at + 1 : at;
    let charEnd = unit + unitsOf(bytes[lead]!);
    let charEndByte = lead + sequenceBytes(bytes[lead]!);
    const prefixUnits = charEnd - charStart;
    let start = at;
    for (let i = sink.length; i < sink.length + count; i++) {
      const end = start + this.vocabulary.lengthBytes(sink.ids[i]!);
      places.starts[i] = charStart;
      while (charEndByte < end) {
        lead = charEndByte;
        charStart = charEnd;
        charEnd += unitsOf(bytes[lead]!);
        charEndByte += sequenceBytes(bytes[lead]!);
      }
      places.ends[i] = charEnd;
      const isPrefix = isPrefixed && start === at;
      places.leads[i] = isPrefix ? -prefixUnits : leadingBlanks(bytes, start, end);
      places.trails[i] = isPrefix && end === at + 1 ? prefixUnits : trailingBlanks(bytes, start, end);
      if (charEndByte === end && end < wordEnd) {
        charStart = charEnd;
        charEnd += unitsOf(bytes[end]!);
        charEndByte += sequenceBytes(bytes[end]!);
      }
      start = end;
    }
    // A prefix alone is a word before whitespace: its character is the next word's, too.
    return charEndByte > wordEnd ? charStart : charEnd;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

/** UTF-16 units of the text in a part's first bytes. */
function unitsIn({ bytes, isAscii, hasPrefix }: Part, endByte: number): number {
  let at = hasPrefix ? 1 : 0;
  if (isAscii) return Math.max(0, endByte - at);
  let units = 0;
  for (; at < endByte; at += sequenceBytes(bytes[at]!)) units += unitsOf(bytes[at]!);
  return units;
}

/** UTF-16 units of a character, by its first byte. */
function unitsOf(lead: number): number {
  return lead >= 0xf0 ? 2 : 1;
}

function leadingBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] === BLANK) at++;
  return at - start;
}

function trailingBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && bytes[at - 1] === BLANK) at--;
  return end - at;
}
