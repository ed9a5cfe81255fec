// The sizes of a RoBERTAlbert that stand beside the recipe: names for the published ones, or key=value by hand.
import { RobertalbertError, show } from "../errors.ts";
import { PUBLISHED_ALBERT } from "./published.ts";

/** The keys that a size may set once the recipe has been followed. */
export type SizeKey =
  | "embedding_size"
  | "hidden_size"
  | "intermediate_size"
  | "num_attention_heads"
  | "num_hidden_layers";

export interface Size {
  /** The published files that the recipe starts from unless others are given. */
  albert: string;
  roberta: string;
  /** What is set after the recipe: nothing for base and large, where RoBERTa's sizes win. */
  after: Readonly<Partial<Record<SizeKey, number>>>;
}

const KEY_OF: Readonly<Record<string, SizeKey>> = {
  embedding: "embedding_size",
  hidden: "hidden_size",
  intermediate: "intermediate_size",
  heads: "num_attention_heads",
  layers: "num_hidden_layers",
};

/** RoBERTa has no such size, so the recipe alone would give its large one. */
function albertOnly(albert: string): Size {
  const published = PUBLISHED_ALBERT[albert]!;
  const after = Object.fromEntries(Object.values(KEY_OF).map((key) => [key, published[key] as number]));
  return { albert, roberta: "roberta-large", after };
}

const NAMED: Readonly<Record<string, Size>> = {
  base: { albert: "albert-base-v2", roberta: "roberta-base", after: {} },
  large: { albert: "albert-large-v2", roberta: "roberta-large", after: {} },
  xlarge: albertOnly("albert-xlarge-v2"),
  xxlarge: albertOnly("albert-xxlarge-v2"),
};

/**
 * @param size "base", "large", "xlarge", "xxlarge", or any of "hidden=256,layers=6,heads=4,intermediate=1024,embedding=128"
 *   (config.json's full names do too), which change the base size, or the size that an ALBERT or RoBERTa given by name has
 * @throws OPTION_INVALID
 */
export function readSize(size: string): Size {
  if (Object.hasOwn(NAMED, size)) return NAMED[size]!;
  const after: Partial<Record<SizeKey, number>> = {};
  for (const part of size.split(",")) {
    const [name = "", text = "", ...more] = part.split("=").map((s) => s.trim());
    const key = KEY_OF[name] ?? Object.values(KEY_OF).find((k) => k === name);
    const value = Number(text);
    if (key === undefined || more.length > 0 || !/^\d+$/.test(text) || value < 1 || after[key] !== undefined) {
      throw new RobertalbertError(
        "OPTION_INVALID",
        `size is ${show(size)}: expected ${Object.keys(NAMED).join(", ")}, or whole numbers above 0 as in "hidden=256,layers=6,heads=4,intermediate=1024,embedding=128"; got ${show(part)}`,
      );
    }
    after[key] = value;
  }
  return { ...NAMED.base!, after };
}
