// SentencePiece's Unigram model: of all ways to put a word together from pieces, the one whose scores add up highest.
import { show } from "../../errors.ts";
import { codePointsOf, stringOf } from "./aligned-text.ts";
import { utf8Byte, utf8Length } from "./charsmap.ts";
import { expectArray, expectObject, invalid } from "./json.ts";
import { PieceTrie } from "./trie.ts";

/** What an unknown character costs more than the worst piece. */
const UNKNOWN_PENALTY = 10;
const BYTES = 256;
/** Longer words than this take memory of their own, which goes when they are done. */
const KEPT_PLACES = 1024;

/** Takes one token: its id, and where it lies, in code points of the word's text. */
export type TakeToken = (id: number, start: number, end: number) => void;

export class UnigramModel {
  /** The piece of each id. */
  readonly pieces: readonly string[];
  readonly ids: ReadonlyMap<string, number>;
  readonly unknownId: number;
  private readonly scores: Float64Array;
  private readonly unknownScore: number;
  /** The ids of <0x00> to <0xFF> (-1 where there is none); undefined without byte_fallback. */
  private readonly byteIds: Int32Array | undefined;
  private readonly trie = new PieceTrie();
  private readonly kept = new BestPaths(KEPT_PLACES);

  /**
   * @param json the `model` of tokenizer.json: `vocab` [[piece, score], …], `unk_id`, `byte_fallback`
   * @throws TOKENIZER_INVALID when one of them is missing or contradicts the others
   */
  constructor(json: unknown) {
    const fields = expectObject(json, "model");
    const vocab = expectArray(fields.vocab, "model.vocab");
    const unknownId = fields.unk_id;
    if (!Number.isInteger(unknownId) || (unknownId as number) < 0 || (unknownId as number) >= vocab.length) {
      throw invalid(
        "model.unk_id",
        show(unknownId),
        `the place of the unknown token in model.vocab (${vocab.length} pieces)`,
      );
    }
    const byteFallback = fields.byte_fallback ?? false;
    if (typeof byteFallback !== "boolean") throw invalid("model.byte_fallback", show(byteFallback), "true or false");

    const pieces: string[] = [];
    const ids = new Map<string, number>();
    const scores = new Float64Array(vocab.length);
    for (const [id, entry] of vocab.entries()) {
      const [piece, score] = Array.isArray(entry) ? (entry as unknown[]) : [];
      if (typeof piece !== "string" || typeof score !== "number" || !Number.isFinite(score)) {
        throw invalid(`model.vocab[${id}]`, show(entry), "[piece, score]");
      }
      if (ids.has(piece)) {
        throw invalid(`model.vocab[${id}]`, show(piece), `a piece that vocab[${ids.get(piece)}] is not already`);
      }
      pieces.push(piece);
      ids.set(piece, id);
      scores[id] = score;
      this.trie.add(codePointsOf(piece), id);
    }
    this.pieces = pieces;
    this.ids = ids;
    this.unknownId = unknownId as number;
    this.scores = scores;
    // As JSON.parse reads them. tokenizers' own from_file is off by a bit in the last place of one score in ten; Transformers 5
    // reads the scores with Python, which rounds rightly, too.
    this.unknownScore = scores.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) - UNKNOWN_PENALTY;
    if (byteFallback) this.byteIds = Int32Array.from({ length: BYTES }, (_, byte) => ids.get(byteName(byte)) ?? -1);
  }

  /** Gives the tokens of the word from `start` to `end`, in order. Neighbouring unknown characters are one token. */
  tokenize(codePoints: Int32Array, start: number, end: number, take: TakeToken): void {
    const length = end - start;
    const best = length < this.kept.scores.length ? this.kept : new BestPaths(length + 1);
    this.findPaths(codePoints.subarray(start, end), best);
    const ends: number[] = [];
    for (let at = length; at > 0; at = best.starts[at]!) ends.push(at);
    for (let i = ends.length - 1, from = 0; i >= 0; i -= 1) {
      const id = best.ids[ends[i]!]!;
      if (id === this.unknownId) {
        while (i > 0 && best.ids[ends[i - 1]!] === id) i -= 1;
        this.takeUnknown(codePoints, start + from, start + ends[i]!, take);
      } else {
        take(id, start + from, start + ends[i]!);
      }
      from = ends[i]!;
    }
  }

  private findPaths(word: Int32Array, best: BestPaths): void {
    best.clear(word.length);
    for (let start = 0; start < word.length; start += 1) {
      const before = best.scores[start]!;
      let isKnown = false;
      for (let end = start, node = 0; end < word.length; ) {
        node = this.trie.child(node, word[end]!);
        if (node === 0) break;
        end += 1;
        const id = this.trie.idAt(node);
        if (id < 0) continue;
        best.offer(id, start, end, this.scores[id]! + before);
        if (end === start + 1) isKnown = true;
      }
      if (!isKnown) best.offer(this.unknownId, start, start + 1, this.unknownScore + before);
    }
  }

  /** Joined unknown characters may be a piece after all; otherwise they are their bytes, if there is a piece for each. */
  private takeUnknown(codePoints: Int32Array, start: number, end: number, take: TakeToken): void {
    const known = this.ids.get(stringOf(codePoints, start, end));
    const bytes =
      known === undefined && this.byteIds !== undefined ? this.bytePieces(codePoints, start, end) : undefined;
    if (bytes !== undefined) for (const id of bytes) take(id, start, end);
    else take(known ?? this.unknownId, start, end);
  }

  private bytePieces(codePoints: Int32Array, start: number, end: number): number[] | undefined {
    const ids: number[] = [];
    for (let at = start; at < end; at += 1) {
      const length = utf8Length(codePoints[at]!);
      for (let i = 0; i < length; i += 1) {
        const id = this.byteIds![utf8Byte(codePoints[at]!, length, i)]!;
        if (id < 0) return undefined;
        ids.push(id);
      }
    }
    return ids;
  }
}

/** The best path to each place in a word: its score, its last piece, and where that begins (-1 while there is no path). */
class BestPaths {
  readonly scores: Float64Array;
  readonly ids: Int32Array;
  readonly starts: Int32Array;

  constructor(places: number) {
    this.scores = new Float64Array(places);
    this.ids = new Int32Array(places);
    this.starts = new Int32Array(places);
  }

  clear(length: number): void {
    this.scores[0] = 0;
    this.starts.fill(-1, 0, length + 1);
  }

  /** The first of equally good paths stays. */
  offer(id: number, start: number, end: number, score: number): void {
    if (this.starts[end] !== -1 && score <= this.scores[end]!) return;
    this.scores[end] = score;
    this.ids[end] = id;
    this.starts[end] = start;
  }
}

function byteName(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}
