// LayerNorm(word[id] + type[type] + position[position]) in float64.
import { layernorm } from "./layernorm.ts";

/** Tables [rows][E] each; ids, types, positions [T]. Returns [T][E]. */
export function embed(
  tables: { words: ArrayLike<number>; types: ArrayLike<number>; positions: ArrayLike<number> },
  rows: { ids: ArrayLike<number>; types: ArrayLike<number>; positions: ArrayLike<number> },
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  T: number,
  E: number,
  eps: number,
): Float64Array {
  const sum = new Float64Array(T * E);
  for (let t = 0; t < T; t++)
    for (let e = 0; e < E; e++)
      sum[t * E + e] =
        tables.words[rows.ids[t]! * E + e]! +
        tables.types[rows.types[t]! * E + e]! +
        tables.positions[rows.positions[t]! * E + e]!;
  return layernorm(sum, gamma, beta, T, E, eps);
}
