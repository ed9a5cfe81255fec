// What the kernels export; nothing else. All take byte addresses in linear memory and check nothing: src/ does.
//
// Shape letters, used everywhere: M × N × K a matmul's rows, columns, depth; T tokens (rows of all texts), E embedding size,
// H hidden size, A attention heads, D head size (H / A), F feed-forward size, V vocabulary size.
export { activateRows } from "./activation";
export { attention, attentionScratchBytes } from "./attention";
export { attentionI8, attentionI8ScratchBytes } from "./attention-i8";
export { embed } from "./embedding";
export { areFinite, arePositive } from "./finite";
export { albertLayer } from "./layer";
export { layerNorm } from "./layernorm";
export { linear, linearScratchBytes } from "./linear";
export { matmulF32, matmulF32ScratchBytes } from "./matmul-f32";
export { packColumns, packRows } from "./pack";
export { packRowsI8, sumColumnsI8 } from "./pack-i8";
export { byteDotPeak, multiplyAddPeak, pairDotPeak } from "./peak";
export { markPanels } from "./prefetch";
export { dotProbe, quantizeRows, setForm } from "./quantize";
export { softmax } from "./softmax";

/** The first byte that the host may use: what lies below belongs to the kernels. */
export const heapBase: usize = __heap_base;
/** 1 in the relaxed build: by this the host knows which build really runs. */
export const relaxed: i32 = ASC_FEATURE_RELAXED_SIMD ? 1 : 0;
