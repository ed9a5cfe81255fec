// robertalbert init: a new model folder by recipe, ready for Transformers to train.
import { resolve } from "node:path";
import { newFolder } from "../folder/init.ts";
import { type Command, integerOption, JSON_OPTION, UsageError } from "./command.ts";
import { explanation } from "./config.ts";
import { progressLine } from "./progress.ts";
import { RECIPE_OPTIONS, readRecipeOptions } from "./recipe-options.ts";
import { fileList } from "./written-files.ts";

export const init: Command = {
  name: "init",
  summary: "a new RoBERTAlbert folder: config.json, tokenizer, fresh weights, README.md",
  usage: "FOLDER",
  options: {
    ...RECIPE_OPTIONS,
    tokenizer: {
      type: "string",
      short: "t",
      value: "FOLDER",
      help: "whose tokenizer files to take (train-tokenizer makes such a folder); its size becomes vocab_size",
    },
    "vocab-size": {
      type: "string",
      value: "N",
      help: "vocab_size, at least the tokenizer's (default: the tokenizer's, else the recipe's)",
    },
    weights: { type: "boolean", short: "w", help: "freshly initialised weights too (model.safetensors)" },
    seed: {
      type: "string",
      value: "N",
      help: "for the weights (default 0); the same seed gives the same bits everywhere",
    },
    force: { type: "boolean", short: "f", help: "replace the folder if it is there" },
    explain: { type: "boolean", help: "where each key of config.json comes from" },
    json: { ...JSON_OPTION, help: "one JSON value: folder, files, config, parameters, notes" },
  },
  async run(values, positionals, io) {
    if (positionals.length !== 1) throw new UsageError(`init takes one folder, got ${positionals.length}`);
    if (values.seed !== undefined && !values.weights)
      throw new UsageError("--seed is for fresh weights: add --weights, or leave it out");
    const vocabSize = integerOption(values, "vocab-size", 0);
    const made = await newFolder({
      ...(await readRecipeOptions(values)),
      ...(vocabSize > 0 && { vocab_size: vocabSize }),
      ...(typeof values.tokenizer === "string" && { tokenizer: values.tokenizer }),
      weights: values.weights === true,
      seed: integerOption(values, "seed", 0, 0),
    });
    const { writeFolder } = await import("../hub/write-folder.ts");
    const sizes = new Map<string, number>();
    const weightsBytes = 4 * made.parameters;
    const progress = progressLine(io);
    await writeFolder(positionals[0]!, made.files, {
      force: values.force === true,
      onProgress(name, bytes) {
        sizes.set(name, bytes);
        if (name === "model.safetensors") progress.show(`weights ${Math.floor((100 * bytes) / weightsBytes)} %`);
      },
    });
    progress.clear();

    const folder = resolve(positionals[0]!);
    if (values.json) {
      const files = [...sizes].map(([name, bytes]) => ({ name, bytes }));
      const { recipe, parameters, notes } = made;
      return io.print(`${JSON.stringify({ folder, files, config: recipe.config, parameters, notes })}\n`);
    }
    if (values.explain) await io.print(`${explanation(made.recipe)}\n`);
    await io.print(`${folder}\n${fileList(sizes)}`);
    for (const note of made.notes) await io.note(note);
  },
};
