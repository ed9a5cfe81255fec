// softmax(Q·Kᵀ / √D)·V for each head in float64; every query sees every key.
import { softmax } from "./softmax.ts";

export interface AttentionReference {
  /** [queries][A·D] */
  context: Float64Array;
  /** [A][queries][keys] */
  probabilities: Float64Array;
}

/**
 * @param q [queries][A·D]
 * @param k [keys][A·D]
 * @param v [keys][A·D]
 */
export function attention(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  queries: number,
  keys: number,
  A: number,
  D: number,
): AttentionReference {
  const H = A * D;
  const scores = new Float64Array(A * queries * keys);
  for (let head = 0; head < A; head++)
    for (let query = 0; query < queries; query++)
      for (let key = 0; key < keys; key++) {
        let score = 0;
        for (let d = 0; d < D; d++) score += q[query * H + head * D + d]! * k[key * H + head * D + d]!;
        scores[(head * queries + query) * keys + key] = score;
      }
  const probabilities = softmax(scores, A * queries, keys, 1 / Math.sqrt(D));
  const context = new Float64Array(queries * H);
  for (let head = 0; head < A; head++)
    for (let query = 0; query < queries; query++)
      for (let key = 0; key < keys; key++) {
        const p = probabilities[(head * queries + query) * keys + key]!;
        for (let d = 0; d < D; d++) context[query * H + head * D + d]! += p * v[key * H + head * D + d]!;
      }
  return { context, probabilities };
}
