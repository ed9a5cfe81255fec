// What a tokenizer is made of, whichever files it comes from.
import type { AddedToken } from "./added-tokens.ts";
import type { Algorithm } from "./algorithm.ts";
import type { Template } from "./template.ts";

/** The special tokens that have a name of their own. */
export const SPECIAL_NAMES = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
] as const;
export type SpecialName = (typeof SPECIAL_NAMES)[number];
/** What each named special token is written as. */
export type SpecialTokens = Partial<Record<SpecialName, string>>;

/** RoBERTa's. */
export const ROBERTA_SPECIALS: Readonly<Record<SpecialName, string>> = {
  bos_token: "<s>",
  eos_token: "</s>",
  unk_token: "<unk>",
  sep_token: "</s>",
  pad_token: "<pad>",
  cls_token: "<s>",
  mask_token: "<mask>",
};

export type Json = Readonly<Record<string, unknown>>;

export interface TokenizerDefinition extends TokenizerCore {
  specials: SpecialTokens;
  modelMaxLength: number;
  /** tokenizer_config.json, or {}. */
  config: Json;
}

/** What the vocabulary's files say. */
export interface TokenizerCore {
  algorithm: Algorithm;
  addedTokens: readonly AddedToken[];
  template: Template;
  addPrefixSpace: boolean;
}

/** The small files beside the vocabulary. */
export interface ConfigFiles {
  /** tokenizer_config.json */
  config: Json;
  /** special_tokens_map.json */
  map: Json;
  specials: SpecialTokens;
  /** What the caller wants, whatever the files say. */
  addPrefixSpace: boolean | undefined;
}

/** A token as the config files write it: a string, or an object with its details. */
export function contentOf(token: unknown): string | undefined {
  if (typeof token === "string") return token;
  const content = (token as { content?: unknown } | null | undefined)?.content;
  return typeof content === "string" ? content : undefined;
}
