// Pairs of neighbouring tokens, numbered in order of their first occurrence, with what is known of each.
import { withRoom } from "./grow.ts";

const EMPTY = -1;
/** No list of words. */
export const NONE = -1;

export class PairTable {
  size = 0;
  lefts = new Int32Array(1 << 12);
  rights = new Int32Array(1 << 12);
  /** How often the pair occurs in the text. */
  counts = new Float64Array(1 << 12);
  /** The words in which it has come up: a list of WordLists, or NONE. */
  lists = new Int32Array(1 << 12);
  /** Open addressing, at most half full. */
  private table = new Int32Array(1 << 13).fill(EMPTY);

  /** A pair's number; a new one has count 0 and no list. @throws OUT_OF_MEMORY */
  find(left: number, right: number): number {
    const { table, lefts, rights } = this;
    const mask = table.length - 1;
    for (let slot = mixed(left, right) & mask; ; slot = (slot + 1) & mask) {
      const pair = table[slot]!;
      if (pair === EMPTY) {
        table[slot] = this.size;
        return this.insert(left, right);
      }
      if (lefts[pair] === left && rights[pair] === right) return pair;
    }
  }

  private insert(left: number, right: number): number {
    const pair = this.size++;
    this.lefts = withRoom(this.lefts, this.size);
    this.rights = withRoom(this.rights, this.size);
    this.counts = withRoom(this.counts, this.size);
    this.lists = withRoom(this.lists, this.size);
    this.lefts[pair] = left;
    this.rights[pair] = right;
    this.lists[pair] = NONE;
    if (2 * this.size > this.table.length) this.growTable();
    return pair;
  }

  private growTable(): void {
    const table = withRoom(new Int32Array(0), 2 * this.table.length).fill(EMPTY);
    const mask = table.length - 1;
    for (let pair = 0; pair < this.size; pair++) {
      let slot = mixed(this.lefts[pair]!, this.rights[pair]!) & mask;
      while (table[slot] !== EMPTY) slot = (slot + 1) & mask;
      table[slot] = pair;
    }
    this.table = table;
  }
}

function mixed(left: number, right: number): number {
  const product = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
  return product ^ (product >>> 15);
}
