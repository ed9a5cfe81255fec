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

/** Yields how many tokens it has from time to time, so that its caller can do something else. @throws OUT_OF_MEMORY */
export function* trainMerges(
  words: WordCounts,
  { vocabSize, minFrequency, specials }: TrainMergesOptions,
): Generator<number, TrainedMerges, void> {
  const tokens = [...specials, ...[...CHAR_OF_BYTE].sort()];
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const corpus = new Corpus(
    words,
    Int32Array.from(CHAR_OF_BYTE, (char) => idOf.get(char)!),
  );
  let looked = 0;
  for (let word = 0; word < words.size; word++) {
    looked += corpus.countPairs(word);
    if (looked < IDS_PER_YIELD) continue;
    looked = 0;
    yield tokens.length;
  }
  corpus.makeCandidates();

  const { pairs, candidates } = corpus;
  const merged: number[] = [];
  while (tokens.length < vocabSize && !candidates.isEmpty) {
    const candidate = candidates.pop();
    const pair = candidates.pairs[candidate]!;
    const count = pairs.counts[pair]!;
    if (candidates.counts[candidate] !== count) {
      candidates.push(candidate); // merges since then have made it rarer, or more frequent
      continue;
    }
    if (count < Math.max(1, minFrequency)) break;
    const token = tokens[pairs.lefts[pair]!]! + tokens[pairs.rights[pair]!]!;
    // Another pair may have made the same token before, or the text may have a special one in it.
    let id = idOf.get(token);
    if (id === undefined) {
      id = tokens.push(token) - 1;
      idOf.set(token, id);
    }
    merged.push(pair);
    looked += corpus.merge(candidate, id);
    if (looked < IDS_PER_YIELD) continue;
    looked = 0;
    yield tokens.length;
  }
  // Of a pair that was merged twice the last time counts, as in tokenizers.
  const inOrder = [...new Set(merged.reverse())].reverse();
  return { tokens, merges: inOrder.map((pair) => [tokens[pairs.lefts[pair]!]!, tokens[pairs.rights[pair]!]!]) };
}
