// The options by which `config` and `init` choose what the recipe works on.
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { PUBLISHED_ALBERT, PUBLISHED_ROBERTA, type RawConfig } from "../config/published.ts";
import type { RecipeOptions } from "../config/recipe.ts";
import { RobertalbertError, show } from "../errors.ts";
import { openSource, readJson } from "../hub/open.ts";
import type { OptionSpec, Values } from "./command.ts";

export const RECIPE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  size: {
    type: "string",
    value: "SIZE",
    help: 'base (default), large: the pure recipe; xlarge, xxlarge, or "hidden=256,layers=6,heads=4,intermediate=1024,embedding=128": set after it',
  },
  albert: {
    type: "string",
    value: "FILE|NAME",
    help: "ALBERT's config.json, or albert-{base,large,xlarge,xxlarge}-v2",
  },
  roberta: { type: "string", value: "FILE|NAME", help: "RoBERTa's config.json, or roberta-{base,large}" },
};

/** @throws FILE_NOT_FOUND, FILE_UNREADABLE, FILE_INVALID */
export async function readRecipeOptions(values: Values): Promise<RecipeOptions> {
  const { albert, roberta, size } = values as { [name in "albert" | "roberta" | "size"]?: string };
  return {
    ...(size !== undefined && { size }),
    ...(albert !== undefined && { albert: await fileOrName(albert, Object.keys(PUBLISHED_ALBERT)) }),
    ...(roberta !== undefined && { roberta: await fileOrName(roberta, Object.keys(PUBLISHED_ROBERTA)) }),
  };
}

/** A file, or the config.json of a folder, parsed; where there is neither, a published name. */
async function fileOrName(given: string, names: readonly string[]): Promise<string | RawConfig> {
  const info = await stat(given).catch(() => undefined);
  if (info === undefined) {
    if (names.includes(basename(given))) return given;
    throw new RobertalbertError(
      "FILE_NOT_FOUND",
      `there is no file ${show(given)}: expected a config.json, or one of ${names.join(", ")}`,
    );
  }
  const path = info.isDirectory() ? join(given, "config.json") : given;
  const json = await readJson(await openSource(dirname(path)), basename(path));
  if (json !== undefined) return json as RawConfig;
  throw new RobertalbertError("FILE_NOT_FOUND", `the folder ${show(given)} has no config.json`);
}
