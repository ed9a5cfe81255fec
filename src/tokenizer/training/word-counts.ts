// Which words a text has and how often: all that training keeps of it.
import { hash, spread } from "../byte-level/vocabulary.ts";
import { withRoom } from "./grow.ts";

const EMPTY = -1;

export class WordCounts {
  /** How many different words there are. */
  size = 0;
  /** The words, one behind the other, in order of their first occurrence. */
  bytes = new Uint8Array(1 << 16);
  /** Where word `i` starts in `bytes`; it ends where the next one starts. */
  starts = new Int32Array(1 << 12);
  /** How often word `i` occurs. */
  counts = new Float64Array(1 << 12);
  private hashes = new Int32Array(1 << 12);
  /** Words by hash: open addressing, at most half full. */
  private table = new Int32Array(1 << 13).fill(EMPTY);

  /** Counts the word bytes[start … end). @throws OUT_OF_MEMORY */
  add(bytes: Uint8Array, start: number, end: number): void {
    const { table, hashes } = this;
    const mask = table.length - 1;
    const hashed = spread(hash(bytes, start, end));
    for (let slot = hashed & mask; ; slot = (slot + 1) & mask) {
      const word = table[slot]!;
      if (word === EMPTY) {
        table[slot] = this.insert(bytes, start, end, hashed);
        if (2 * this.size > table.length) this.growTable();
        return;
      }
      if (hashes[word] === hashed && this.isWord(word, bytes, start, end)) {
        this.counts[word]!++;
        return;
      }
    }
  }

  private isWord(word: number, bytes: Uint8Array, start: number, end: number): boolean {
    const first = this.starts[word]!;
    if (this.starts[word + 1]! - first !== end - start) return false;
    for (let i = start; i < end; i++) if (this.bytes[first + i - start] !== bytes[i]) return false;
    return true;
  }

  private insert(bytes: Uint8Array, start: number, end: number, hashed: number): number {
    const word = this.size++;
    const first = this.starts[word]!;
    const last = first + end - start;
    this.bytes = withRoom(this.bytes, last);
    this.starts = withRoom(this.starts, word + 2);
    this.counts = withRoom(this.counts, word + 1);
    this.hashes = withRoom(this.hashes, word + 1);
    for (let i = start; i < end; i++) this.bytes[first + i - start] = bytes[i]!;
    this.starts[word + 1] = last;
    this.counts[word] = 1;
    this.hashes[word] = hashed;
    return word;
  }

  private growTable(): void {
    const table = withRoom(new Int32Array(0), 2 * this.table.length).fill(EMPTY);
    const mask = table.length - 1;
    for (let word = 0; word < this.size; word++) {
      let slot = this.hashes[word]! & mask;
      while (table[slot] !== EMPTY) slot = (slot + 1) & mask;
      table[slot] = word;
    }
    this.table = table;
  }
}
