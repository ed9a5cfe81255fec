// Byte-pair merging on token ids: the pair with the lowest rank first, the leftmost of equals, until none is left.

const EMPTY = -1;

/** Pair of ids → its merge, in open addressing on one flat array: left, right, rank and merged id of a pair lie together. */
export class MergeTable {
  private readonly slots: Int32Array;
  private readonly mask: number;

  /** @param merges three numbers a merge, in order of rank: left id, right id, merged id */
  constructor(merges: Int32Array) {
    const count = merges.length / 3;
    const capacity = 2 ** Math.ceil(Math.log2(2 * count + 2));
    this.mask = capacity - 1;
    this.slots = new Int32Array(4 * capacity).fill(EMPTY);
    const { slots } = this;
    for (let rank = 0; rank < count; rank++) {
      const left = merges[3 * rank]!;
      const right = merges[3 * rank + 1]!;
      const at = this.find(left, right);
      // A pair that is listed twice counts with its last rank, as in tokenizers' hash map.
      slots[at] = left;
      slots[at + 1] = right;
      slots[at + 2] = rank;
      slots[at + 3] = merges[3 * rank + 2]!;
    }
  }

  /** Where the pair's merge is, for the next two; or an empty place, which has rank -1. */
  find(left: number, right: number): number {
    const { slots, mask } = this;
    const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const at = 4 * slot;
      const found = slots[at];
      if (found === EMPTY || (found === left && slots[at + 1] === right)) return at;
    }
  }

  rankAt(at: number): number {
    return this.slots[at + 2]!;
  }

  mergedAt(at: number): number {
    return this.slots[at + 3]!;
  }
}

/** A heap entry holds rank and position in one double: rank · 2³¹ + position, exact for ranks below 2²². */
const POSITIONS = 2 ** 31;

/** Merges in place. Its arrays are kept from word to word; n log n for a word of n symbols. */
export class Merger {
  private readonly table: MergeTable;
  private next = new Int32Array(64);
  private previous = new Int32Array(64);
  private heap = new Float64Array(128);
  private heapSize = 0;

  constructor(table: MergeTable) {
    this.table = table;
  }

  /**
   * @param ids one id a byte; the result is written over it
   * @returns how many ids are left
   */
  merge(ids: Int32Array, count: number): number {
    this.prepare(count);
    const { next, previous } = this;
    for (let i = 0; i < count; i++) {
      previous[i] = i - 1;
      next[i] = i + 1 < count ? i + 1 : -1;
    }
    for (let i = 0; i + 1 < count; i++) this.offer(ids, i, i + 1);
    while (this.heapSize > 0) {
      const entry = this.pop();
      const rank = Math.floor(entry / POSITIONS);
      const left = entry - rank * POSITIONS;
      const right = next[left]!;
      // Entries of symbols that have been merged since are out of date.
      if (right === -1 || ids[left] === -1) continue;
      const at = this.table.find(ids[left]!, ids[right]!);
      if (this.table.rankAt(at) !== rank) continue;
      ids[left] = this.table.mergedAt(at);
      ids[right] = -1;
      const after = next[right]!;
      next[left] = after;
      if (after !== -1) {
        previous[after] = left;
        this.offer(ids, left, after);
      }
      if (previous[left] !== -1) this.offer(ids, previous[left]!, left);
    }
    let length = 0;
    for (let i = 0; i !== -1; i = next[i]!) ids[length++] = ids[i]!;
    return length;
  }

  private prepare(count: number): void {
    if (count > this.next.length) {
      const capacity = Math.max(count, 2 * this.next.length);
      this.next = new Int32Array(capacity);
      this.previous = new Int32Array(capacity);
      this.heap = new Float64Array(3 * capacity); // n - 1 pairs at first, two more for each of n - 1 merges, less those taken
    }
  }

  private offer(ids: Int32Array, left: number, right: number): void {
    const rank = this.table.rankAt(this.table.find(ids[left]!, ids[right]!));
    if (rank === EMPTY) return;
    const { heap } = this;
    const entry = rank * POSITIONS + left;
    let at = this.heapSize++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]! <= entry) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): number {
    const { heap } = this;
    const top = heap[0]!;
    const entry = heap[--this.heapSize]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.heapSize) break;
      if (child + 1 < this.heapSize && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= entry) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
    return top;
  }
}
