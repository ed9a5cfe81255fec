// A RoBERTAlbert of full size (12 layers × 768, vocabulary 50,265) with weights from a formula: benchmarks need no download.
import { parseConfig } from "../src/config/config.ts";
import { encoderLayout } from "../src/weights/layout.ts";
import { tensorOf } from "../src/weights/write-safetensors.ts";
import { hashValues } from "../test/support/hash-checkpoint.ts";
import { safetensorsFile } from "../test/support/safetensors.ts";

export const FULL_SIZE = {
  model_type: "albert",
  vocab_size: 50265,
  embedding_size: 128,
  hidden_size: 768,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  num_hidden_groups: 1,
  inner_group_num: 1,
  intermediate_size: 3072,
  max_position_embeddings: 514,
  type_vocab_size: 1,
  hidden_act: "gelu",
  layer_norm_eps: 1e-12,
  pad_token_id: 1,
};

const layout = encoderLayout("AlbertModel", parseConfig(FULL_SIZE, "the benchmark"));

/** By name, as AutoModel's checkpoint has them. */
export function fullSizeWeights(): Map<string, Float32Array<ArrayBuffer>> {
  const isScale = (name: string) => /(LayerNorm|layer_norm)\.weight$/.test(name);
  return new Map(
    [...layout].map(([name, shape]) => [
      name,
      hashValues("bench", { name, shape, base: isScale(name) ? 1 : 0, scale: isScale(name) ? 0.2 : 0.05 }),
    ]),
  );
}

/** What from_pretrained takes: config.json and an fp32 model.safetensors of 55 MB. */
export async function fullSizeFiles(weights = fullSizeWeights()): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const tensors = [...weights].map(([name, values]) => tensorOf(name, "F32", layout.get(name)!, values));
  return {
    "config.json": new TextEncoder().encode(JSON.stringify(FULL_SIZE)),
    "model.safetensors": await safetensorsFile(tensors),
  };
}
