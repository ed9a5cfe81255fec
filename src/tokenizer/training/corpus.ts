// The words of a text as rows of token ids, which become fewer with every merge; how often each pair stands in them, and where.
import { Candidates } from "./candidates.ts";
import { withRoom } from "./grow.ts";
import { NONE, PairTable } from "./pair-table.ts";
import type { WordCounts } from "./word-counts.ts";
import { WordLists } from "./word-lists.ts";

export class Corpus {
  readonly pairs = new PairTable();
  readonly candidates = new Candidates(this.pairs);
  private readonly lists = new WordLists();
  /** Word `i` is in [starts[i], starts[i] + lengths[i]). */
  private readonly ids: Int32Array;
  private readonly starts: Int32Array;
  private readonly lengths: Int32Array;
  private readonly counts: Float64Array;
  /** Pairs that have come up since candidates were made last, each once. */
  private fresh = new Int32Array(1 << 8);
  private freshPairs = 0;

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

  /** Makes candidates of the pairs that have come up since this was done last. */
  makeCandidates(): void {
    const { pairs, lists } = this;
    for (let i = 0; i < this.freshPairs; i++) {
      const pair = this.fresh[i]!;
      // A pair may have come up and vanished again, as (ab, a) in "abab" when (a, b) is merged.
      if (pairs.counts[pair]! > 0) this.candidates.add(pair, pairs.lists[pair]!);
      else for (let list = pairs.lists[pair]!; list !== NONE; ) list = lists.rest(list);
      pairs.lists[pair] = NONE;
    }
    this.freshPairs = 0;
  }

  /**
   * Merges a candidate's pair wherever it stands in the candidate's words, from left to right. The pair's own count stays as it
   * is, as in tokenizers: where one token comes about in two ways, the pair may come up again and is then counted on from there.
   * @param id what it becomes
   * @returns how many ids were looked at
   */
  merge(candidate: number, id: number): number {
    const { pairs, candidates, lists } = this;
    const pair = candidates.pairs[candidate]!;
    const left = pairs.lefts[pair]!;
    const right = pairs.rights[pair]!;
    let looked = 0;
    for (let list = candidates.lists[candidate]!; list !== NONE; list = lists.rest(list)) {
      const word = lists.word(list);
      looked += this.lengths[word]!;
      this.mergeIn(word, left, right, id);
    }
    this.makeCandidates();
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
    if (lists[pair] === NONE) {
      this.fresh = withRoom(this.fresh, this.freshPairs + 1);
      this.fresh[this.freshPairs++] = pair;
    }
    lists[pair] = this.lists.with(lists[pair]!, word);
  }

  private removePair(left: number, right: number, word: number): void {
    const pair = this.pairs.find(left, right);
    this.pairs.counts[pair]! -= this.counts[word]!;
  }
}
