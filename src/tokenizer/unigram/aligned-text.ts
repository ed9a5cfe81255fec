// Text that remembers, for each code point, which part of the original text it came from: what NormalizedString is in
// tokenizers (Rust). Only the original positions are UTF-16 units here, so that `original.slice(start, end)` is the source.

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

/** The part of `original` from `start` to `end`, not yet changed. A lone surrogate is U+FFFD, as in UTF-8 encoders. */
export function alignText(original: string, start: number, end: number): AlignedText {
  const codePoints = new Int32Array(end - start);
  const starts = new Int32Array(end - start);
  const ends = new Int32Array(end - start);
  let length = 0;
  for (let at = start; at < end; length += 1) {
    const codePoint = codePointAt(original, at, end);
    codePoints[length] = codePoint;
    starts[length] = at;
    at += codePoint > 0xffff ? 2 : 1;
    ends[length] = at;
  }
  return { length, codePoints, starts, ends };
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
  const { codePoints, length } = alignText(text, 0, text.length);
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
  readonly #source: AlignedText;
  #at = 0;
  #length = 0;
  #codePoints: Int32Array;
  #starts: Int32Array;
  #ends: Int32Array;
  #lastWasInserted = false;

  constructor(source: AlignedText) {
    this.#source = source;
    this.#codePoints = new Int32Array(source.length + 16);
    this.#starts = new Int32Array(source.length + 16);
    this.#ends = new Int32Array(source.length + 16);
  }

  /** How many code points have been written. */
  get length(): number {
    return this.#length;
  }

  /** Writes in place of the next code point of the source. */
  replace(codePoint: number): void {
    this.#write(codePoint, this.#at);
    this.#at += 1;
    this.#lastWasInserted = false;
  }

  /** Writes one more code point, which comes from where the source has just been read. Not before anything was read. */
  insert(codePoint: number): void {
    this.#write(codePoint, this.#at - 1);
    this.#lastWasInserted = true;
  }

  /** Leaves out the next `count` code points of the source. */
  skip(count: number): void {
    this.#at += count;
  }

  /** Leaves out the next `count`, too, but a code point inserted just before counts as their replacement. */
  absorb(count: number): void {
    if (this.#lastWasInserted) {
      this.#starts[this.#length - 1] = this.#source.starts[this.#at]!;
      this.#ends[this.#length - 1] = this.#source.ends[this.#at]!;
      this.#lastWasInserted = false;
    }
    this.#at += count;
  }

  finish(): AlignedText {
    return { length: this.#length, codePoints: this.#codePoints, starts: this.#starts, ends: this.#ends };
  }

  #write(codePoint: number, from: number): void {
    if (this.#length === this.#codePoints.length) this.#grow();
    this.#codePoints[this.#length] = codePoint;
    this.#starts[this.#length] = this.#source.starts[from]!;
    this.#ends[this.#length] = this.#source.ends[from]!;
    this.#length += 1;
  }

  #grow(): void {
    const grown = (old: Int32Array) => {
      const array = new Int32Array(old.length * 2);
      array.set(old);
      return array;
    };
    this.#codePoints = grown(this.#codePoints);
    this.#starts = grown(this.#starts);
    this.#ends = grown(this.#ends);
  }
}
