// The seam between the front of a tokenizer (added tokens, special tokens, pairs, truncation, padding) and the algorithm
// behind it, which turns a stretch of text without added tokens into tokens.

/** What TokenSink keeps of each token besides its id; there where somebody asked for offsets. */
export interface TokenPlaces {
  /** Where it lies in the original text, in UTF-16 units, the blanks that belong to it included. */
  starts: Int32Array;
  ends: Int32Array;
  /** The word that it belongs to, counted on from `nextWord`. */
  words: Int32Array;
  /**
   * Units of the blanks that the token begins with: what trim_offsets may leave out. Negative: of the one blank that
   * add_prefix_space put there; it counts as part of the character behind it.
   */
  leads: Int32Array;
  /** Units of the blanks that it ends with. */
  trails: Int32Array;
}

/** Where an algorithm puts tokens. The caller reads [0, length). */
export class TokenSink {
  ids = new Int32Array(64);
  /** Undefined where nobody asked for offsets (the fast path). */
  readonly places: TokenPlaces | undefined;
  length = 0;
  nextWord = 0;
  /** An algorithm stops behind the word with which there are so many tokens or more. */
  limit = Number.POSITIVE_INFINITY;

  constructor(withPlaces: boolean) {
    const empty = () => new Int32Array(64);
    if (withPlaces) this.places = { starts: empty(), ends: empty(), words: empty(), leads: empty(), trails: empty() };
  }

  /** Appends other tokens; their words are kept as they are. */
  append(ids: Int32Array, places: TokenPlaces | undefined): void {
    this.reserve(ids.length);
    this.ids.set(ids, this.length);
    if (this.places && places)
      for (const name of Object.keys(places) as (keyof TokenPlaces)[])
        this.places[name].set(places[name].subarray(0, ids.length), this.length);
    this.length += ids.length;
  }

  /** Makes room for `more` tokens in every array. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.ids.length) return;
    const grow = (old: Int32Array) => {
      const next = new Int32Array(Math.max(needed, 2 * old.length));
      next.set(old);
      return next;
    };
    this.ids = grow(this.ids);
    const { places } = this;
    if (places) for (const name of Object.keys(places) as (keyof TokenPlaces)[]) places[name] = grow(places[name]);
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
  /** Takes whole texts, finds added tokens itself, and does not say where tokens lie: a library. */
  readonly isOpaque?: boolean;
  /** Ids from 0 and below this may be its own; added tokens may have others. */
  readonly vocabularySize: number;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
  /** The ids below vocabularySize that no token of its own has. */
  holes(): number[];
  /** Identity for byte-level BPE. Applied to the contents of added tokens with `normalized: true` as well. */
  normalize(text: string): NormalizedText;
  /**
   * Appends the tokens of the units [start, end) of `source.text`, a stretch without added tokens; at most up to `sink.limit`.
   * @param isFirst whether nothing stands before it in its text (prefix space, Metaspace "first")
   */
  encode(source: NormalizedText, start: number, end: number, isFirst: boolean, sink: TokenSink): void;
  /** Tokens (added ones as they are written) back to text, nothing cleaned up. */
  decode(tokens: readonly string[]): string;
  /** The same for tokens that come bit by bit. */
  decodeStream(): TokenDecoder;
}

/** Decodes bit by bit: what `push` and at last `end` give is together what `decode` gives for all tokens. */
export interface TokenDecoder {
  push(tokens: readonly string[]): string;
  end(): string;
}
