// What the kernels export; nothing else. All take byte addresses in linear memory and check nothing: src/runtime does.
//
// Shape letters, used everywhere: M × N × K a matmul's rows, columns, depth; B texts, T tokens, E embedding size,
// H hidden size, A attention heads, D head size (H / A), F feed-forward size, V vocabulary size.
export { multiplyAddPeak } from "./peak";
export { matmulF32 } from "./matmul-f32";
export { packRows, packColumns, unpackColumn } from "./pack";
export { activateRows } from "./activation";

/** The first byte that the host may use: what lies below belongs to the kernels. */
export const heapBase: usize = __heap_base;
