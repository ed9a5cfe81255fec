// The whole encoder in float64 for one text, from the twins of its kernels: what AutoModel's last_hidden_state should be.
import { activationKind } from "../../src/config/activations.ts";
import type { AlbertConfig } from "../../src/config/config.ts";
import { activate } from "./activation.ts";
import { attention } from "./attention.ts";
import { embed } from "./embedding.ts";
import { layernorm } from "./layernorm.ts";
import { matmul, transpose } from "./matmul.ts";

/**
 * @param weights by name as AutoModel's checkpoint has them; one group of one layer
 * @returns [T][H]
 */
export function forward(
  weights: ReadonlyMap<string, ArrayLike<number>>,
  config: AlbertConfig,
  ids: readonly number[],
): Float64Array {
  const { embedding_size: E, hidden_size: H, num_attention_heads: A, layer_norm_eps: eps } = config;
  const T = ids.length;
  const w = (name: string) => weights.get(name)!;
  const linear = (name: string, inputs: number) => {
    const bias = w(`${name}.bias`);
    const b = transpose(w(`${name}.weight`), bias.length, inputs);
    return (x: ArrayLike<number>, residual?: ArrayLike<number>) =>
      matmul(x, b, T, bias.length, inputs, bias, residual).values;
  };
  const norm = (name: string, x: ArrayLike<number>, width: number) =>
    layernorm(x, w(`${name}.weight`), w(`${name}.bias`), T, width, eps);

  const tables = {
    words: w("embeddings.word_embeddings.weight"),
    types: w("embeddings.token_type_embeddings.weight"),
    positions: w("embeddings.position_embeddings.weight"),
  };
  const rows = { ids, types: ids.map(() => 0), positions: ids.map((_, t) => t) };
  const [gamma, beta] = [w("embeddings.LayerNorm.weight"), w("embeddings.LayerNorm.bias")];
  let x = linear("encoder.embedding_hidden_mapping_in", E)(embed(tables, rows, gamma, beta, T, E, eps));

  const layer = "encoder.albert_layer_groups.0.albert_layers.0";
  const [query, key, value, output] = ["query", "key", "value", "dense"].map((name) =>
    linear(`${layer}.attention.${name}`, H),
  ) as [Linear, Linear, Linear, Linear];
  const ffn = linear(`${layer}.ffn`, H);
  const ffnOutput = linear(`${layer}.ffn_output`, config.intermediate_size);
  const activation = activationKind(config.hidden_act);
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const { context } = attention(query(x), key(x), value(x), T, T, A, H / A);
    const h = norm(`${layer}.attention.LayerNorm`, output(context, x), H);
    const inner = ffn(h).map((v) => activate(activation, v));
    x = norm(`${layer}.full_layer_layer_norm`, ffnOutput(inner, h), H);
  }
  return x;
}

type Linear = (x: ArrayLike<number>, residual?: ArrayLike<number>) => Float64Array;
