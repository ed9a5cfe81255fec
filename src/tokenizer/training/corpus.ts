// The words of a text as rows of token ids, which become fewer with every merge; how often each pair stands in them, and where.
import { withRoom } from "./grow.ts";
import { PairQueue } from "./pair-queue.ts";
import { NONE, PairTable } from "./pair-table.ts";
import type { WordCounts } from "./word-counts.ts";
import { WordLists } from "./word-lists.ts";

export class Corpus {
  readonly pairs = new PairTable();
  readonly queue = new PairQueue(this.pairs);
  private readonly lists = new WordLists();
  /** Word `i` is in [starts[i], starts[i] + lengths[i]). */
  private readonly ids: Int32Array;
  private readonly starts: Int32Array;
  private readonly lengths: Int32Array;
  private readonly counts: Float64Array;
  /** How many pairs have been offered to the queue: those before this number. */
  private offered = 0;

  /** @param idOfByte the id of each byte's own token. @throws OUT_OF_MEMORY */
  constructor({ size, bytes, starts, counts }: WordCounts, idOfByte: Int32Array) {
    const totalBytes = starts[size]!;
    this.ids = withRoom(new Int32Array(0), totalBytes);
    for (let i = 0; i < totalBytes; i++) this.ids[i] = idOfByte[bytes[i]!]!;
    this.lengths = withRoom(new Int32Array(0), size);
    for (let word = 0; word < size; word++) this.lengths[word] = starts[word + 1]! - starts[word]!;
    this.starts = starts;
    this.counts = counts;
  }

  /** Counts the pairs of a word for the first time. @returns how many ids it has */
  countPairs(word: number): number {
    const start = this.starts[word]!;
    const length = this.lengths[word]!;
    for (let at = start + 1; at < start + length; at++) this.addPair(this.ids[at - 1]!, this.ids[at]!, word);
    return length;
  }

  /** Puts the pairs that are new since this was done last into the queue. */
  offerPairs(): void {
    const { pairs, queue } = this;
    for (; this.offered < pairs.size; this.offered++) {
      // A pair may have come up and vanished again, as (X, a) in "abab" when "ab" becomes X.
      if (pairs.counts[this.offered]! > 0) queue.push(this.offered);
    }
  }

  /**
   * Merges a pair wherever it stands, from left to right.
   * @param id what it becomes
   * @returns how many ids were looked at
   */
  merge(pair: number, id: number): number {
    const left = this.pairs.lefts[pair]!;
    const right = this.pairs.rights[pair]!;
    let looked = 0;
    for (let list = this.pairs.lists[pair]!; list !== NONE; list = this.lists.rest(list)) {
      const word = this.lists.word(list);
      looked += this.lengths[word]!;
      this.mergeIn(word, left, right, id);
    }
    this.pairs.lists[pair] = NONE;
    this.offerPairs();
    return looked;
  }

  private mergeIn(word: number, left: number, right: number, id: number): void {
    const { ids } = this;
    const start = this.starts[word]!;
    const end = start + this.lengths[word]!;
    let to = start;
    for (let at = start; at < end; ) {
      const here = ids[at++]!;
      if (here !== left || at === end || ids[at] !== right) {
        ids[to++] = here;
        continue;
      }
      at++;
      if (to > start) {
        this.removePair(ids[to - 1]!, left, word);
        this.addPair(ids[to - 1]!, id, word);
      }
      if (at < end) {
        this.removePair(right, ids[at]!, word);
        this.addPair(id, ids[at]!, word);
      }
      ids[to++] = id;
    }
    this.lengths[word] = to - start;
  }

  private addPair(left: number, right: number, word: number): void {
    const pair = this.pairs.find(left, right);
    const { counts, lists } = this.pairs;
    counts[pair]! += this.counts[word]!;
    lists[pair] = this.lists.with(lists[pair]!, word);
  }

  private removePair(left: number, right: number, word: number): void {
    this.pairs.counts[this.pairs.find(left, right)]! -= this.counts[word]!;
  }
}
