// The masked-language-model head (Transformers: AlbertMLMHead): logits = LayerNorm(f(x·W + b))·Wordsᵀ + bias, [vocabulary] a row.
import { activationKind } from "../../config/activations.ts";
import { Tensor } from "../../tensor.ts";
import type { Encoder } from "../encoder.ts";
import { type OutputLayout, outputFloats } from "../output-layout.ts";
import type { Pack } from "../packs.ts";
import type { Plan } from "../plan.ts";
import type { Linear, WeightLoader } from "../weight-loader.ts";
import type { Head } from "./head.ts";
import { type TokenScore, topEntries } from "./top-entries.ts";

export interface MaskedLmWeights {
  /** H → E. */
  dense: Linear;
  gamma: number;
  beta: number;
  /** E → V: the word table itself when tied. */
  decoder: Linear;
}

/** About so many logits are computed together when all are wanted: 1 MB. */
const BLOCK_FLOATS = 2 ** 18;
/** The most rows of them: with more, blocks would have few columns, for each of which the rows are rounded, or packed, anew. */
const MOST_ROWS = 128;
const LINE_BYTES = 64;
const LINE_FLOATS = LINE_BYTES / 4;
/** Rows whose whole distributions exist at once when only the best tokens are wanted: 3 MB at 50,265 tokens. */
const DISTRIBUTION_ROWS = 16;

export async function loadMaskedLmWeights(encoder: Encoder, loader: WeightLoader): Promise<MaskedLmWeights> {
  const dense = await loader.linear("predictions.dense");
  const gamma = await loader.vector("predictions.LayerNorm.weight");
  const beta = await loader.vector("predictions.LayerNorm.bias");
  // Untied without a bias in the file: Transformers starts it at 0, which address 0 means.
  const bias = loader.has("predictions.bias") ? await loader.vector("predictions.bias") : 0;
  const table = loader.has("predictions.decoder.weight")
    ? await loader.table("predictions.decoder")
    : encoder.weights.words;
  return { dense, gamma, beta, decoder: loader.withBias(table, bias) };
}

/** Logits of rows [row, row + rows), columns [column, column + columns). */
interface Block {
  row: number;
  rows: number;
  column: number;
  columns: number;
}

/** The blocks of logits [rows, V], all of one stretch of columns one after another, while its weights are in a cache. */
export function* logitBlocks(rows: number, V: number): Generator<Block> {
  const most = blockColumns(rows, V);
  for (let column = 0; column < V; column += most) {
    const columns = Math.min(most, V - column);
    for (let row = 0; row < rows; row += MOST_ROWS)
      yield { row, rows: Math.min(MOST_ROWS, rows - row), column, columns };
  }
}

/**
 * Columns of the vocabulary whose logits are computed together, for one row or more. Whole cache lines, so that rows begin with one, as
 * they do not in the whole vocabulary (measured in q8 on an EPYC of 2021: 10 % at 128 rows); an odd number of them, or all rows would meet
 * in a few sets of the caches (3 %).
 */
export function blockColumns(rows: number, V: number): number {
  const lines = Math.floor(BLOCK_FLOATS / Math.min(rows, MOST_ROWS) / LINE_FLOATS) | 1;
  return Math.min(lines * LINE_FLOATS, V);
}

/** A head that gives all logits, [rows, V], copied out block by block of the vocabulary. */
export function logitsHead(outputName: string, weights: MaskedLmWeights): Head {
  const V = weights.decoder.N;
  return {
    readsPooler: false,
    readsTokens: true,
    start(encoder, _batch, layout) {
      const values = outputFloats(outputName, [...layout.dims, V]);
      return {
        async take(pack, plan) {
          const { kernels } = encoder;
          const { rows, address, end } = transform(encoder, pack, plan, weights);
          if (rows === 0) return;
          const { K } = weights.decoder;
          const outputRows = outputRowsOf(pack, layout, rows);
          kernels.ensure(end + Math.min(rows, MOST_ROWS) * blockColumns(rows, V) * 4);
          for (const block of logitBlocks(rows, V)) {
            const columns = { first: block.column, count: block.columns };
            encoder.linear(plan, end, address + block.row * K * 4, block.rows, weights.decoder, "none", columns);
            for (let i = 0; i < block.rows; i++) {
              const logits = kernels.floats(end + i * block.columns * 4, block.columns);
              for (const outputRow of outputRows[block.row + i]!) values.set(logits, outputRow * V + block.column);
            }
            await encoder.work.count(2 * block.rows * block.columns * K);
          }
        },
        outputs: () => ({ [outputName]: new Tensor("float32", values, [...layout.dims, V]) }),
      };
    },
  };
}

/**
 * A head that gives no tensors but, in `found`, the best tokens of each output row.
 * @param candidates only these compete for the list; the scores are still those over the whole vocabulary
 */
export function topTokensHead(
  weights: MaskedLmWeights,
  topK: number,
  candidates: readonly number[] | undefined,
  found: TokenScore[][],
): Head {
  const V = weights.decoder.N;
  return {
    readsPooler: false,
    readsTokens: true,
    start(encoder, _batch, layout) {
      return {
        async take(pack, plan) {
          const { kernels } = encoder;
          const { rows, address, end } = transform(encoder, pack, plan, weights);
          const outputRows = outputRowsOf(pack, layout, rows);
          const most = Math.min(rows, DISTRIBUTION_ROWS);
          kernels.ensure(end + most * V * 4);
          for (let first = 0; first < rows; first += most) {
            const count = Math.min(most, rows - first);
            encoder.linear(plan, end, address + first * weights.dense.N * 4, count, weights.decoder);
            kernels.exports.softmax(end, V * 4, count, V, 1);
            for (let i = 0; i < count; i++) {
              const best = topEntries(kernels.floats(end + i * V * 4, V), topK, candidates);
              for (const outputRow of outputRows[first + i]!) found[outputRow] = best;
            }
            await encoder.work.count(2 * count * V * weights.decoder.K);
          }
        },
        outputs: () => ({}),
      };
    },
  };
}

/** For each computed row of a pack its rows of the output. */
function outputRowsOf(pack: Pack, layout: OutputLayout, rows: number): number[][] {
  const outputRows: number[][] = Array.from({ length: rows }, () => []);
  layout.forEach(pack, (row, outputRow) => outputRows[row]!.push(outputRow));
  return outputRows;
}

/** LayerNorm(f(x·W + b)) of all computed rows: f32 [rows][E] behind the plan. */
function transform(
  encoder: Encoder,
  pack: Pack,
  plan: Plan,
  weights: MaskedLmWeights,
): { rows: number; address: number; end: number } {
  const { kernels, config } = encoder;
  const rows = pack.picks?.length ?? pack.places.length;
  const E = weights.dense.N;
  const address = plan.end;
  const end = Math.ceil((address + rows * E * 4) / LINE_BYTES) * LINE_BYTES;
  kernels.ensure(end);
  encoder.linear(plan, address, plan.x, rows, weights.dense, activationKind(config.hidden_act));
  kernels.exports.layerNorm(address, address, weights.gamma, weights.beta, rows, E, config.layer_norm_eps);
  return { rows, address, end };
}
