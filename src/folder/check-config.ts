// The config's part of `check`: what cannot be, and what differs from the recipe.
import { type AlbertConfig, parseConfig } from "../config/config.ts";
import { explainRecipe } from "../config/recipe.ts";
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource } from "../hub/files.ts";
import { readJson } from "../hub/open.ts";
import { isAlbertClass } from "../weights/layout.ts";
import type { Finding } from "./finding.ts";

/** What the recipe leaves to the trainer: a difference there is worth a look, no mistake. */
const CHOICES: ReadonlySet<string> = new Set([
  "attention_probs_dropout_prob",
  "classifier_dropout_prob",
  "hidden_dropout_prob",
  "initializer_range",
]);
/** What the recipe sets for its own sizes, and what every model has of its own. */
const FREE: ReadonlySet<string> = new Set([
  "_name_or_path",
  "architectures",
  "embedding_size",
  "hidden_size",
  "inner_group_num",
  "intermediate_size",
  "num_attention_heads",
  "num_hidden_groups",
  "num_hidden_layers",
  "vocab_size",
]);

/** @throws CONFIG_INVALID, CONFIG_UNSUPPORTED, FILE_INVALID, FILE_NOT_FOUND: that is the finding then */
export async function checkConfig(source: FileSource): Promise<{ config: AlbertConfig; findings: Finding[] }> {
  const json = await readJson(source, "config.json");
  if (json === undefined) {
    throw new RobertalbertError("FILE_NOT_FOUND", `there is no config.json: make one with \`robertalbert init\``);
  }
  const config = parseConfig(json, "config.json");
  const findings: Finding[] = [];
  const { rows } = explainRecipe();
  for (const { key, value } of rows.filter((row) => !FREE.has(row.key))) {
    // Keys that are left out have Transformers' default where the forward pass reads them, and mean nothing where it does not.
    const actual = config[key];
    if (actual === undefined || actual === value) continue;
    findings.push({
      about: "config",
      status: CHOICES.has(key) ? "warning" : "failed",
      message: `${key} is ${show(actual)}, the recipe has ${show(value)}`,
      advice: CHOICES.has(key)
        ? "leave it if you chose it"
        : `set it to ${JSON.stringify(value)}, or train knowing that this is no RoBERTAlbert by recipe`,
    });
  }
  findings.push(...checkClass(config));
  const { num_hidden_layers: layers, num_hidden_groups: groups } = config;
  if (layers % groups !== 0) {
    findings.push({
      about: "config",
      status: "failed",
      message: `num_hidden_layers ${layers} is no multiple of num_hidden_groups ${groups}`,
      advice: "choose numbers that divide: groups would differ in size",
    });
  }
  if (findings.length === 0) findings.push({ about: "config", status: "ok", message: "config.json is the recipe's" });
  return { config, findings };
}

/** AutoModelForMaskedLM needs no architectures, but others choose the class by it: Transformers' pipeline, and `check`. */
function checkClass({ architectures: [name] }: AlbertConfig): Finding[] {
  if (name !== undefined && isAlbertClass(name)) return [];
  const advice = 'set "architectures": ["AlbertForMaskedLM"], or the class that the model was saved from';
  return name === undefined
    ? [{ about: "config", status: "warning", message: "architectures names no class", advice }]
    : [{ about: "config", status: "failed", message: `architectures has ${show(name)}, no class of ALBERT's`, advice }];
}
