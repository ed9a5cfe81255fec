// robertalbert config: the recipe's config.json on standard output, or where each of its keys comes from.
import { explainRecipe, type Recipe } from "../config/recipe.ts";
import { type Command, JSON_OPTION, UsageError } from "./command.ts";
import { RECIPE_OPTIONS, readRecipeOptions } from "./recipe-options.ts";

export const config: Command = {
  name: "config",
  summary: "the config.json of a RoBERTAlbert, by recipe",
  usage: "",
  options: {
    ...RECIPE_OPTIONS,
    explain: {
      type: "boolean",
      help: "a table instead: key, value, where it comes from, what ALBERT and RoBERTa have",
    },
    json: { ...JSON_OPTION, help: "with --explain: the table as one JSON value" },
  },
  async run(values, positionals, io) {
    if (positionals.length > 0)
      throw new UsageError(`config takes options only, got ${JSON.stringify(positionals[0])}`);
    const recipe = explainRecipe(await readRecipeOptions(values));
    if (!values.explain) await io.print(`${JSON.stringify(recipe.config, null, 2)}\n`);
    else if (values.json) {
      const { rows, roberta_only_keys_left_out } = recipe;
      await io.print(`${JSON.stringify({ rows, roberta_only_keys_left_out })}\n`);
    } else await io.print(explanation(recipe));
  },
};

const FROM = {
  "albert (kept)": "ALBERT, kept",
  roberta: "RoBERTa",
  "albert (only there)": "ALBERT, only there",
  size: "--size, after the recipe",
  tokenizer: "the tokenizer",
} as const;

/** One line a key, then RoBERTa's keys that are left out. Also what `init` shows. */
export function explanation({ rows, roberta_only_keys_left_out }: Recipe): string {
  const cell = (value: unknown) => (value === null || value === undefined ? "–" : JSON.stringify(value));
  const table = [
    ["key", "value", "from", "ALBERT has", "RoBERTa has"],
    ...rows.map((r) => [r.key, cell(r.value), FROM[r.from], cell(r.albert), cell(r.roberta)]),
  ];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  const left = roberta_only_keys_left_out.join(", ") || "none";
  return `${lines.join("\n")}\n\nonly RoBERTa has these, left out: ${left}\n`;
}
