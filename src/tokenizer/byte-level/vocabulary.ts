// The tokens of a byte-level vocabulary, kept as the bytes that they stand for: one array for all, no string for each.
import { RobertalbertError, show } from "../../errors.ts";
import { bytesOfToken, CHAR_OF_BYTE } from "./bytes.ts";

/** A slot of the index holds an id in its low bits, and above them some of the token's hash; EMPTY is no such value. */
const ID_BITS = 22;
const ID_MASK = (1 << ID_BITS) - 1;
const EMPTY = -1;
export const MAX_TOKENS = ID_MASK;

export class Vocabulary {
  /** Ids are from 0 and below this. */
  readonly size: number;
  /** The bytes of all tokens. */
  readonly text: Uint8Array;
  /** How many bytes it has there: 0 where there is none of this kind. */
  readonly lengths: Int32Array;
  /** Tokens with a character outside the alphabet, which no text is encoded to. */
  readonly odd: ReadonlyMap<number, string>;
  private readonly starts: Int32Array;
  private readonly strideBits: number;
  private index: Int32Array | undefined;
  private hashes: Int32Array | undefined;

  /**
   * @param starts where in `text` tokens start: all, or every 2^strideBits-th; these lie there in order of their ids
   * @param hashes of the tokens, by id, where they are known already
   */
  constructor(
    text: Uint8Array,
    starts: Int32Array,
    strideBits: number,
    lengths: Int32Array,
    odd: ReadonlyMap<number, string>,
    hashes?: Int32Array,
  ) {
    this.text = text;
    this.starts = starts;
    this.strideBits = strideBits;
    this.lengths = lengths;
    this.odd = odd;
    this.size = lengths.length;
    this.hashes = hashes;
  }

  /** The ids below `size` that no token has. */
  holes(): number[] {
    const holes: number[] = [];
    for (const id of this.idsOfLength(0)) if (!this.odd.has(id)) holes.push(id);
    return holes;
  }

  /** A token as vocab.json writes it. */
  tokenOf(id: number): string | undefined {
    if (!(this.lengthBytes(id) > 0)) return this.odd.get(id);
    const start = this.startOf(id);
    let token = "";
    for (let i = 0; i < this.lengthBytes(id); i++) token += CHAR_OF_BYTE[this.text[start + i]!];
    return token;
  }

  idOf(token: string): number | undefined {
    const bytes = bytesOfToken(token);
    if (bytes && bytes.length > 0) {
      const id = this.find(bytes, 0, bytes.length, hash(bytes, 0, bytes.length));
      return id < 0 ? undefined : id;
    }
    for (const [id, odd] of this.odd) if (odd === token) return id;
    return undefined;
  }

  /** Where a token's bytes start in `text`. */
  startOf(id: number): number {
    const { strideBits, lengths } = this;
    const known = id >> strideBits;
    let start = this.starts[known]!;
    for (let before = known << strideBits; before < id; before++) start += lengths[before]!;
    return start;
  }

  /** Bytes of text that a token stands for. */
  lengthBytes(id: number): number {
    return this.lengths[id]!;
  }

  /** The id of each byte's own token, -1 where there is none. */
  idsOfBytes(): Int32Array {
    const ids = new Int32Array(256).fill(-1);
    for (const id of this.idsOfLength(1)) ids[this.text[this.startOf(id)]!] = id;
    return ids;
  }

  /** By the engine's own search: a loop over all tokens is slow until it is optimised (measured: 2 ms). */
  private *idsOfLength(length: number): Iterable<number> {
    for (let id = this.lengths.indexOf(length); id >= 0; id = this.lengths.indexOf(length, id + 1)) yield id;
  }

  /**
   * The id of the token that is bytes[start … end), -1 if there is none.
   * @param hashed their hash
   * @throws TOKENIZER_INVALID at the first call, when a token has two ids
   */
  find(bytes: Uint8Array, start: number, end: number, hashed: number): number {
    this.index ??= this.makeIndex();
    const found = this.index[this.slot(this.index, bytes, start, end, spread(hashed))]!;
    return found === EMPTY ? -1 : found & ID_MASK;
  }

  /** Whether token `id` is bytes[start … end). */
  isToken(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.lengths[id] !== end - start) return false;
    const { text } = this;
    const shift = this.startOf(id) - start;
    for (let at = start; at < end; at++) if (text[shift + at] !== bytes[at]) return false;
    return true;
  }

  /** Open addressing, at most half full. */
  private makeIndex(): Int32Array {
    const { text, lengths, size, hashes } = this;
    this.hashes = undefined;
    const index = new Int32Array(2 ** Math.ceil(Math.log2(2 * size + 2))).fill(EMPTY);
    for (let id = 0; id < size; id++) {
      const length = lengths[id]!;
      if (length === 0) continue;
      const start = this.startOf(id);
      const mixed = spread(hashes ? hashes[id]! : hash(text, start, start + length));
      const slot = this.slot(index, text, start, start + length, mixed);
      if (index[slot] !== EMPTY)
        throw new RobertalbertError(
          "TOKENIZER_INVALID",
          `the vocabulary contradicts itself: ${show(this.tokenOf(id))} has the ids ${index[slot]! & ID_MASK} and ${id}; fetch it again`,
        );
      index[slot] = (mixed & ~ID_MASK) | id;
    }
    return index;
  }

  /** The slot of these bytes, or the empty one where they would go. */
  private slot(index: Int32Array, bytes: Uint8Array, start: number, end: number, mixed: number): number {
    const mask = index.length - 1;
    for (let slot = mixed & mask; ; slot = (slot + 1) & mask) {
      const found = index[slot]!;
      if (found === EMPTY) return slot;
      if (((found ^ mixed) & ~ID_MASK) === 0 && this.isToken(found & ID_MASK, bytes, start, end)) return slot;
    }
  }
}

/**
 * A word's hash: for each byte turned left by 5 bits, in which letters differ. It needs no multiplication, which is slow until the
 * engine has optimised the code, and that comes too late for a vocabulary that is read once.
 */
export function hash(bytes: Uint8Array, start: number, end: number): number {
  let hashed = 0;
  for (let at = start; at < end; at++) hashed = nextHash(hashed, bytes[at]!);
  return hashed;
}

/** The hash of what `hashed` is of (0 for nothing), and one more byte. */
export function nextHash(hashed: number, byte: number): number {
  return (hashed << 5) ^ (hashed >>> 27) ^ byte;
}

/** The hash of two words, one behind the other. */
export function joinedHash(left: number, right: number, rightBytes: number): number {
  const turn = (5 * rightBytes) & 31;
  return (turn === 0 ? left : (left << turn) | (left >>> (32 - turn))) ^ right;
}

/** Mixes a hash, so that the low bits, which tables take, depend on all. */
export function spread(hashed: number): number {
  const mixed = Math.imul(hashed, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
