// The README.md that a new model folder gets: what it is, by which recipe, how its positions count, and how to load it.
import type { AlbertConfig } from "../config/config.ts";
import type { Recipe } from "../config/recipe.ts";

const PACKAGE = "robertalbert";

export interface ReadmeFacts {
  recipe: Recipe;
  config: AlbertConfig;
  hasTokenizer: boolean;
  /** Undefined: the folder has no weights yet. */
  weights: { parameters: number; seed: number } | undefined;
}

/** Markdown. */
export function folderReadme({ recipe, config, hasTokenizer, weights }: ReadmeFacts): string {
  const rows = config.max_position_embeddings;
  const shift = (config.pad_token_id ?? 0) + 1;
  const after = recipe.rows.filter((row) => row.from === "size" || row.from === "tokenizer");
  const changed = after.map(
    (row) =>
      `\`${row.key}\` ${row.value} (${row.from === "size" ? "chosen size" : "as many tokens as the tokenizer has"})`,
  );
  return `# A RoBERTAlbert

ALBERT's architecture, one layer used ${config.num_hidden_layers} times, with everything else as in RoBERTa, above all its byte-level BPE tokenizer.
Made by \`robertalbert init\`.${
    weights
      ? ` The weights (${weights.parameters.toLocaleString("en")} parameters) are **fresh, not trained**: normal with standard deviation ${config.initializer_range ?? 0.02}, seed ${weights.seed}.`
      : " It has no weights yet."
  }${hasTokenizer ? "" : " It has no tokenizer yet: `robertalbert init` with `--tokenizer FOLDER` puts one in."}

## Load it

${weights ? "Python, Transformers:" : "Python, Transformers (without weights in the folder: make the model from its configuration):"}

\`\`\`python
from transformers import AutoModelForMaskedLM, AutoTokenizer${weights ? "" : ", AutoConfig"}

tokenizer = AutoTokenizer.from_pretrained("this_folder")
${
  weights
    ? 'model = AutoModelForMaskedLM.from_pretrained("this_folder")'
    : 'model = AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained("this_folder"))'
}
\`\`\`

JavaScript, robertalbert, once it is trained (\`model.save_pretrained\`, \`tokenizer.save_pretrained\`):

\`\`\`js
import { pipeline } from "${PACKAGE}";

const fill = await pipeline("fill-mask", "./this_folder");
await fill("The capital of France is <mask>.");
\`\`\`

\`AutoTokenizer\` finds RoBERTa's tokenizer although the model is an ALBERT because tokenizer_config.json names it: \`"tokenizer_class": "RobertaTokenizer"\`.
\`AutoModel.from_pretrained\` reports \`pooler.*\` as missing and \`predictions.*\` as unexpected, as it does for every checkpoint of AlbertForMaskedLM: that class has the head for masked words and no pooler, AlbertModel the other way round. \`AutoModelForMaskedLM\` reports nothing.

## The recipe

1. Every key is ALBERT's: ${recipe.config._name_or_path === undefined ? "that of the configuration given" : `\`${recipe.config._name_or_path}\``}.
2. A key that RoBERTa's configuration has too takes RoBERTa's value.
3. Except \`_name_or_path\`, \`model_type\`, \`architectures\` and \`layer_norm_eps\`, which stay ALBERT's.
${changed.length > 0 ? `\nSet after the recipe: ${changed.join(", ")}.\n` : ""}
\`robertalbert config --explain\` shows where each value comes from.

## Positions

The table of positions has ${rows} rows. RoBERTa counts from ${shift} (\`pad_token_id\` + 1) and skips padding, so ${shift} of its rows never stand for a token and ${rows - shift} tokens fit.
ALBERT, and so this model, counts 0, 1, 2, … without a shift: a text of ${rows - shift} tokens, the tokenizer's maximum, uses the rows 0 … ${rows - shift - 1}, and the last ${shift} stay unused.
${rows} tokens would work too; ${rows + 1} are an error. To count as RoBERTa does, pass \`position_ids\` (in robertalbert: \`position_ids: "roberta"\`), in training and afterwards alike.
`;
}
