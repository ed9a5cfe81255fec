// The nearest of many vectors, by one pass over them.
import { expectOptions, RobertalbertError, show } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { dot, magnitude } from "./math.ts";
import { readTopK } from "./text-pipeline.ts";

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
 * @param options.top_k how many to give; null for all. Default 10, as in sentence-transformers
 * @throws INPUT_INVALID when the sizes do not fit together, OPTION_INVALID
 */
export function semantic_search(
  query: ArrayLike<number> | Tensor,
  corpus: Float32Array | Tensor,
  options: { top_k?: number | null } = {},
): SearchHit[] {
  expectOptions(options);
  const wanted = valuesOf(query, "the query");
  const values = valuesOf(corpus, "the corpus");
  const top_k = readTopK(options.top_k, 10);
  const D = wanted.length;
  const vectorLengths = [query, corpus].flatMap((vectors) => ("dims" in vectors ? (vectors.dims.at(-1) ?? 0) : []));
  if (D === 0 || values.length % D !== 0 || vectorLengths.some((length) => length !== D)) {
    throw new RobertalbertError(
      "INPUT_INVALID",
      `the query has ${shapeOf(query, D)} values and the corpus ${shapeOf(corpus, values.length)}, expected one vector and a multiple of its length: call once for each query`,
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

function shapeOf(vectors: ArrayLike<number> | Tensor, length: number): string {
  return "dims" in vectors ? vectors.dims.join(" × ") : String(length);
}

function valuesOf(vectors: ArrayLike<number> | Tensor, name: string): Float32Array {
  const values = (vectors as Partial<Tensor> | null | undefined)?.data ?? (vectors as ArrayLike<number>);
  if (typeof values !== "object" || values === null || typeof values.length !== "number")
    throw new RobertalbertError("INPUT_INVALID", `${name} is ${show(values)}, expected numbers or a Tensor`);
  // By name, not instanceof: the array may come from another realm.
  if (Object.prototype.toString.call(values) === "[object Float32Array]") return values as Float32Array;
  return Float32Array.from(values as ArrayLike<number>);
}
