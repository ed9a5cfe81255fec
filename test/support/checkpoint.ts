// Small random models of any configuration, so that tests need no files.
import { type AlbertConfig, parseConfig } from "../../src/config/config.ts";
import { type AlbertClassName, encoderLayout, headLayout } from "../../src/weights/layout.ts";
import { tensorOf } from "../../src/weights/write-safetensors.ts";
import { randomFrom } from "./random.ts";
import { safetensorsFile } from "./safetensors.ts";

/** Sizes that are no multiple of anything: every kernel meets its tails. */
export const TINY_CONFIG = {
  model_type: "albert",
  vocab_size: 61,
  embedding_size: 7,
  hidden_size: 15,
  num_attention_heads: 3,
  num_hidden_layers: 3,
  num_hidden_groups: 2,
  inner_group_num: 1,
  intermediate_size: 22,
  max_position_embeddings: 40,
  type_vocab_size: 2,
  hidden_act: "gelu",
  pad_token_id: 1,
} as const;

export interface TinyModel {
  config: AlbertConfig;
  /** What `from_pretrained` takes. */
  files: Record<string, Uint8Array<ArrayBuffer>>;
  /** The weights by name. */
  values: Map<string, Float32Array<ArrayBuffer>>;
}

/**
 * A model with random weights, the same for the same arguments.
 * @param overrides of TINY_CONFIG
 * @param edit may change or delete weights before they are written
 */
export async function tinyModel(
  className: AlbertClassName = "AlbertForPreTraining",
  overrides: Record<string, unknown> = {},
  edit: (values: Map<string, Float32Array<ArrayBuffer>>) => void = () => undefined,
): Promise<TinyModel> {
  const json = { ...TINY_CONFIG, ...overrides };
  const config = parseConfig(json, "the test's config.json");
  const random = randomFrom(1);
  const shapes = new Map<string, readonly number[]>();
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  const prefix = className === "AlbertModel" ? "" : "albert.";
  const add = (name: string, shape: readonly number[]) => {
    const isScale = /(LayerNorm|layer_norm)\.weight$/.test(name);
    const size = shape.reduce((a, b) => a * b, 1);
    shapes.set(name, shape);
    values.set(
      name,
      Float32Array.from({ length: size }, () => (isScale ? 1 : 0) + 0.8 * (random() - 0.5)),
    );
  };
  for (const [name, shape] of encoderLayout(className, config)) add(prefix + name, shape);
  for (const [name, shape] of headLayout(className, config)) {
    // Tied, as save_pretrained leaves them out.
    if (!(config.tie_word_embeddings && name.startsWith("predictions.decoder."))) add(name, shape);
  }
  edit(values);
  const tensors = [...values].map(([name, v]) => tensorOf(name, "F32", shapes.get(name)!, v));
  const files = {
    "config.json": new TextEncoder().encode(JSON.stringify(json)),
    "model.safetensors": await safetensorsFile(tensors),
  };
  return { config, files, values };
}
