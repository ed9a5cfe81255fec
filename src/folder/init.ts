// A new model folder by recipe: its files, checked against each other, ready to be written or kept in memory.
import { type AlbertConfig, parseConfig } from "../config/config.ts";
import { explainRecipe, type Recipe, type RecipeOptions } from "../config/recipe.ts";
import { RobertalbertError, show } from "../errors.ts";
import { type FileToWrite, type ModelLocation, textFile } from "../hub/files.ts";
import { openSource } from "../hub/open.ts";
import { writeSafetensors } from "../weights/write-safetensors.ts";
import { initialWeights } from "./initial-weights.ts";
import { folderReadme } from "./readme.ts";
import { type FolderTokenizer, readTokenizer } from "./tokenizer-files.ts";

export interface InitOptions extends RecipeOptions {
  /** A folder with tokenizer files. Its size becomes `vocab_size` unless that or `roberta` is given. */
  tokenizer?: ModelLocation;
  /** Adds freshly initialised weights. Default false. */
  weights?: boolean;
  /** 0 … 2⁵³ - 1, default 0. The same seed gives the same bits on every engine. */
  seed?: number;
}

export interface NewFolder {
  files: FileToWrite[];
  recipe: Recipe;
  /** Bytes of model.safetensors come to 4 times this; 0 without weights. */
  parameters: number;
  /** What whoever made the folder should know. */
  notes: string[];
}

/**
 * Nothing is written: pass `files` to writeFolder (Node), or read their chunks.
 * @throws CONFIG_INVALID when the tokenizer does not fit, and as explainRecipe; TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED,
 *   FILE_NOT_FOUND, FILE_INVALID, OPTION_INVALID
 */
export async function newFolder(options: InitOptions = {}): Promise<NewFolder> {
  const { tokenizer: location, weights = false, seed = 0 } = options;
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RobertalbertError("OPTION_INVALID", `seed is ${show(seed)}, expected a whole number from 0 up`);
  const notes: string[] = [];
  let recipe = explainRecipe(options);
  let config = parseConfig(recipe.config, "config.json");
  let tokenizer: FolderTokenizer | undefined;
  if (location !== undefined) {
    tokenizer = await readTokenizer(await openSource(location), usableTokens(config));
    const isFixed = options.vocab_size !== undefined || typeof options.roberta === "object";
    if (!isFixed && tokenizer.size !== config.vocab_size) {
      notes.push(`vocab_size is ${tokenizer.size} as the tokenizer's, the recipe's is ${config.vocab_size}`);
      recipe = explainRecipe({ ...options, vocab_size: tokenizer.size });
      config = parseConfig(recipe.config, "config.json");
    }
    checkTokenizer(tokenizer, config);
    if (tokenizer.size < config.vocab_size)
      notes.push(`vocab_size ${config.vocab_size} leaves ${config.vocab_size - tokenizer.size} rows without a token`);
  } else {
    notes.push("no tokenizer: pass a folder that has one (--tokenizer) before training");
  }

  const tensors = weights ? initialWeights(config, seed) : [];
  const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const readme = folderReadme({
    recipe,
    config,
    hasTokenizer: tokenizer !== undefined,
    weights: weights ? { parameters, seed } : undefined,
  });
  const files = [
    textFile("config.json", `${JSON.stringify(recipe.config, null, 2)}\n`),
    ...(tokenizer?.files ?? []),
    textFile("README.md", readme),
  ];
  if (weights) files.push({ name: "model.safetensors", chunks: () => writeSafetensors(tensors, { format: "pt" }) });
  return { files, recipe, parameters, notes };
}

/** Tokens that fit however positions are counted: RoBERTa's way needs pad_token_id + 1 rows more. 512 of 514. */
function usableTokens(config: AlbertConfig): number {
  return Math.max(1, config.max_position_embeddings - (config.pad_token_id ?? 0) - 1);
}

/** Whether every id that the tokenizer gives has a row, and the special ones are those that the model knows. */
function checkTokenizer(tokenizer: FolderTokenizer, config: AlbertConfig): void {
  const invalid = (message: string) => new RobertalbertError("CONFIG_INVALID", message);
  if (tokenizer.size > config.vocab_size) {
    throw invalid(
      `vocab_size is ${config.vocab_size}, below the tokenizer's ${tokenizer.size} tokens: leave vocab_size out, or raise it to at least ${tokenizer.size}`,
    );
  }
  for (const name of ["bos", "eos", "pad"] as const) {
    const expected = config[`${name}_token_id`] ?? null;
    const actual = tokenizer.idOf[`${name}_token`];
    if (expected !== null && expected !== actual) {
      throw invalid(
        `${name}_token_id is ${show(expected)} by the recipe, the tokenizer's ${name}_token has id ${actual}: expected RoBERTa's order <s> 0, <pad> 1, </s> 2, as \`robertalbert train-tokenizer\` makes it`,
      );
    }
  }
}
