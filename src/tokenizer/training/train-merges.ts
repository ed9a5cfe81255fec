// Byte-pair merges learnt from word counts: the same, in the same order, as tokenizers' BpeTrainer (Rust) learns.
import { CHAR_OF_BYTE } from "../byte-level/bytes.ts";
import { Corpus } from "./corpus.ts";
import type { WordCounts } from "./word-counts.ts";

export interface TrainMergesOptions {
  /** How many tokens there shall be, special ones and the 256 bytes included; fewer when no pair is left. */
  vocabSize: number;
  /** A pair that occurs less often is not merged. */
  minFrequency: number;
  /** They have the first ids. */
  specials: readonly string[];
}

export interface TrainedMerges {
  /** Tokens in GPT-2's alphabet, in order of their ids: special ones, bytes by the code of their character, merged ones. */
  tokens: string[];
  /** Pairs of tokens in order of rank. */
  merges: [string, string][];
}

/** So many ids are looked at between two yields: some 20 ms. */
const IDS_PER_YIELD = 1 << 18;

/**
 * Yields how many tokens it has from time to time, so that its caller can do something else.
 *
 * No token comes about in two ways, and so a pair is merged once: a stretch of text with token borders at both its ends is split
 * by the merges so far in the one way in which it would be split alone, and from the merge on that made it a token it is that
 * token. Nor does one look as a special token: those are of letters and marks, which no word has together.
 * @throws OUT_OF_MEMORY
 */
export function* trainMerges(
  words: WordCounts,
  { vocabSize, minFrequency, specials }: TrainMergesOptions,
): Generator<number, TrainedMerges, void> {
  const tokens = [...specials, ...[...CHAR_OF_BYTE].sort()];
  const corpus = new Corpus(
    words,
    Int32Array.from(CHAR_OF_BYTE, (char) => tokens.indexOf(char)),
  );
  let looked = 0;
  for (let word = 0; word < words.size; word++) {
    looked += corpus.countPairs(word);
    if (looked < IDS_PER_YIELD) continue;
    looked = 0;
    yield tokens.length;
  }
  corpus.offerPairs();

  const { pairs, queue } = corpus;
  const merges: [string, string][] = [];
  while (tokens.length < vocabSize && !queue.isEmpty) {
    const pair = queue.pop();
    if (!queue.isUpToDate(pair)) {
      queue.push(pair); // merges have made it rarer
      continue;
    }
    if (pairs.counts[pair]! < Math.max(1, minFrequency)) break;
    const left = tokens[pairs.lefts[pair]!]!;
    const right = tokens[pairs.rights[pair]!]!;
    merges.push([left, right]);
    looked += corpus.merge(pair, tokens.push(left + right) - 1);
    if (looked < IDS_PER_YIELD) continue;
    looked = 0;
    yield tokens.length;
  }
  return { tokens, merges };
}
