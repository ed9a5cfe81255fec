// The k greatest of many values, by one pass over them.

/** One guess for a position. */
export interface TokenScore {
  token: number;
  /** Probability over the whole vocabulary. */
  score: number;
}

/**
 * @param scores one value a token
 * @param k how many to give, fewer where there are fewer
 * @param candidates the tokens to look at, ascending; default all
 * @returns best first; of equal scores the lower token first
 */
export function topEntries(scores: Float32Array, k: number, candidates: readonly number[] | undefined): TokenScore[] {
  const best: TokenScore[] = [];
  let least = Number.NEGATIVE_INFINITY;
  const count = candidates?.length ?? scores.length;
  for (let i = 0; i < count; i++) {
    const token = candidates ? candidates[i]! : i;
    const score = scores[token]!;
    if (best.length === k && !(score > least)) continue; // nearly always, so that the insertion below is rare
    let at = best.length;
    while (at > 0 && best[at - 1]!.score < score) at--;
    best.splice(at, 0, { token, score });
    if (best.length > k) best.pop();
    least = best[best.length - 1]!.score;
  }
  return best;
}
