// Text that remembers, for each code point, which part of the original text it came from: what NormalizedString is in
// tokenizers (Rust). Only the original positions are UTF-16 units here, so that `original.slice(start, end)` is the source.
import type { NormalizedText } from "../algorithm.ts";

const REPLACEMENT_CHARACTER = 0xfffd;

export interface AlignedText {
  /** How many code points there are; the arrays may be longer. */
  readonly length: number;
  readonly codePoints: Int32Array;
  /** Where the source of each code point begins in the original text, in UTF-16 units. Never decreasing. */
  readonly starts: Int32Array;
  /** Where it ends. */
  readonly ends: Int32Array;
}

/** The units from `start` to `end` of a text, as yet unchanged. A lone surrogate is U+FFFD, as in UTF-8 encoders. */
export function alignText(source: NormalizedText, start: number, end: number): AlignedText {
  const codePoints = new Int32Array(end - start);
  const starts = new Int32Array(end - start);
  const ends = new Int32Array(end - start);
  let length = 0;
  for (let at = start; at < end; length += 1) {
    const codePoint = codePointAt(source.text, at, end);
    codePoints[length] = codePoint;
    starts[length] = source.starts ? source.starts[at]! : at;
    at += codePoint > 0xffff ? 2 : 1;
    ends[length] = source.ends ? source.ends[at - 1]! : at;
  }
  return { length, codePoints, starts, ends };
}

/** The same text as a string, with an alignment for each UTF-16 unit. */
export function toNormalizedText({ length, codePoints, starts, ends }: AlignedText): NormalizedText {
  const text = stringOf(codePoints, 0, length);
  if (text.length === length) return { text, starts: starts.subarray(0, length), ends: ends.subarray(0, length) };
  const unitStarts = new Int32Array(text.length);
  const unitEnds = new Int32Array(text.length);
  for (let i = 0, unit = 0; i < length; i += 1) {
    for (let left = codePoints[i]! > 0xffff ? 2 : 1; left > 0; left -= 1, unit += 1) {
      unitStarts[unit] = starts[i]!;
      unitEnds[unit] = ends[i]!;
    }
  }
  return { text, starts: unitStarts, ends: unitEnds };
}

/** As String's own, but never looks at or beyond `end`, and gives U+FFFD for half a pair. */
function codePointAt(text: string, at: number, end: number): number {
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const next = unit < 0xdc00 && at + 1 < end ? text.charCodeAt(at + 1) : 0;
  return next >= 0xdc00 && next <= 0xdfff ? text.codePointAt(at)! : REPLACEMENT_CHARACTER;
}

/** The code points of a string, a lone surrogate as U+FFFD. */
export function codePointsOf(text: string): Int32Array {
  const { codePoints, length } = alignText({ text, starts: undefined, ends: undefined }, 0, text.length);
  return codePoints.subarray(0, length);
}

/** The code points from `start` to `end` as a string. */
export function stringOf(codePoints: Int32Array, start: number, end: number): string {
  // In parts, because a function takes only so many arguments.
  let text = "";
  for (let at = start; at < end; at += 4096) {
    text += String.fromCodePoint(...codePoints.subarray(at, Math.min(end, at + 4096)));
  }
  return text;
}

/** Writes a changed copy of an aligned text, from left to right; a read position in the source moves along. */
export class Rewriter {
  private readonly source: AlignedText;
  private at = 0;
  /** How many code points have been written. */
  length = 0;
  private codePoints: Int32Array;
  private starts: Int32Array;
  private ends: Int32Array;
  private lastWasInserted = false;

  constructor(source: AlignedText) {
    this.source = source;
    this.codePoints = new Int32Array(source.length + 16);
    this.starts = new Int32Array(source.length + 16);
    this.ends = new Int32Array(source.length + 16);
  }

  /** Writes in place of the next code point of the source. */
  replace(codePoint: number): void {
    this.write(codePoint, this.at);
    this.at += 1;
    this.lastWasInserted = false;
  }

  /** Writes one more code point, which comes from where the source has just been read. Not before anything was read. */
  insert(codePoint: number): void {
    this.write(codePoint, this.at - 1);
    this.lastWasInserted = true;
  }

  /** Writes the source's own code points from `start` to `end` in place of as many next ones. */
  copy(start: number, end: number): void {
    const count = end - start;
    if (count <= 0) return;
    if (this.length + count > this.codePoints.length) this.grow(this.length + count);
    const { codePoints, starts, ends } = this.source;
    this.codePoints.set(codePoints.subarray(start, end), this.length);
    this.starts.set(starts.subarray(this.at, this.at + count), this.length);
    this.ends.set(ends.subarray(this.at, this.at + count), this.length);
    this.length += count;
    this.at += count;
    this.lastWasInserted = false;
  }

  /** Leaves out the next `count` code points of the source. */
  skip(count: number): void {
    this.at += count;
  }

  /** Leaves out the next `count`, too, but a code point inserted just before counts as their replacement. */
  absorb(count: number): void {
    if (this.lastWasInserted) {
      this.starts[this.length - 1] = this.source.starts[this.at]!;
      this.ends[this.length - 1] = this.source.ends[this.at]!;
      this.lastWasInserted = false;
    }
    this.at += count;
  }

  finish(): AlignedText {
    return { length: this.length, codePoints: this.codePoints, starts: this.starts, ends: this.ends };
  }

  private write(codePoint: number, from: number): void {
    if (this.length === this.codePoints.length) this.grow(this.length + 1);
    this.codePoints[this.length] = codePoint;
    this.starts[this.length] = this.source.starts[from]!;
    this.ends[this.length] = this.source.ends[from]!;
    this.length += 1;
  }

  private grow(needed: number): void {
    const size = Math.max(needed, this.codePoints.length * 2);
    const grown = (old: Int32Array) => {
      const array = new Int32Array(size);
      array.set(old);
      return array;
    };
    this.codePoints = grown(this.codePoints);
    this.starts = grown(this.starts);
    this.ends = grown(this.ends);
  }
}
