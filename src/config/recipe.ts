// The RoBERTAlbert recipe: ALBERT's configuration with RoBERTa's value for every key that RoBERTa has too, four excepted.
import { RobertalbertError, show } from "../errors.ts";
import { parseConfig } from "./config.ts";
import { publishedConfig, type RawConfig } from "./published.ts";
import { readSize, type SizeKey } from "./sizes.ts";

/** ALBERT's value stays although RoBERTa has one: what makes the model an ALBERT, and its LayerNorm. */
const KEPT: ReadonlySet<string> = new Set(["_name_or_path", "model_type", "architectures", "layer_norm_eps"]);

export interface RecipeOptions {
  /** A published name (albert-base-v2, albert-large-v2, albert-xlarge-v2, albert-xxlarge-v2) or a parsed config.json. */
  albert?: string | RawConfig;
  /** roberta-base, roberta-large, or a parsed config.json. */
  roberta?: string | RawConfig;
  /** "base" (default), "large", "xlarge", "xxlarge", or "hidden=256,layers=6,…": see readSize. */
  size?: string;
  /** Set after the recipe: how many tokens the model's own tokenizer has. */
  vocab_size?: number;
}

/** One key of the result. */
export interface RecipeRow {
  key: string;
  value: unknown;
  /** Where the value comes from. The last two are set after the recipe. */
  from: "albert (kept)" | "roberta" | "albert (only there)" | "size" | "tokenizer";
  albert: unknown;
  /** null where RoBERTa has no such key. */
  roberta: unknown;
}

export interface Recipe {
  config: Record<string, unknown>;
  /** In the order of the result's keys, which is that of ALBERT's. */
  rows: RecipeRow[];
  /** RoBERTa's keys that ALBERT lacks, sorted. */
  roberta_only_keys_left_out: string[];
}

/**
 * A RoBERTAlbert's configuration, for JSON.stringify. Without arguments it is the one that `robertalbert init` writes:
 * albert-base-v2 with roberta-base's values, `_name_or_path` included. From parsed files it has exactly the keys that these lead to.
 * @throws CONFIG_INVALID for files that are no ALBERT or RoBERTa configuration or that contradict themselves, CONFIG_UNSUPPORTED
 *   for an activation that this package lacks, OPTION_INVALID
 */
export function robertalbertConfig(options: RecipeOptions = {}): Record<string, unknown> {
  return explainRecipe(options).config;
}

/** The same with the reason for each key. @throws as robertalbertConfig */
export function explainRecipe(options: RecipeOptions = {}): Recipe {
  const { albert, roberta, after } = ingredients(options);
  const rows = Object.keys(albert).map((key): RecipeRow => {
    const both = { key, albert: albert[key], roberta: Object.hasOwn(roberta, key) ? roberta[key] : null };
    if (KEPT.has(key)) return { ...both, value: albert[key], from: "albert (kept)" };
    if (Object.hasOwn(roberta, key)) return { ...both, value: roberta[key], from: "roberta" };
    return { ...both, value: albert[key], from: "albert (only there)" };
  });
  const set = (key: string, value: number, from: RecipeRow["from"]) => {
    const row = rows.find((r) => r.key === key);
    if (row) Object.assign(row, { value, from });
    else rows.push({ key, value, from, albert: null, roberta: null });
  };
  for (const [key, value] of Object.entries(after)) set(key, value, "size");
  if (options.vocab_size !== undefined) set("vocab_size", options.vocab_size, "tokenizer");

  const config = Object.fromEntries(rows.map(({ key, value }) => [key, value]));
  checkResult(config);
  const left = Object.keys(roberta).filter((key) => !Object.hasOwn(albert, key));
  return { config, rows, roberta_only_keys_left_out: left.sort() };
}

/** The two configurations, and what is set after the recipe. A large ALBERT goes with the large RoBERTa and the other way round. */
function ingredients({ albert, roberta, size }: RecipeOptions): {
  albert: RawConfig;
  roberta: RawConfig;
  after: Readonly<Partial<Record<SizeKey, number>>>;
} {
  const chosen = readSize(size ?? "base");
  let { albert: albertName, roberta: robertaName } = chosen;
  const isNamed = size !== undefined && !size.includes("=");
  if (!isNamed && typeof albert === "string" && !albert.endsWith("-base-v2")) robertaName = "roberta-large";
  if (!isNamed && typeof roberta === "string" && roberta.endsWith("-large")) albertName = "albert-large-v2";
  return {
    albert: resolve("albert", albert === undefined ? albertName : albert),
    roberta: resolve("roberta", roberta === undefined ? robertaName : roberta),
    after: chosen.after,
  };
}

function resolve(family: "albert" | "roberta", given: string | RawConfig): RawConfig {
  if (typeof given === "string") return publishedConfig(family, given);
  const name = family === "albert" ? "ALBERT" : "RoBERTa";
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new RobertalbertError(
      "CONFIG_INVALID",
      `the ${name} configuration is ${show(given)}, expected a JSON object`,
    );
  }
  if (given.model_type !== family) {
    const swapped = given.model_type === (family === "albert" ? "roberta" : "albert") ? ": are the two swapped?" : "";
    throw new RobertalbertError(
      "CONFIG_INVALID",
      `the ${name} configuration has model_type ${show(given.model_type)}, expected ${show(family)}${swapped}`,
    );
  }
  return given;
}

/** What parseConfig lets pass because such a model could run, but nobody wants to train. */
function checkResult(config: Readonly<Record<string, unknown>>): void {
  const where = "the configuration that the recipe leads to";
  const invalid = (message: string) => new RobertalbertError("CONFIG_INVALID", `${where}: ${message}`);
  const { num_hidden_layers: layers, num_hidden_groups: groups, vocab_size } = parseConfig(config, where);
  if (layers % groups !== 0) {
    throw invalid(
      `num_hidden_layers ${layers} is no multiple of num_hidden_groups ${groups}: groups would differ in size`,
    );
  }
  for (const key of ["bos_token_id", "eos_token_id"]) {
    const id = config[key] ?? null;
    if (id !== null && !(Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocab_size)) {
      throw invalid(`${key} is ${show(id)}, expected null or a token id below vocab_size ${vocab_size}`);
    }
  }
  const range = config.initializer_range ?? 0.02;
  if (!(typeof range === "number" && range >= 0 && range < 10)) {
    throw invalid(`initializer_range is ${show(range)}, expected a standard deviation from 0 and below 10`);
  }
  for (const key of ["hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob"]) {
    const share = config[key] ?? 0;
    if (!(typeof share === "number" && share >= 0 && share < 1)) {
      throw invalid(`${key} is ${show(share)}, expected a share from 0 and below 1`);
    }
  }
}
