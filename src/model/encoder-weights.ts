// The encoder's weights: from a checkpoint into wasm memory, one copy of each shared layer.
import type { AlbertConfig } from "../config/config.ts";
import type { KernelInstance } from "../runtime/kernel-instance.ts";
import type { ModelWeights } from "../weights/model-weights.ts";
import { type Linear, linearBytes, loadLinear, loadVector } from "./linear.ts";

export interface EncoderWeights {
  /** The word table, packed as the tied decoder reads it: [ceil(V/8)][E][8]. */
  words: Linear;
  typeTable: number;
  positionTable: number;
  gamma: number;
  beta: number;
  /** E → H. */
  projection: Linear;
  /** Addresses of assembly/layer.ts LayerWeights, in the order in which they are applied. */
  layers: number[];
  pooler: Linear | undefined;
}

/** Bytes that `loadEncoderWeights` will take, so that memory grows once and fails before anything is read. */
export function encoderBytes(config: AlbertConfig): number {
  const { vocab_size: V, embedding_size: E, hidden_size: H, intermediate_size: F } = config;
  const layer = 4 * linearBytes(H, H) + linearBytes(F, H) + linearBytes(H, F) + 4 * linearBytes(1, H);
  const tables = (config.type_vocab_size + config.max_position_embeddings + 4) * (E + 16) * 4;
  return (
    linearBytes(V, E) +
    tables +
    linearBytes(H, E) +
    config.num_hidden_groups * config.inner_group_num * layer +
    linearBytes(H, H)
  );
}

export async function loadEncoderWeights(
  kernels: KernelInstance,
  weights: ModelWeights,
  config: AlbertConfig,
): Promise<EncoderWeights> {
  const vector = (name: string) => loadVector(kernels, weights, name);
  const words = await loadLinear(kernels, weights, "embeddings.word_embeddings.weight");
  const typeTable = await vector("embeddings.token_type_embeddings.weight");
  const positionTable = await vector("embeddings.position_embeddings.weight");
  const gamma = await vector("embeddings.LayerNorm.weight");
  const beta = await vector("embeddings.LayerNorm.bias");
  const projection = await loadLinear(
    kernels,
    weights,
    "encoder.embedding_hidden_mapping_in.weight",
    "encoder.embedding_hidden_mapping_in.bias",
  );

  const groups: number[][] = [];
  for (let group = 0; group < config.num_hidden_groups; group++) {
    const inner: number[] = [];
    for (let layer = 0; layer < config.inner_group_num; layer++) {
      inner.push(await loadLayer(kernels, weights, `encoder.albert_layer_groups.${group}.albert_layers.${layer}`));
    }
    groups.push(inner);
  }
  // AlbertTransformer: layer i uses group floor(i / (layers / groups)), all its inner layers.
  const layersPerGroup = config.num_hidden_layers / config.num_hidden_groups;
  const layers: number[] = [];
  for (let i = 0; i < config.num_hidden_layers; i++) layers.push(...groups[Math.floor(i / layersPerGroup)]!);

  const pooler = weights.has("pooler.weight")
    ? await loadLinear(kernels, weights, "pooler.weight", "pooler.bias")
    : undefined;
  return { words, typeTable, positionTable, gamma, beta, projection, layers, pooler };
}

/** Loads one layer and writes its LayerWeights record, whose address it returns. */
async function loadLayer(kernels: KernelInstance, weights: ModelWeights, prefix: string): Promise<number> {
  const linear = (name: string) => loadLinear(kernels, weights, `${prefix}.${name}.weight`, `${prefix}.${name}.bias`);
  const vector = (name: string) => loadVector(kernels, weights, `${prefix}.${name}`);
  const words: number[] = [];
  for (const name of ["attention.query", "attention.key", "attention.value", "attention.dense"]) {
    const { packed, bias } = await linear(name);
    words.push(packed, bias);
  }
  words.push(await vector("attention.LayerNorm.weight"), await vector("attention.LayerNorm.bias"));
  for (const name of ["ffn", "ffn_output"]) {
    const { packed, bias } = await linear(name);
    words.push(packed, bias);
  }
  words.push(await vector("full_layer_layer_norm.weight"), await vector("full_layer_layer_norm.bias"));
  const address = kernels.allocate(words.length * 4);
  kernels.ints(address, words.length).set(words);
  return address;
}
