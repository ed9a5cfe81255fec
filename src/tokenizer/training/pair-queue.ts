// Pairs in a priority queue: the most frequent first, of equals that with the lower ids.
import { withRoom } from "./grow.ts";
import type { PairTable } from "./pair-table.ts";

export class PairQueue {
  private readonly pairs: PairTable;
  private heap = new Int32Array(1 << 12);
  private length = 0;
  /** Each pair's count when it was put into the queue, by which it stands there. */
  private counts = new Float64Array(1 << 12);

  constructor(pairs: PairTable) {
    this.pairs = pairs;
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** Puts a pair where its present count belongs. @throws OUT_OF_MEMORY */
  push(pair: number): void {
    this.counts = withRoom(this.counts, pair + 1);
    this.heap = withRoom(this.heap, this.length + 1);
    this.counts[pair] = this.pairs.counts[pair]!;
    const { heap } = this;
    let at = this.length++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(pair, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = pair;
  }

  /** Takes the first pair. Its count may have changed since it was put there. */
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

  /** Whether a pair's count is what it was when the pair was put into the queue. */
  isUpToDate(pair: number): boolean {
    return this.counts[pair] === this.pairs.counts[pair];
  }

  private isBefore(a: number, b: number): boolean {
    const difference = this.counts[a]! - this.counts[b]!;
    if (difference !== 0) return difference > 0;
    const { lefts, rights } = this.pairs;
    return lefts[a] !== lefts[b] ? lefts[a]! < lefts[b]! : rights[a]! < rights[b]!;
  }
}
