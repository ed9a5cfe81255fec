// Byte-pair merging on token ids: the pair with the lowest rank first, the leftmost of equals, until none is left.

/** Pair of ids → rank of its merge, in open addressing on flat arrays: 16 bytes a slot, no objects. */
export class MergeTable {
  /** The id that each merge makes. */
  readonly merged: Int32Array;
  private readonly lefts: Int32Array;
  private readonly rights: Int32Array;
  private readonly ranks: Int32Array;
  private readonly shift: number;

  /** @param merges three numbers a merge, in order of rank: left id, right id, merged id */
  constructor(merges: Int32Array) {
    const count = merges.length / 3;
    const bits = Math.max(4, Math.ceil(Math.log2(count * 2 + 1)));
    this.shift = 32 - bits;
    this.merged = new Int32Array(count);
    this.lefts = new Int32Array(1 << bits).fill(-1);
    this.rights = new Int32Array(1 << bits);
    this.ranks = new Int32Array(1 << bits);
    for (let rank = 0; rank < count; rank++) {
      const left = merges[3 * rank]!;
      const right = merges[3 * rank + 1]!;
      this.merged[rank] = merges[3 * rank + 2]!;
      const slot = this.find(left, right);
      // A pair that is listed twice counts with its last rank, as in tokenizers' hash map.
      this.lefts[slot] = left;
      this.rights[slot] = right;
      this.ranks[slot] = rank;
    }
  }

  /** The rank of a pair, -1 if it is not merged. */
  rank(left: number, right: number): number {
    const slot = this.find(left, right);
    return this.lefts[slot] === -1 ? -1 : this.ranks[slot]!;
  }

  /** The slot of the pair, or the empty one where it would go. */
  private find(left: number, right: number): number {
    const mask = this.lefts.length - 1;
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> this.shift;
    while (this.lefts[slot] !== -1 && (this.lefts[slot] !== left || this.rights[slot] !== right))
      slot = (slot + 1) & mask;
    return slot;
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
      if (right === -1 || ids[left] === -1 || this.table.rank(ids[left]!, ids[right]!) !== rank) continue;
      ids[left] = this.table.merged[rank]!;
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
    const rank = this.table.rank(ids[left]!, ids[right]!);
    if (rank === -1) return;
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
