// The shared ALBERT layer on a pack of texts: which kernel after which. One call is one layer; x is read and overwritten.
//
//   q, k, v = x·Wqkv + bqkv
//   context = attention(q, k, v)                                     each text sees itself only
//   h       = LayerNorm(x + context·Wo + bo)
//   x       = LayerNorm(h + f(h·W1 + b1)·W2 + b2)                    f is the activation
//
// T rows of all texts lie one after another, no padding. A text has `keys` visible rows, first among its rows, and `queries`
// rows to compute. When the caller reads only some rows of the last layer it says which: queries, attention output and
// feed-forward are then computed for these alone.
//
// About 2·T·H·(4·H + 2·F) + 4·H·Σ keys·queries flops.

import { forRounding, NONE } from "./activation";
import { attention } from "./attention";
import { attentionI8 } from "./attention-i8";
import { layerNorm } from "./layernorm";
import { linear, Matrix } from "./linear";
import { roundUp8 } from "./pack";

/** Addresses of one layer's weights: matrices (linear.ts) and vectors. The host writes these words. */
@unmanaged
class LayerWeights {
  /** The rows of Wq, Wk, Wv one after another, each padded to whole panels. */
  qkv: usize;
  attentionOut: usize;
  attentionGamma: usize;
  attentionBeta: usize;
  ffn: usize;
  ffnOut: usize;
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
  /** f32 [T][H]; on return it holds [queryRows][H]. */
  x: usize;
  /** f32 [T][3][ceil(H/8)·8] */
  qkv: usize;
  /** f32 [ROW_BLOCK][H] */
  h: usize;
  /** f32 [ROW_BLOCK][F] */
  feedForward: usize;
  /** What attention on the longest text needs, or a linear, whichever is more. */
  scratch: usize;
  /** f32, for each text [A][queries][keys] one after another; 0 when not asked for. */
  probabilities: usize;
}

/** Rows that go through all that follows attention together, so that the buffers stay small: [128][3072] floats are 1.5 MB. */
const ROW_BLOCK: i32 = 128;

export function albertLayer(weightsAddress: usize, callAddress: usize): void {
  const w = changetype<LayerWeights>(weightsAddress);
  const c = changetype<LayerCall>(callAddress);
  const x = c.x;
  const H = c.H;
  const F = c.F;
  const rowBytes = (<usize>H) << 2;
  const innerBytes = (<usize>F) << 2;
  const width = roundUp8(H);
  const partBytes = (<usize>width) << 2;
  const qkvBytes = partBytes * 3;
  const areBytes = changetype<Matrix>(w.qkv).scales != 0;
  const activation = areBytes ? forRounding(c.activation) : c.activation;

  if (c.picks) {
    linear(c.qkv + partBytes, qkvBytes, x, rowBytes, w.qkv, width, 0, 0, c.scratch, c.T, width << 1, H, NONE);
    gatherRows(x, c.picks, c.queryRows, rowBytes);
    linear(c.qkv, qkvBytes, x, rowBytes, w.qkv, 0, 0, 0, c.scratch, c.queryRows, width, H, NONE);
  } else {
    linear(c.qkv, qkvBytes, x, rowBytes, w.qkv, 0, 0, 0, c.scratch, c.T, width * 3, H, NONE);
  }
  attendTexts(c, areBytes, partBytes, qkvBytes);

  // The context stands where the queries were.
  for (let row = 0; row < c.queryRows; row += ROW_BLOCK) {
    const rows = min(c.queryRows - row, ROW_BLOCK);
    const context = c.qkv + <usize>row * qkvBytes;
    const at = x + <usize>row * rowBytes;
    linear(c.h, rowBytes, context, qkvBytes, w.attentionOut, 0, at, rowBytes, c.scratch, rows, H, H, NONE);
    layerNorm(c.h, c.h, w.attentionGamma, w.attentionBeta, rows, H, c.eps);
    linear(c.feedForward, innerBytes, c.h, rowBytes, w.ffn, 0, 0, 0, c.scratch, rows, F, H, activation);
    linear(at, rowBytes, c.feedForward, innerBytes, w.ffnOut, 0, c.h, rowBytes, c.scratch, rows, H, F, NONE);
    layerNorm(at, at, w.gamma, w.beta, rows, H, c.eps);
  }
}

function attendTexts(c: LayerCall, areBytes: bool, partBytes: usize, qkvBytes: usize): void {
  const D = c.H / c.A;
  let probabilities = c.probabilities;
  for (let i = 0; i < c.textCount; i++) {
    const text = c.texts + ((<usize>i) << 4);
    const keys = load<i32>(text, 4);
    const queries = load<i32>(text, 12);
    if (queries == 0) continue;
    const q = c.qkv + <usize>load<i32>(text, 8) * qkvBytes;
    const k = c.qkv + <usize>load<i32>(text) * qkvBytes + partBytes;
    const v = k + partBytes;
    if (areBytes) attentionI8(q, q, k, v, qkvBytes, probabilities, c.scratch, queries, keys, c.A, D);
    else attention(q, q, k, v, qkvBytes, probabilities, c.scratch, queries, keys, c.A, D);
    if (probabilities) probabilities += (<usize>(c.A * queries * keys)) << 2;
  }
}

/** x[i] = x[picks[i]], picks ascending, so that no row is overwritten before it is read. */
function gatherRows(x: usize, picks: usize, rows: i32, rowBytes: usize): void {
  for (let i = 0; i < rows; i++) {
    memory.copy(x + <usize>i * rowBytes, x + <usize>load<i32>(picks + ((<usize>i) << 2)) * rowBytes, rowBytes);
  }
}
