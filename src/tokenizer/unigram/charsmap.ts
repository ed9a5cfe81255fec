// SentencePiece's precompiled_charsmap: a double-array trie (darts-clone) from UTF-8 to an offset in a block of
// replacements, each ended by a 0 byte. Layout: u32 byte length of the trie, its u32 units, the block; little-endian.
import { RobertalbertError, show } from "../../errors.ts";
import { codePointsOf } from "./aligned-text.ts";

const HAS_LEAF = 1 << 8;
const LABEL = 0x800000ff;
const VALUE = 0x7fffffff;

/** What a charsmap says about one character or grapheme at a time. */
export class Charsmap {
  private readonly units: Uint32Array;
  private readonly replacements: Uint8Array;
  private readonly where: string;
  /** By offset in the block: the few thousand that a charsmap has, as they come up. */
  private readonly decoded = new Map<number, Int32Array>();

  /**
   * @param base64 the value in tokenizer.json
   * @param where its name there, for messages
   * @throws TOKENIZER_INVALID when it is not base64, is cut short, or the trie does not fit
   */
  constructor(base64: unknown, where: string) {
    this.where = where;
    const bytes = decodeBase64(base64, where);
    const view = new DataView(bytes.buffer);
    const trieBytes = bytes.length >= 4 ? view.getUint32(0, true) : 0;
    if (trieBytes < 4 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length) {
      throw new RobertalbertError(
        "TOKENIZER_INVALID",
        `tokenizer.json: ${where} has ${bytes.length} bytes, and its first four announce a trie of ${trieBytes}; ` +
          "expected a multiple of 4 that fits: the file is cut short or damaged, fetch it again",
      );
    }
    this.units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
    this.replacements = bytes.subarray(4 + trieBytes);
  }

  /**
   * What replaces the code points from `start` to `end`; undefined when they stay. The first match decides, however short:
   * `e` with a rare accent becomes what `e` alone would. tokenizers (Rust) does so; results must be the same.
   */
  lookUp(codePoints: Int32Array, start: number, end: number): Int32Array | undefined {
    let node = offsetOf(this.units[0]!);
    for (let at = start; at < end; at += 1) {
      const codePoint = codePoints[at]!;
      const bytes = utf8Length(codePoint);
      for (let i = 0; i < bytes; i += 1) {
        const byte = utf8Byte(codePoint, bytes, i);
        if (byte === 0) return undefined;
        node ^= byte;
        const unit = this.unit(node);
        if ((unit & LABEL) >>> 0 !== byte) return undefined;
        node ^= offsetOf(unit);
        if (unit & HAS_LEAF) return this.replacement(this.unit(node) & VALUE);
      }
    }
    return undefined;
  }

  private unit(node: number): number {
    const unit = this.units[node];
    if (unit === undefined) throw this.damaged(`unit ${node >>> 0} of ${this.units.length} of its trie`);
    return unit;
  }

  private replacement(offset: number): Int32Array {
    const known = this.decoded.get(offset);
    if (known !== undefined) return known;
    if (offset > this.replacements.length) {
      throw this.damaged(`byte ${offset} of ${this.replacements.length} of its replacements`);
    }
    const end = this.replacements.indexOf(0, offset);
    const bytes = this.replacements.subarray(offset, end < 0 ? undefined : end);
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.damaged(`bytes that are not UTF-8, at ${offset} of its replacements`);
    }
    const replacement = codePointsOf(text);
    this.decoded.set(offset, replacement);
    return replacement;
  }

  private damaged(what: string): RobertalbertError {
    return new RobertalbertError(
      "TOKENIZER_INVALID",
      `tokenizer.json: ${this.where} refers to ${what}: the file is damaged, fetch it again`,
    );
  }
}

/** How many bytes a code point takes in UTF-8. */
export function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** Byte `index` of the `length` that a code point has in UTF-8. */
export function utf8Byte(codePoint: number, length: number, index: number): number {
  const bits = codePoint >> (6 * (length - 1 - index));
  if (index > 0) return 0x80 | (bits & 0x3f);
  return length === 1 ? bits : ((0xf00 >> length) & 0xff) | bits;
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
}

function decodeBase64(base64: unknown, where: string): Uint8Array<ArrayBuffer> {
  try {
    if (typeof base64 === "string" && base64 !== "") {
      const binary = atob(base64);
      const bytes = new Uint8Array(binary.length);
      for (let i = 0; i < bytes.length; i += 1) bytes[i] = binary.charCodeAt(i);
      return bytes;
    }
  } catch {
    // Not base64: the message below says so.
  }
  throw new RobertalbertError(
    "TOKENIZER_INVALID",
    `tokenizer.json: ${where} is ${show(base64)}, expected a charsmap in base64: fetch the file again`,
  );
}
