// Candidates for the next merge in a priority queue: the most frequent pair first, of equals that with the lower ids.
import { withRoom } from "./grow.ts";
import type { PairTable } from "./pair-table.ts";

export class Candidates {
  /** Each candidate's pair; a pair may have several candidates. */
  pairs = new Int32Array(1 << 12);
  /** What its count was when it was put into the queue. */
  counts = new Float64Array(1 << 12);
  /** The words in which to merge: a list of WordLists. */
  lists = new Int32Array(1 << 12);
  private made = 0;
  private heap = new Int32Array(1 << 12);
  private length = 0;
  private readonly table: PairTable;

  constructor(table: PairTable) {
    this.table = table;
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** @throws OUT_OF_MEMORY */
  add(pair: number, list: number): void {
    const candidate = this.made++;
    this.pairs = withRoom(this.pairs, this.made);
    this.counts = withRoom(this.counts, this.made);
    this.lists = withRoom(this.lists, this.made);
    this.heap = withRoom(this.heap, this.made);
    this.pairs[candidate] = pair;
    this.lists[candidate] = list;
    this.push(candidate);
  }

  /** Puts one into the queue by its pair's present count. */
  push(candidate: number): void {
    this.counts[candidate] = this.table.counts[this.pairs[candidate]!]!;
    const { heap } = this;
    let at = this.length++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(candidate, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = candidate;
  }

  /** Takes the first. */
  pop(): number {
    const { heap } = this;
    const first = heap[0]!;
    const moved = heap[--this.length]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.length) break;
      if (child + 1 < this.length && this.isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!this.isBefore(heap[child]!, moved)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
    return first;
  }

  private isBefore(a: number, b: number): boolean {
    const difference = this.counts[a]! - this.counts[b]!;
    if (difference !== 0) return difference > 0;
    const { lefts, rights } = this.table;
    const [p, q] = [this.pairs[a]!, this.pairs[b]!];
    if (lefts[p] !== lefts[q]) return lefts[p]! < lefts[q]!;
    if (rights[p] !== rights[q]) return rights[p]! < rights[q]!;
    return a < b;
  }
}
