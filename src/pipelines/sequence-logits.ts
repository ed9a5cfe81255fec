// Rows to the logits of a sequence classifier, and what windows of one text come to.
import type { AlbertForSequenceClassification } from "../model/albert.ts";
import { type Row, toModelInputs } from "./stream.ts";

/** [num_labels] for each row. */
export async function sequenceLogits(
  model: AlbertForSequenceClassification,
  rows: readonly Row[],
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const { logits } = await model(toModelInputs(rows), { ...(signal && { signal }) });
  const { data, dims } = logits;
  const L = dims[1]!;
  return rows.map((_, i) => (data as Float32Array).slice(i * L, (i + 1) * L));
}

/** The mean of vectors, one a row, each weighted by the row's tokens. One vector is given as it is. */
export function weightedMean(vectors: readonly Float32Array[], rows: readonly Row[]): Float32Array {
  if (vectors.length === 1) return vectors[0]!;
  const total = rows.reduce((sum, row) => sum + row.ids.length, 0);
  return vectors[0]!.map((_, i) =>
    vectors.reduce((sum, vector, w) => sum + (vector[i]! * rows[w]!.ids.length) / total, 0),
  );
}
