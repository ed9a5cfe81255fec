// The nearest of many vectors, by one pass over them.
import { RobertalbertError, show } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { dot, magnitude } from "./math.ts";

export interface SearchHit {
  /** The row of the corpus. */
  corpus_id: number;
  /** Cosine, -1 … 1. */
  score: number;
}

/**
 * The corpus vectors most alike to a query, best first; of equal scores the earlier row first.
 * @param query one vector: its numbers, or a Tensor [1, D] or [D]
 * @param corpus the vectors one after another: a Float32Array [N·D], or a Tensor [N, D]
 * @param options.top_k how many to give. Default 10, as in sentence-transformers
 * @throws INPUT_INVALID when the sizes do not fit together, OPTION_INVALID
 */
export function semantic_search(
  query: ArrayLike<number> | Tensor,
  corpus: Float32Array | Tensor,
  options: { top_k?: number } = {},
): SearchHit[] {
  const wanted = valuesOf(query);
  const values = valuesOf(corpus);
  const { top_k = 10 } = options;
  const D = wanted.length;
  if (!Number.isInteger(top_k) || top_k < 1)
    throw new RobertalbertError("OPTION_INVALID", `top_k is ${show(top_k)}, expected a whole number from 1 up`);
  if (D === 0 || values.length % D !== 0) {
    throw new RobertalbertError(
      "INPUT_INVALID",
      `the query has ${D} values and the corpus ${values.length}, expected a multiple of the query's`,
    );
  }
  const length = magnitude(wanted);
  const hits: SearchHit[] = [];
  for (let corpus_id = 0; corpus_id < values.length / D; corpus_id++) {
    const vector = values.subarray(corpus_id * D, (corpus_id + 1) * D);
    const lengths = length * magnitude(vector);
    const score = lengths === 0 ? 0 : dot(wanted, vector) / lengths;
    if (hits.length === top_k && !(score > hits[top_k - 1]!.score)) continue;
    let at = hits.length;
    while (at > 0 && hits[at - 1]!.score < score) at--;
    hits.splice(at, 0, { corpus_id, score });
    if (hits.length > top_k) hits.pop();
  }
  return hits;
}

function valuesOf(vectors: ArrayLike<number> | Tensor): Float32Array {
  const values = "data" in vectors ? vectors.data : vectors;
  // By name, not instanceof: the array may come from another realm.
  if (Object.prototype.toString.call(values) === "[object Float32Array]") return values as Float32Array;
  return Float32Array.from(values as ArrayLike<number>);
}
