// A folder's tokenizer files → one checked definition: tokenizer.json, or vocab.json + merges.txt; names from the config files.
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource } from "../hub/files.ts";
import { readJson, readWhole } from "../hub/open.ts";
import type { AddedToken } from "./added-tokens.ts";
import type { Algorithm } from "./algorithm.ts";
import { ByteLevelBpe } from "./byte-level/byte-level-bpe.ts";
import { readTemplate, robertaTemplate, type Template } from "./template.ts";
import { Unigram } from "./unigram/unigram.ts";

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

export interface TokenizerDefinition {
  algorithm: Algorithm;
  addedTokens: readonly AddedToken[];
  template: Template;
  /** What each named special token is written as. */
  specials: Partial<Record<SpecialName, string>>;
  addPrefixSpace: boolean;
  modelMaxLength: number;
  /** tokenizer_config.json, or {}. */
  config: Readonly<Record<string, unknown>>;
}

type Json = Record<string, unknown>;

/**
 * @param addPrefixSpace overrides what the files say
 * @throws FILE_NOT_FOUND, FILE_INVALID, TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED
 */
export async function readDefinition(source: FileSource, addPrefixSpace?: boolean): Promise<TokenizerDefinition> {
  const config = ((await readJson(source, "tokenizer_config.json")) ?? {}) as Json;
  const map = ((await readJson(source, "special_tokens_map.json")) ?? {}) as Json;
  const specials: Partial<Record<SpecialName, string>> = {};
  for (const name of SPECIAL_NAMES) {
    const written = contentOf(config[name]) ?? contentOf(map[name]);
    if (written !== undefined) specials[name] = written;
  }
  const modelMaxLength = readMaxLength(config.model_max_length);
  const json = await readJson(source, "tokenizer.json");
  if (json !== undefined) {
    return { ...fromTokenizerJson(json as Json, config, addPrefixSpace), specials, modelMaxLength, config };
  }
  return { ...(await fromVocabulary(source, config, map, addPrefixSpace, specials)), modelMaxLength, config };
}

type Core = Pick<TokenizerDefinition, "algorithm" | "addedTokens" | "template" | "addPrefixSpace">;

function fromTokenizerJson(json: Json, config: Json, override: boolean | undefined): Core {
  const model = json.model as { type?: string; vocab?: unknown; merges?: unknown } | undefined;
  const preTokenizer = json.pre_tokenizer as { type?: string; add_prefix_space?: boolean } | null | undefined;
  if (model?.type === "Unigram") {
    return {
      algorithm: new Unigram(json),
      addedTokens: readAddedTokens(json.added_tokens),
      template: readTemplate(json.post_processor),
      addPrefixSpace: false,
    };
  }
  const isBpe = model?.type === "BPE" || (model?.type === undefined && Array.isArray(model?.merges));
  if (!isBpe || preTokenizer?.type !== "ByteLevel") {
    throw new RobertalbertError(
      "TOKENIZER_UNSUPPORTED",
      `tokenizer.json: a ${show(model?.type)} model behind a ${show(preTokenizer?.type)} pre-tokenizer; this version reads byte-level BPE`,
    );
  }
  // Transformers' RobertaTokenizer lets tokenizer_config.json decide.
  const addPrefixSpace =
    override ??
    (typeof config.add_prefix_space === "boolean" ? config.add_prefix_space : (preTokenizer.add_prefix_space ?? false));
  const ids = readVocabulary(model?.vocab, "tokenizer.json: model.vocab");
  const added = readAddedTokens(json.added_tokens);
  return {
    algorithm: new ByteLevelBpe(ids, readMerges(model?.merges), { addPrefixSpace }),
    addedTokens: added,
    template: readTemplate(json.post_processor),
    addPrefixSpace,
  };
}

/** RobertaTokenizer from its two old files. Special tokens that nothing names are RoBERTa's. */
async function fromVocabulary(
  source: FileSource,
  config: Json,
  map: Json,
  override: boolean | undefined,
  named: Partial<Record<SpecialName, string>>,
): Promise<Core & Pick<TokenizerDefinition, "specials">> {
  const vocabulary = await readJson(source, "vocab.json");
  const mergesBytes = await readWhole(source, "merges.txt");
  if (vocabulary === undefined || mergesBytes === undefined) {
    const missing = vocabulary === undefined ? "vocab.json" : "merges.txt";
    throw new RobertalbertError(
      "FILE_NOT_FOUND",
      `${source.name} has no tokenizer.json and no ${missing}: expected one of tokenizer.json, or vocab.json and merges.txt`,
    );
  }
  const addPrefixSpace = override ?? config.add_prefix_space === true;
  const ids = readVocabulary(vocabulary, "vocab.json");
  const lines = new TextDecoder().decode(mergesBytes).split(/\r?\n/);
  const merges = readMerges(lines.filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version"))));
  const specials = {
    bos_token: "<s>",
    eos_token: "</s>",
    unk_token: "<unk>",
    sep_token: "</s>",
    pad_token: "<pad>",
    cls_token: "<s>",
    mask_token: "<mask>",
    ...named,
  };
  const addedTokens = [...new Set(Object.values(specials))].map((content): AddedToken => {
    const id = ids.get(content);
    if (id === undefined)
      throw new RobertalbertError(
        "TOKENIZER_INVALID",
        `${source.name}: vocab.json has no id for the special token ${show(content)}`,
      );
    const details = [map.mask_token, config.mask_token].find(
      (t) => typeof t === "object" && contentOf(t) === content,
    ) as Partial<AddedToken> | undefined;
    const isMask = content === specials.mask_token;
    return {
      id,
      content,
      lstrip: details?.lstrip ?? isMask,
      rstrip: details?.rstrip ?? false,
      single_word: details?.single_word ?? false,
      normalized: false,
      special: true,
    };
  });
  const idOf = (name: SpecialName) => ids.get(specials[name])!;
  return {
    algorithm: new ByteLevelBpe(ids, merges, { addPrefixSpace }),
    addedTokens,
    template: robertaTemplate(idOf("cls_token"), idOf("sep_token"), config.trim_offsets !== false),
    addPrefixSpace,
    specials,
  };
}

function readVocabulary(json: unknown, where: string): Map<string, number> {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw invalid(where, json, "an object of token → id");
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(json)) {
    if (!Number.isInteger(id) || id < 0 || id > 2 ** 24)
      throw invalid(`${where}: id of ${show(token)}`, id, "a whole number from 0 up");
    ids.set(token, id);
  }
  return ids;
}

/** `["a", "b"]` as tokenizers has written them since 0.20, `"a b"` before. */
function readMerges(json: unknown): [string, string][] {
  if (!Array.isArray(json)) throw invalid("model.merges", json, "a list");
  return json.map((merge, rank) => {
    const parts = typeof merge === "string" ? merge.split(" ") : merge;
    if (Array.isArray(parts) && parts.length === 2 && parts.every((part) => typeof part === "string"))
      return parts as [string, string];
    throw invalid(`merge ${rank}`, merge, "two tokens");
  });
}

function readAddedTokens(json: unknown): AddedToken[] {
  if (json === undefined) return [];
  if (!Array.isArray(json)) throw invalid("tokenizer.json: added_tokens", json, "a list");
  return json.map((value, i) => {
    const token = value as Partial<AddedToken> | null;
    if (!Number.isInteger(token?.id) || token!.id! < 0 || typeof token?.content !== "string") {
      throw invalid(`tokenizer.json: added token ${i}`, value, "an object with an id and a content");
    }
    const {
      id,
      content,
      lstrip = false,
      rstrip = false,
      single_word = false,
      normalized = true,
      special = false,
    } = token;
    return { id: id as number, content, lstrip, rstrip, single_word, normalized, special };
  });
}

function readMaxLength(value: unknown): number {
  // Transformers writes 1e30 for "no limit".
  return typeof value === "number" && value >= 1 ? Math.min(value, Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
}

function contentOf(token: unknown): string | undefined {
  if (typeof token === "string") return token;
  const content = (token as { content?: unknown } | null | undefined)?.content;
  return typeof content === "string" ? content : undefined;
}

function invalid(where: string, got: unknown, expected: string): RobertalbertError {
  return new RobertalbertError(
    "TOKENIZER_INVALID",
    `${where} is ${show(got)}, expected ${expected}; fetch the file again`,
  );
}
