// The shared ALBERT layer on a pack of texts: which kernel after which. One call is one layer; x is read and overwritten.
//
//   context = attention(x·Wq + bq, x·Wk + bk, x·Wv + bv)           each text sees itself only
//   h       = LayerNorm(x + context·Wo + bo)
//   x       = LayerNorm(h + f(h·W1 + b1)·W2 + b2)                    f is the activation
//
// T rows of all texts lie one after another, no padding. A text has `keys` visible rows, first among its rows, and `queries`
// rows to compute. When the caller reads only some rows of the last layer it says which: queries, attention output and
// feed-forward are then computed for these alone.
//
// About 2·T·H·(4·H + 2·F) + 4·H·Σ keys·queries flops.

import { NONE } from "./activation";
import { attention } from "./attention";
import { layerNorm } from "./layernorm";
import { matmulF32 } from "./matmul-f32";

/** Addresses of one layer's weights: W packed (pack.ts), biases padded to whole panels. The host writes these 16 words. */
@unmanaged
class LayerWeights {
  query: usize;
  queryBias: usize;
  key: usize;
  keyBias: usize;
  value: usize;
  valueBias: usize;
  attentionOut: usize;
  attentionOutBias: usize;
  attentionGamma: usize;
  attentionBeta: usize;
  ffn: usize;
  ffnBias: usize;
  ffnOut: usize;
  ffnOutBias: usize;
  gamma: usize;
  beta: usize;
}

/** What one call works on. The host writes these words; `texts` and `picks` point at more of them. */
@unmanaged
class LayerCall {
  H: i32;
  F: i32;
  A: i32;
  activation: i32;
  eps: f32;
  /** Rows of all texts; rows to compute (T where all are). */
  T: i32;
  queryRows: i32;
  /** i32 [textCount][4]: first row, keys, first query row, queries. */
  textCount: i32;
  texts: usize;
  /** i32 [queryRows]: the row of x that each query row is; 0 when query rows are the rows of x themselves. */
  picks: usize;
  /** f32 [T][H] each; on return x holds [queryRows][H]. */
  x: usize;
  q: usize;
  k: usize;
  v: usize;
  /** f32 [FEED_FORWARD_ROWS][F]. */
  feedForward: usize;
  scratch: usize;
  /** f32, for each text [A][queries][keys] one after another; 0 when not asked for. */
  probabilities: usize;
}

/** Rows that go through the feed-forward part together: [128][3072] floats stay in L2, and the buffer stays small. */
export const FEED_FORWARD_ROWS: i32 = 128;

export function albertLayer(weightsAddress: usize, callAddress: usize): void {
  const w = changetype<LayerWeights>(weightsAddress);
  const c = changetype<LayerCall>(callAddress);
  const H = c.H;
  const D = H / c.A;
  const rowBytes = (<usize>H) << 2;

  matmulF32(c.k, rowBytes, c.x, rowBytes, w.key, w.keyBias, 0, 0, c.T, H, H, NONE);
  matmulF32(c.v, rowBytes, c.x, rowBytes, w.value, w.valueBias, 0, 0, c.T, H, H, NONE);
  if (c.picks) gatherRows(c.x, c.picks, c.queryRows, rowBytes);
  const x = c.x;
  matmulF32(c.q, rowBytes, x, rowBytes, w.query, w.queryBias, 0, 0, c.queryRows, H, H, NONE);

  let probabilities = c.probabilities;
  for (let i = 0; i < c.textCount; i++) {
    const text = c.texts + ((<usize>i) << 4);
    const firstKey = <usize>load<i32>(text) * rowBytes;
    const keys = load<i32>(text, 4);
    const q = c.q + <usize>load<i32>(text, 8) * rowBytes;
    const queries = load<i32>(text, 12);
    if (queries == 0) continue;
    attention(q, q, c.k + firstKey, c.v + firstKey, rowBytes, probabilities, c.scratch, queries, keys, c.A, D);
    if (probabilities) probabilities += (<usize>(c.A * queries * keys)) << 2;
  }

  // The context stands in q. k is free now: it takes h. x is still the residual, then the result.
  const h = c.k;
  matmulF32(h, rowBytes, c.q, rowBytes, w.attentionOut, w.attentionOutBias, x, rowBytes, c.queryRows, H, H, NONE);
  layerNorm(h, h, w.attentionGamma, w.attentionBeta, c.queryRows, H, c.eps);
  const innerBytes = (<usize>c.F) << 2;
  for (let row = 0; row < c.queryRows; row += FEED_FORWARD_ROWS) {
    const rows = min(c.queryRows - row, FEED_FORWARD_ROWS);
    const at = <usize>row * rowBytes;
    matmulF32(c.feedForward, innerBytes, h + at, rowBytes, w.ffn, w.ffnBias, 0, 0, rows, c.F, H, c.activation);
    matmulF32(
      x + at,
      rowBytes,
      c.feedForward,
      innerBytes,
      w.ffnOut,
      w.ffnOutBias,
      h + at,
      rowBytes,
      rows,
      H,
      c.F,
      NONE,
    );
  }
  layerNorm(x, x, w.gamma, w.beta, c.queryRows, H, c.eps);
}

/** x[i] = x[picks[i]], picks ascending, so that no row is overwritten before it is read. */
function gatherRows(x: usize, picks: usize, rows: i32, rowBytes: usize): void {
  for (let i = 0; i < rows; i++) {
    memory.copy(x + <usize>i * rowBytes, x + <usize>load<i32>(picks + ((<usize>i) << 2)) * rowBytes, rowBytes);
  }
}
