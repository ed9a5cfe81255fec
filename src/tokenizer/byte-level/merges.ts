// Byte-pair merging on token ids: the pair with the lowest rank first, the leftmost of equals, until none is left.

/**
 * Which pairs are merged, by their left id: its row is [rowStarts[left], rowStarts[left + 1]) of the other arrays, in order of the
 * right ids. Plain arrays, so that a file can hold them as they are used.
 */
export interface MergeRows {
  /** One more than there are ids. */
  rowStarts: Int32Array;
  rights: Int32Array;
  /** The merge of the lowest rank is done first. */
  ranks: Int32Array;
  /** The ids that merges make. */
  merged: Int32Array;
}

/**
 * @param lefts of each merge in order of rank the left id; `rights` and `merged` alike
 * @param ids how many ids there are
 */
export function mergeRows(lefts: Int32Array, rights: Int32Array, merged: Int32Array, ids: number): MergeRows {
  const rowStarts = startsOf(lefts, ids);
  // Two counting sorts: by the right id, then, which keeps that order within a row, by the left one.
  const inOrder = new Int32Array(lefts.length);
  for (let rank = 0; rank < inOrder.length; rank++) inOrder[rank] = rank;
  const byRight = sortedBy(rights, startsOf(rights, ids), inOrder);
  const ranks = sortedBy(lefts, rowStarts.slice(), byRight);
  return { rowStarts, rights: gathered(rights, ranks), ranks, merged: gathered(merged, ranks) };
}

// Each loop in a function of its own that is called twice: at a start most of the time is taken until a loop is optimised.

/** Where each key begins when the keys, numbers below `size`, are sorted; one more than there are numbers. */
function startsOf(keys: Int32Array, size: number): Int32Array {
  const starts = new Int32Array(size + 1);
  for (let i = 0; i < keys.length; i++) starts[keys[i]! + 1]!++;
  for (let i = 0; i < size; i++) starts[i + 1]! += starts[i]!;
  return starts;
}

/** Sorts `order` by the keys that it points at. `next`: where each key begins; it is written over. */
function sortedBy(keys: Int32Array, next: Int32Array, order: Int32Array): Int32Array {
  const sorted = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) {
    const at = order[i]!;
    sorted[next[keys[at]!]!++] = at;
  }
  return sorted;
}

function gathered(values: Int32Array, order: Int32Array): Int32Array {
  const found = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) found[i] = values[order[i]!]!;
  return found;
}

const NO_MERGE = -1;

/** The index of a pair's merge in the rows, NO_MERGE if there is none. Of one that is listed twice the last counts, as in tokenizers. */
function findMerge({ rowStarts, rights }: MergeRows, left: number, right: number): number {
  let low = rowStarts[left]!;
  let high = rowStarts[left + 1]!;
  const end = high;
  // The first that is greater.
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rights[middle]! <= right) low = middle + 1;
    else high = middle;
  }
  return low > rowStarts[left]! && low <= end && rights[low - 1] === right ? low - 1 : NO_MERGE;
}

/** A heap entry holds rank and position in one double: rank · 2³¹ + position, exact for ranks below 2²². */
const POSITIONS = 2 ** 31;

/** Room for a word of so many bytes is kept; a longer word's is given back behind it. */
const KEPT_SYMBOLS = 256;

/** Merges in place. Its arrays are kept from word to word; n log n for a word of n symbols. */
export class Merger {
  private readonly rows: MergeRows;
  private next = new Int32Array(0);
  private previous = new Int32Array(0);
  private heap = new Float64Array(0);
  private heapSize = 0;

  constructor(rows: MergeRows) {
    this.rows = rows;
  }

  /**
   * @param ids one id a byte; the result is written over it
   * @returns how many ids are left
   */
  merge(ids: Int32Array, count: number): number {
    if (count > this.next.length) this.prepareFor(Math.max(count, KEPT_SYMBOLS));
    const { next, previous, rows } = this;
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
      const found = findMerge(rows, ids[left]!, ids[right]!);
      if (found === NO_MERGE || rows.ranks[found] !== rank) continue;
      ids[left] = rows.merged[found]!;
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
    if (count > KEPT_SYMBOLS) this.prepareFor(KEPT_SYMBOLS);
    return length;
  }

  private prepareFor(count: number): void {
    this.next = new Int32Array(count);
    this.previous = new Int32Array(count);
    this.heap = new Float64Array(3 * count); // n - 1 pairs at first, two more for each of n - 1 merges, less those taken
  }

  private offer(ids: Int32Array, left: number, right: number): void {
    const found = findMerge(this.rows, ids[left]!, ids[right]!);
    if (found === NO_MERGE) return;
    const { heap } = this;
    const rank = this.rows.ranks[found]!;
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
