// The tokenizer files of a model folder: from another folder's, or from a vocabulary that has just been trained.
import { RobertalbertError, show } from "../errors.ts";
import { type FileSource, type FileToWrite, textFile } from "../hub/files.ts";
import { readJson, readWhole } from "../hub/open.ts";
import type { AddedToken } from "../tokenizer/added-tokens.ts";
import { ByteLevelBpe } from "../tokenizer/byte-level/byte-level-bpe.ts";
import { ROBERTA_SPECIALS, SPECIAL_NAMES, type SpecialName } from "../tokenizer/definition.ts";
import { readDefinition } from "../tokenizer/read-definition.ts";
import { packVocabulary, VOCABULARY_FILE } from "../tokenizer/vocabulary-bin.ts";

/** A byte-level BPE as its two old files have it. */
export interface Vocabulary {
  /** Token → id, special tokens included. A Map: an object would put tokens that look like numbers first. */
  ids: ReadonlyMap<string, number>;
  /** Pairs of tokens in order of rank. */
  merges: readonly (readonly [string, string])[];
}

/** A tokenizer that a model can be made for. */
export interface FolderTokenizer {
  /** One above the highest id. */
  size: number;
  idOf: Readonly<Partial<Record<SpecialName, number>>>;
  /** tokenizer.json, vocabulary.bin, vocab.json, merges.txt, tokenizer_config.json and special_tokens_map.json. */
  files: FileToWrite[];
}

type Json = Record<string, unknown>;

/**
 * Reads a folder's tokenizer and gives it RoBERTa's name, by which AutoTokenizer finds its class although the model is an ALBERT.
 * @param modelMaxLength what tokenizer_config.json shall say
 * @throws TOKENIZER_UNSUPPORTED for another kind than byte-level BPE; TOKENIZER_INVALID, FILE_NOT_FOUND, FILE_INVALID
 */
export async function readTokenizer(source: FileSource, modelMaxLength: number): Promise<FolderTokenizer> {
  const { algorithm, addedTokens, specials, addPrefixSpace, config } = await readDefinition(source);
  if (!(algorithm instanceof ByteLevelBpe)) {
    throw new RobertalbertError(
      "TOKENIZER_UNSUPPORTED",
      `${source.name}: a RoBERTAlbert has a byte-level BPE as RoBERTa's, this tokenizer is of another kind`,
    );
  }
  const idOf: Partial<Record<SpecialName, number>> = {};
  for (const name of SPECIAL_NAMES) {
    const content = specials[name];
    if (content === undefined)
      throw new RobertalbertError(
        "TOKENIZER_INVALID",
        `${source.name}: nothing names its ${name}, expected as RoBERTa ${show(ROBERTA_SPECIALS[name])}: if tokenizers' save() wrote tokenizer.json, pass what its save_model() writes instead`,
      );
    idOf[name] = addedTokens.find((token) => token.content === content)?.id ?? algorithm.tokenToId(content);
    if (idOf[name] === undefined)
      throw new RobertalbertError("TOKENIZER_INVALID", `${source.name}: its ${name} ${show(content)} is no token`);
  }
  const original = await readWhole(source, "tokenizer.json");
  const vocabulary = original ? vocabularyOf(original) : await readOldFiles(source);
  return {
    size: Math.max(algorithm.vocabularySize, ...addedTokens.map((token) => token.id + 1)),
    idOf,
    files: [
      ...jsonFiles(original ?? tokenizerJson(vocabulary, addedTokens, addPrefixSpace)),
      ...oldFiles(vocabulary),
      ...nameFiles(specials as Record<SpecialName, string>, addedTokens, {
        ...config,
        add_prefix_space: addPrefixSpace,
        model_max_length: modelMaxLength,
      }),
    ],
  };
}

/** The files of a vocabulary with RoBERTa's special tokens. */
export function tokenizerFiles(vocabulary: Vocabulary, modelMaxLength: number): FileToWrite[] {
  const added = [...new Set(Object.values(ROBERTA_SPECIALS))]
    .map(
      (content): AddedToken => ({
        id: vocabulary.ids.get(content)!,
        content,
        single_word: false,
        lstrip: content === ROBERTA_SPECIALS.mask_token, // it takes the blank before it
        rstrip: false,
        normalized: false,
        special: true,
      }),
    )
    .sort((a, b) => a.id - b.id);
  return [
    ...jsonFiles(tokenizerJson(vocabulary, added, false)),
    ...oldFiles(vocabulary),
    ...nameFiles(ROBERTA_SPECIALS, added, { add_prefix_space: false, model_max_length: modelMaxLength }),
  ];
}

/** tokenizer.json, and the same as it loads faster. */
function jsonFiles(tokenizerJson: Uint8Array): FileToWrite[] {
  const packed = packVocabulary(tokenizerJson);
  return [
    { name: "tokenizer.json", chunks: () => [tokenizerJson] },
    ...(packed ? [{ name: VOCABULARY_FILE, chunks: () => [packed] }] : []),
  ];
}

function vocabularyOf(tokenizerJson: Uint8Array): Vocabulary {
  const { model } = JSON.parse(new TextDecoder().decode(tokenizerJson)) as {
    model: { vocab: Record<string, number>; merges: (string | [string, string])[] };
  };
  return {
    ids: inOrderOfIds(model.vocab),
    merges: model.merges.map((merge) => (typeof merge === "string" ? (merge.split(" ") as [string, string]) : merge)),
  };
}

async function readOldFiles(source: FileSource): Promise<Vocabulary> {
  const ids = inOrderOfIds((await readJson(source, "vocab.json")) as Record<string, number>);
  const lines = new TextDecoder().decode(await readWhole(source, "merges.txt")).split(/\r?\n/);
  const merges = lines.filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")));
  return { ids, merges: merges.map((line) => line.split(" ") as [string, string]) };
}

function inOrderOfIds(vocab: Readonly<Record<string, number>>): Map<string, number> {
  return new Map(Object.entries(vocab).sort(([, a], [, b]) => a - b));
}

/** What tokenizers' save() writes for RoBERTa. */
function tokenizerJson(vocabulary: Vocabulary, added: readonly AddedToken[], add_prefix_space: boolean): Uint8Array {
  const { ids, merges } = vocabulary;
  const piece = (content: string) => [content, ids.get(content)];
  const front = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [...added].sort((a, b) => a.id - b.id),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space, trim_offsets: true, use_regex: true },
    post_processor: {
      type: "RobertaProcessing",
      sep: piece(ROBERTA_SPECIALS.sep_token),
      cls: piece(ROBERTA_SPECIALS.cls_token),
      trim_offsets: true,
      add_prefix_space,
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
  };
  const model = {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: "",
    end_of_word_suffix: "",
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
  };
  const open = (object: Json) => JSON.stringify(object).slice(0, -1);
  return new TextEncoder().encode(
    `${open(front)},"model":${open(model)},"vocab":${vocabJson(ids)},"merges":${JSON.stringify(merges)}}}`,
  );
}

function vocabJson(ids: ReadonlyMap<string, number>): string {
  return `{${[...ids].map(([token, id]) => `${JSON.stringify(token)}:${id}`).join()}}`;
}

function oldFiles({ ids, merges }: Vocabulary): FileToWrite[] {
  const lines = merges.map((pair) => `${pair.join(" ")}\n`);
  return [textFile("vocab.json", vocabJson(ids)), textFile("merges.txt", `#version: 0.2\n${lines.join("")}`)];
}

/** tokenizer_config.json for Transformers 5, special_tokens_map.json for those before it. */
function nameFiles(
  specials: Readonly<Record<SpecialName, string>>,
  added: readonly AddedToken[],
  { is_local: _, local_files_only: __, tokenizer_file: ___, name_or_path: ____, ...config }: Json,
): FileToWrite[] {
  const mask = added.find((token) => token.content === specials.mask_token);
  const details = mask && {
    content: mask.content,
    single_word: mask.single_word,
    lstrip: mask.lstrip,
    rstrip: mask.rstrip,
    normalized: mask.normalized,
  };
  const map = { ...specials, ...(details && { mask_token: details }) };
  const full = {
    backend: "tokenizers",
    errors: "replace",
    trim_offsets: true,
    ...config,
    ...specials,
    ...(details && { mask_token: { __type: "AddedToken", ...details, special: true } }),
    tokenizer_class: "RobertaTokenizer",
  };
  return [
    textFile("tokenizer_config.json", `${JSON.stringify(sorted(full), null, 2)}\n`),
    textFile("special_tokens_map.json", `${JSON.stringify(map, null, 2)}\n`),
  ];
}

function sorted(object: Json): Json {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
