// The tokens of a byte-level vocabulary, kept as the bytes that they stand for: one array for all, no string for each.
import { RobertalbertError, show } from "../../errors.ts";
import { bytesOfToken, CHAR_OF_BYTE } from "./bytes.ts";

const ABSENT = -1;

export class Vocabulary {
  /** Ids are from 0 and below this. */
  readonly size: number;
  /** Token `id` is the bytes [starts[id], ends[id]) of `text`; starts[id] is -1 where there is none of this kind. */
  readonly text: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Tokens with a character outside the alphabet, which no text is encoded to. */
  readonly odd: ReadonlyMap<number, string>;
  private index: Int32Array | undefined;

  constructor(text: Uint8Array, starts: Int32Array, ends: Int32Array, odd: ReadonlyMap<number, string>) {
    this.text = text;
    this.starts = starts;
    this.ends = ends;
    this.odd = odd;
    this.size = starts.length;
  }

  has(id: number): boolean {
    return (this.starts[id] ?? ABSENT) !== ABSENT || this.odd.has(id);
  }

  /** A token as vocab.json writes it. */
  tokenOf(id: number): string | undefined {
    const start = this.starts[id];
    if (start === undefined || start === ABSENT) return this.odd.get(id);
    let token = "";
    for (let at = start; at < this.ends[id]!; at++) token += CHAR_OF_BYTE[this.text[at]!];
    return token;
  }

  idOf(token: string): number | undefined {
    const bytes = bytesOfToken(token);
    if (bytes) {
      const id = this.find(bytes, 0, bytes.length);
      return id < 0 ? undefined : id;
    }
    for (const [id, odd] of this.odd) if (odd === token) return id;
    return undefined;
  }

  /** Bytes of text that a token stands for. */
  lengthBytes(id: number): number {
    return this.ends[id]! - this.starts[id]!;
  }

  /** The id of each byte's own token, -1 where there is none. */
  idsOfBytes(): Int32Array {
    const ids = new Int32Array(256).fill(ABSENT);
    for (let id = 0; id < this.size; id++)
      if (this.lengthBytes(id) === 1 && this.starts[id] !== ABSENT) ids[this.text[this.starts[id]!]!] = id;
    return ids;
  }

  /**
   * The id of the token that is bytes[start … end), -1 if there is none.
   * @throws TOKENIZER_INVALID at the first call, when a token has two ids
   */
  find(bytes: Uint8Array, start: number, end: number): number {
    this.index ??= this.makeIndex();
    const slot = this.slot(this.index, bytes, start, end);
    return this.index[slot]!;
  }

  /** Open addressing, at most half full. */
  private makeIndex(): Int32Array {
    const index = new Int32Array(2 ** Math.ceil(Math.log2(2 * this.size + 2))).fill(ABSENT);
    for (let id = 0; id < this.size; id++) {
      if (this.starts[id] === ABSENT) continue;
      const slot = this.slot(index, this.text, this.starts[id]!, this.ends[id]!);
      if (index[slot] !== ABSENT)
        throw new RobertalbertError(
          "TOKENIZER_INVALID",
          `the vocabulary contradicts itself: ${show(this.tokenOf(id))} has the ids ${index[slot]} and ${id}; fetch it again`,
        );
      index[slot] = id;
    }
    return index;
  }

  /** The slot of these bytes, or the empty one where they would go. */
  private slot(index: Int32Array, bytes: Uint8Array, start: number, end: number): number {
    const { text, starts, ends } = this;
    const mask = index.length - 1;
    for (let slot = hash(bytes, start, end) & mask; ; slot = (slot + 1) & mask) {
      const id = index[slot]!;
      if (id === ABSENT) return slot;
      const from = starts[id]!;
      if (ends[id]! - from !== end - start) continue;
      let at = start;
      while (at < end && text[from + at - start] === bytes[at]) at++;
      if (at === end) return slot;
    }
  }
}

/** FNV-1a, its bits mixed once more: tables take the low ones. */
export function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let at = start; at < end; at++) value = Math.imul(value ^ bytes[at]!, 0x01000193);
  return value ^ (value >>> 15);
}
