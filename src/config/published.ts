// The config.json files that the recipe starts from, as they were published with the models' weights.
import { RobertalbertError, show } from "../errors.ts";

export type RawConfig = Readonly<Record<string, unknown>>;

const ALBERT_BASE = {
  architectures: ["AlbertForMaskedLM"],
  attention_probs_dropout_prob: 0,
  bos_token_id: 2,
  classifier_dropout_prob: 0.1,
  down_scale_factor: 1,
  embedding_size: 128,
  eos_token_id: 3,
  gap_size: 0,
  hidden_act: "gelu_new",
  hidden_dropout_prob: 0,
  hidden_size: 768,
  initializer_range: 0.02,
  inner_group_num: 1,
  intermediate_size: 3072,
  layer_norm_eps: 1e-12,
  max_position_embeddings: 512,
  model_type: "albert",
  net_structure_type: 0,
  num_attention_heads: 12,
  num_hidden_groups: 1,
  num_hidden_layers: 12,
  num_memory_blocks: 0,
  pad_token_id: 0,
  type_vocab_size: 2,
  vocab_size: 30000,
};

const ROBERTA_BASE = {
  architectures: ["RobertaForMaskedLM"],
  attention_probs_dropout_prob: 0.1,
  bos_token_id: 0,
  eos_token_id: 2,
  hidden_act: "gelu",
  hidden_dropout_prob: 0.1,
  hidden_size: 768,
  initializer_range: 0.02,
  intermediate_size: 3072,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 514,
  model_type: "roberta",
  num_attention_heads: 12,
  num_hidden_layers: 12,
  pad_token_id: 1,
  type_vocab_size: 1,
  vocab_size: 50265,
};

function sizes(hidden: number, layers: number, heads: number, intermediate: number) {
  return {
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_attention_heads: heads,
    num_hidden_layers: layers,
  };
}

export const PUBLISHED_ALBERT: Readonly<Record<string, RawConfig>> = {
  "albert-base-v2": ALBERT_BASE,
  "albert-large-v2": { ...ALBERT_BASE, ...sizes(1024, 24, 16, 4096) },
  "albert-xlarge-v2": { ...ALBERT_BASE, ...sizes(2048, 24, 16, 8192) },
  "albert-xxlarge-v2": { ...ALBERT_BASE, ...sizes(4096, 12, 64, 16384) },
};

export const PUBLISHED_ROBERTA: Readonly<Record<string, RawConfig>> = {
  "roberta-base": ROBERTA_BASE,
  "roberta-large": { ...ROBERTA_BASE, ...sizes(1024, 24, 16, 4096) },
};

/**
 * A published configuration as from_pretrained gives it: with the name that it was loaded by.
 * @param name also with the hub's owner in front: "albert/albert-base-v2", "FacebookAI/roberta-base"
 * @throws OPTION_INVALID
 */
export function publishedConfig(family: "albert" | "roberta", name: string): RawConfig {
  const known = family === "albert" ? PUBLISHED_ALBERT : PUBLISHED_ROBERTA;
  const bare = name.replace(family === "albert" ? /^albert\// : /^(FacebookAI|roberta)\//, "");
  if (Object.hasOwn(known, bare)) return { _name_or_path: bare, ...known[bare] };
  throw new RobertalbertError(
    "OPTION_INVALID",
    `${family} is ${show(name)}, expected one of ${Object.keys(known).join(", ")}, or a parsed config.json`,
  );
}
