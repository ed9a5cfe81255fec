// Multi-head attention of one text: for each head, context = softmax(Q·Kᵀ / √D)·V.
//
//   context  f32 [queries][A·D]   rows strideBytes apart; may be q itself (a tile of q is read before it is written)
//   q        f32 [queries][A·D]   rows strideBytes apart
//   k, v     f32 [keys][A·D]      rows strideBytes apart
//   scores   f32 [A][queries][keys], the probabilities, when asked for; 0 otherwise
//   scratch  attentionScratchBytes(keys, D) bytes; must not overlap the others
//
// Every query sees every key: what a mask hides is never handed in. queries, keys, A, D ≥ 1.
// Per head, K and V are packed once into panels; then QUERY_TILE queries at a time: two matmuls with a softmax between them,
// so that only [QUERY_TILE][keys] scores exist at once. 4·A·queries·keys·D flops and a softmax over A·queries·keys.
import { NONE } from "./activation";
import { matmulF32, matmulF32ScratchBytes } from "./matmul-f32";
import { packColumns, packRows, roundUp8 } from "./pack";
import { softmax } from "./softmax";

const QUERY_TILE: i32 = 48;

/** Bytes of scratch: packed K, packed V, a tile of scores, and what the matmuls need. As f64: what memory cannot hold must not wrap around. */
export function attentionScratchBytes(keys: i32, D: i32): f64 {
  const floats = <f64>roundUp8(keys) * <f64>D + <f64>roundUp8(D) * <f64>keys + <f64>QUERY_TILE * <f64>keys;
  return floats * 4 + matmulF32ScratchBytes(max(keys, D));
}

export function attention(
  context: usize, q: usize, k: usize, v: usize, strideBytes: usize, scores: usize, scratch: usize,
  queries: i32, keys: i32, A: i32, D: i32,
): void {
  const packedK = scratch;
  const packedV = packedK + ((<usize>roundUp8(keys) * <usize>D) << 2);
  const tile = packedV + ((<usize>roundUp8(D) * <usize>keys) << 2);
  const packedRows = tile + ((<usize>QUERY_TILE * <usize>keys) << 2);
  const scale = <f32>1 / sqrt<f32>(<f32>D);
  const scoreRowBytes = <usize>keys << 2;

  for (let head = 0; head < A; head++) {
    const at = <usize>(head * D) << 2;
    packRows(packedK, k + at, strideBytes, keys, D);
    packColumns(packedV, v + at, strideBytes, D, keys);
    for (let query = 0; query < queries; query += QUERY_TILE) {
      const rows = min(queries - query, QUERY_TILE);
      const from = <usize>query * strideBytes + at;
      const s = scores ? scores + <usize>(head * queries + query) * scoreRowBytes : tile;
      matmulF32(s, scoreRowBytes, q + from, strideBytes, packedK, 0, 0, 0, 0, packedRows, rows, keys, D, NONE);
      softmax(s, scoreRowBytes, rows, keys, scale);
      matmulF32(context + from, strideBytes, s, scoreRowBytes, packedV, 0, 0, 0, 0, packedRows, rows, D, keys, NONE);
    }
  }
}
