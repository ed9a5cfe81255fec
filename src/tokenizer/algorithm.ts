// The seam between the front of a tokenizer (added tokens, special tokens, pairs, truncation, padding) and the algorithm
// behind it, which turns a stretch of text without added tokens into tokens.

/** Where an algorithm puts tokens. The caller reads [0, length) and may use it again after setting `length` to 0. */
export class TokenSink {
  ids = new Int32Array(64);
  /** UTF-16 units in the original text; undefined where nobody asked for offsets (the fast path). */
  starts: Int32Array | undefined;
  ends: Int32Array | undefined;
  /** The word that each token belongs to, counted on from `nextWord`; there with the offsets. */
  words: Int32Array | undefined;
  length = 0;
  nextWord = 0;

  /** @param withOffsets whether starts, ends and words are wanted */
  constructor(withOffsets: boolean) {
    if (!withOffsets) return;
    this.starts = new Int32Array(64);
    this.ends = new Int32Array(64);
    this.words = new Int32Array(64);
  }

  /** Makes room for `more` tokens in every array. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.ids.length) return;
    const capacity = Math.max(needed, 2 * this.ids.length);
    const grow = (old: Int32Array) => {
      const next = new Int32Array(capacity);
      next.set(old);
      return next;
    };
    this.ids = grow(this.ids);
    if (this.starts) this.starts = grow(this.starts);
    if (this.ends) this.ends = grow(this.ends);
    if (this.words) this.words = grow(this.words);
  }
}

/** Text after an algorithm's normaliser: unit i of `text` comes from the units [starts[i], ends[i]) of the original. */
export interface NormalizedText {
  text: string;
  /** Both undefined: `text` is the original, unit for unit. */
  starts: Int32Array | undefined;
  ends: Int32Array | undefined;
}

export interface Algorithm {
  /** Ids from 0 and below this may be its own; added tokens may have others. */
  readonly vocabularySize: number;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
  /** Identity for byte-level BPE. Applied to the contents of added tokens with `normalized: true` as well. */
  normalize(text: string): NormalizedText;
  /**
   * Appends the tokens of the units [start, end) of `source.text`, a stretch without added tokens.
   * @param isFirst whether nothing stands before it in its text (prefix space, Metaspace "first")
   */
  encode(source: NormalizedText, start: number, end: number, isFirst: boolean, sink: TokenSink): void;
  /** Tokens (added ones as they are written) back to text, nothing cleaned up. */
  decode(tokens: readonly string[]): string;
}
