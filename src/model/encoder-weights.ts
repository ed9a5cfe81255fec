// The encoder's weights: from a checkpoint into wasm memory, one copy of each shared layer.
import type { AlbertConfig } from "../config/config.ts";
import { type ComputeDtype, type Linear, linearBytes, tableBytes, type WeightLoader } from "./weight-loader.ts";

export interface EncoderWeights {
  /** The word table, packed as the tied decoder reads it: token v is column v. */
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

/** Bytes that `loadEncoderWeights` will take beside a pooler, so that memory grows once and fails before anything is read. */
export function encoderBytes(config: AlbertConfig, dtype: ComputeDtype): number {
  const { vocab_size: V, embedding_size: E, hidden_size: H, intermediate_size: F } = config;
  const bytes = (N: number, K: number) => linearBytes(N, K, dtype);
  const vectors = 4 * (H * 4 + 128);
  const layer = 3 * bytes(H, H) + bytes(H, H) + bytes(F, H) + bytes(H, F) + vectors;
  const tables = (config.type_vocab_size + config.max_position_embeddings + 4) * (E + 16) * 4;
  const words = tableBytes(V, E, dtype);
  return words + tables + bytes(H, E) + config.num_hidden_groups * config.inner_group_num * layer;
}

export async function loadEncoderWeights(loader: WeightLoader, config: AlbertConfig): Promise<EncoderWeights> {
  const words = await loader.table("embeddings.word_embeddings");
  const typeTable = await loader.vector("embeddings.token_type_embeddings.weight");
  const positionTable = await loader.vector("embeddings.position_embeddings.weight");
  const gamma = await loader.vector("embeddings.LayerNorm.weight");
  const beta = await loader.vector("embeddings.LayerNorm.bias");
  const projection = await loader.linear("encoder.embedding_hidden_mapping_in");

  const groups: number[][] = [];
  for (let group = 0; group < config.num_hidden_groups; group++) {
    const inner: number[] = [];
    for (let layer = 0; layer < config.inner_group_num; layer++) {
      inner.push(await loadLayer(loader, `encoder.albert_layer_groups.${group}.albert_layers.${layer}`));
    }
    groups.push(inner);
  }
  // AlbertTransformer: layer i uses group floor(i / (layers / groups)), all its inner layers.
  const layersPerGroup = config.num_hidden_layers / config.num_hidden_groups;
  const layers: number[] = [];
  for (let i = 0; i < config.num_hidden_layers; i++) layers.push(...groups[Math.floor(i / layersPerGroup)]!);

  const pooler = loader.has("pooler.weight") ? await loader.linear("pooler") : undefined;
  return { words, typeTable, positionTable, gamma, beta, projection, layers, pooler };
}

/** Loads one layer and writes its LayerWeights record, whose address it returns. */
async function loadLayer(loader: WeightLoader, prefix: string): Promise<number> {
  const qkv = await loader.stack(["query", "key", "value"].map((name) => `${prefix}.attention.${name}`));
  const attentionOut = await loader.linear(`${prefix}.attention.dense`);
  const ffn = await loader.linear(`${prefix}.ffn`);
  const ffnOut = await loader.linear(`${prefix}.ffn_output`);
  return loader.words([
    qkv.matrix,
    attentionOut.matrix,
    await loader.vector(`${prefix}.attention.LayerNorm.weight`),
    await loader.vector(`${prefix}.attention.LayerNorm.bias`),
    ffn.matrix,
    ffnOut.matrix,
    await loader.vector(`${prefix}.full_layer_layer_norm.weight`),
    await loader.vector(`${prefix}.full_layer_layer_norm.bias`),
  ]);
}
