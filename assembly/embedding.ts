// out[t] = LayerNorm(word[ids[t]] + type[types[t]] + position[positions[t]]): the sum that enters the projection to hidden size.
//
//   out        f32 [T][E]
//   ids        i32 [T]   rows of the word table; or 0: then out already holds the word part (inputs_embeds)
//   types      i32 [T]   positions  i32 [T]
//   words      the table as a matrix (linear.ts), packed as the tied decoder needs it: token v is its column v
//   typeTable  f32 [types][E]   positionTable  f32 [positions][E]   gamma, beta  f32 [E]
//
// Indices are not checked here. About 10·T·E flops, and T·E strided reads.
import { layerNorm } from "./layernorm";
import { Matrix } from "./linear";
import { unpackColumn } from "./pack";
import { unpackColumnI8 } from "./pack-i8";
import { loadLanes, storeLanes } from "./simd";

export function embed(
  out: usize,
  ids: usize,
  types: usize,
  positions: usize,
  words: usize,
  typeTable: usize,
  positionTable: usize,
  gamma: usize,
  beta: usize,
  T: i32,
  E: i32,
  eps: f32,
): void {
  const rowBytes = (<usize>E) << 2;
  const w = changetype<Matrix>(words);
  let row = out;
  for (let t = 0; t < T; t++, row += rowBytes) {
    const at = (<usize>t) << 2;
    if (ids && w.scales) unpackColumnI8(row, w.panels, w.scales, load<i32>(ids + at), E);
    else if (ids) unpackColumn(row, w.panels, load<i32>(ids + at), E);
    addRow(row, typeTable + <usize>load<i32>(types + at) * rowBytes, E);
    addRow(row, positionTable + <usize>load<i32>(positions + at) * rowBytes, E);
  }
  layerNorm(out, out, gamma, beta, T, E, eps);
}

function addRow(to: usize, from: usize, E: i32): void {
  const tail = E & 3;
  const end = to + ((<usize>(E - tail)) << 2);
  for (; to < end; to += 16, from += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
  const zero = f32x4.splat(0);
  if (tail) storeLanes(to, f32x4.add(loadLanes(to, tail, zero), loadLanes(from, tail, zero)), tail);
}
