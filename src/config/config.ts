// config.json → AlbertConfig: Transformers' names and defaults, checked before anything is allocated by it.
import { RobertalbertError, show } from "../errors.ts";
import { activationKind } from "./activations.ts";

/** What the forward pass reads. Every other key of the file is kept as it is. */
export interface AlbertConfig {
  readonly model_type: "albert";
  readonly vocab_size: number;
  readonly embedding_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_hidden_groups: number;
  readonly inner_group_num: number;
  readonly num_attention_heads: number;
  readonly intermediate_size: number;
  readonly hidden_act: string;
  readonly max_position_embeddings: number;
  readonly type_vocab_size: number;
  readonly layer_norm_eps: number;
  readonly pad_token_id: number | null;
  readonly tie_word_embeddings: boolean;
  readonly architectures: readonly string[];
  readonly num_labels: number;
  readonly id2label: Readonly<Record<number, string>>;
  readonly label2id: Readonly<Record<string, number>>;
  readonly problem_type: "regression" | "single_label_classification" | "multi_label_classification" | null;
  readonly [key: string]: unknown;
}

/** AlbertConfig's defaults in Transformers 5.18 (albert-xxlarge). */
const DEFAULTS = {
  vocab_size: 30000,
  embedding_size: 128,
  hidden_size: 4096,
  num_hidden_layers: 12,
  num_hidden_groups: 1,
  inner_group_num: 1,
  num_attention_heads: 64,
  intermediate_size: 16384,
  max_position_embeddings: 512,
  type_vocab_size: 2,
} as const;

/** Sizes beyond this are no model but a mistake or an attack: products of two must stay whole numbers. */
const MOST = 2 ** 26;
/** There are lists with an entry for each layer and for each label. */
const MOST_LAYERS = 2 ** 14;
const MOST_LABELS = 2 ** 20;

/**
 * @param json the parsed file
 * @param where the file, for messages
 * @throws CONFIG_INVALID for impossible or contradictory values, CONFIG_UNSUPPORTED for another model_type or activation
 */
export function parseConfig(json: unknown, where: string): AlbertConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new RobertalbertError("CONFIG_INVALID", `${where} holds ${show(json)}, expected a JSON object`);
  }
  const given = json as Record<string, unknown>;
  if (given.model_type !== "albert") {
    throw new RobertalbertError(
      "CONFIG_UNSUPPORTED",
      `${where}: model_type is ${show(given.model_type)}, this package runs "albert" only`,
    );
  }
  const invalid = (key: string, expected: string) =>
    new RobertalbertError("CONFIG_INVALID", `${where}: ${key} is ${show(given[key])}, expected ${expected}`);
  const sizes = { ...DEFAULTS } as Record<keyof typeof DEFAULTS, number>;
  for (const key of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = given[key] ?? DEFAULTS[key];
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > MOST)
      throw invalid(key, `a whole number from 1 to ${MOST}`);
    sizes[key] = value as number;
  }
  const { hidden_size: H, num_attention_heads: A } = sizes;
  if (H % A !== 0) {
    throw new RobertalbertError(
      "CONFIG_INVALID",
      `${where}: hidden_size ${H} is no multiple of num_attention_heads ${A}: every head needs the same size`,
    );
  }
  if (sizes.num_hidden_groups > sizes.num_hidden_layers) {
    const message = `${where}: num_hidden_groups ${sizes.num_hidden_groups} is above num_hidden_layers ${sizes.num_hidden_layers}: some groups would never be used`;
    throw new RobertalbertError("CONFIG_INVALID", message);
  }
  if (sizes.num_hidden_layers * sizes.inner_group_num > MOST_LAYERS) {
    const message = `${where}: num_hidden_layers ${sizes.num_hidden_layers} × inner_group_num ${sizes.inner_group_num} is above ${MOST_LAYERS} layers`;
    throw new RobertalbertError("CONFIG_INVALID", message);
  }
  const eps = given.layer_norm_eps ?? 1e-12;
  if (typeof eps !== "number" || !(eps >= 0 && eps < 1)) throw invalid("layer_norm_eps", "a number from 0 and below 1");
  const hidden_act = given.hidden_act ?? "gelu_new";
  activationKind(hidden_act, where);
  const pad = given.pad_token_id === undefined ? 0 : given.pad_token_id;
  if (pad !== null && (!Number.isInteger(pad) || (pad as number) < 0 || (pad as number) >= sizes.vocab_size)) {
    throw invalid("pad_token_id", `null or a token id below vocab_size ${sizes.vocab_size}`);
  }
  const tied = given.tie_word_embeddings ?? true;
  if (typeof tied !== "boolean") throw invalid("tie_word_embeddings", "true or false");
  const architectures = given.architectures ?? [];
  if (!Array.isArray(architectures) || !architectures.every((a) => typeof a === "string"))
    throw invalid("architectures", "a list of class names");
  return {
    ...given,
    ...sizes,
    model_type: "albert",
    layer_norm_eps: eps,
    hidden_act: hidden_act as string,
    pad_token_id: pad as number | null,
    tie_word_embeddings: tied,
    architectures,
    ...readLabels(given, where),
    problem_type: readProblemType(given.problem_type, where),
  };
}

/** As PretrainedConfig: id2label decides; num_labels alone gives LABEL_0 …; neither gives two. */
function readLabels(
  given: Record<string, unknown>,
  where: string,
): Pick<AlbertConfig, "num_labels" | "id2label" | "label2id"> {
  const invalid = (message: string) => new RobertalbertError("CONFIG_INVALID", `${where}: ${message}`);
  const id2label: Record<number, string> = {};
  if (given.id2label !== undefined && given.id2label !== null) {
    if (typeof given.id2label !== "object")
      throw invalid(`id2label is ${show(given.id2label)}, expected an object of number → label`);
    const entries = Object.entries(given.id2label);
    entries.forEach(([id, label]) => {
      const n = Number(id);
      if (!Number.isInteger(n) || n < 0 || n >= entries.length || n in id2label || typeof label !== "string") {
        throw invalid(
          `id2label has ${show(id)} → ${show(label)}, expected the numbers 0 … ${entries.length - 1}, each with a label`,
        );
      }
      id2label[n] = label;
    });
  } else {
    const count = given.num_labels ?? 2;
    if (!Number.isInteger(count) || (count as number) < 1 || (count as number) > MOST_LABELS)
      throw invalid(`num_labels is ${show(count)}, expected a whole number from 1 to ${MOST_LABELS}`);
    for (let i = 0; i < (count as number); i++) id2label[i] = `LABEL_${i}`;
  }
  const labels = Object.values(id2label);
  return { num_labels: labels.length, id2label, label2id: Object.fromEntries(labels.map((label, i) => [label, i])) };
}

function readProblemType(value: unknown, where: string): AlbertConfig["problem_type"] {
  const known = ["regression", "single_label_classification", "multi_label_classification"] as const;
  if (value === undefined || value === null) return null;
  const found = known.find((name) => name === value);
  if (found !== undefined) return found;
  throw new RobertalbertError(
    "CONFIG_INVALID",
    `${where}: problem_type is ${show(value)}, expected null or one of ${known.join(", ")}`,
  );
}
