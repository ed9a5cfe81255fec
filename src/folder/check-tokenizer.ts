// The tokenizer's part of `check`: its kind, its name for AutoTokenizer, its ids against config.json, its files against each other.
import type { AlbertConfig } from "../config/config.ts";
import { show } from "../errors.ts";
import type { FileSource } from "../hub/files.ts";
import { readJson } from "../hub/open.ts";
import { readDefinition } from "../tokenizer/read-definition.ts";
import { VOCABULARY_FILE } from "../tokenizer/vocabulary-bin.ts";
import type { Finding } from "./finding.ts";
import { type FolderTokenizer, readTokenizer } from "./tokenizer-files.ts";

const about = "tokenizer";
const FILES = ["tokenizer.json", "vocab.json", "merges.txt"];

/** @throws what reading the tokenizer throws: that is the finding then */
export async function checkTokenizer(source: FileSource, config: AlbertConfig): Promise<Finding[]> {
  const there = await Promise.all(FILES.map((name) => isThere(source, name)));
  if (!there.includes(true)) {
    const advice =
      "put one in with `robertalbert init … --tokenizer FOLDER`, trained with `robertalbert train-tokenizer`";
    return [{ about, status: "warning", message: "there is no tokenizer yet", advice }];
  }
  const tokenizer = await readTokenizer(source, config.max_position_embeddings);
  const findings = [
    ...checkSize(tokenizer.size, config.vocab_size),
    ...checkIds(tokenizer, config),
    ...(await checkName(source)),
    ...(await checkAgreement(source, there)),
  ];
  if (findings.some(({ status }) => status === "failed")) return findings;
  const message = `byte-level BPE of ${tokenizer.size} tokens, special ids as config.json has them`;
  return [{ about, status: "ok", message }, ...findings];
}

function checkSize(size: number, vocabSize: number): Finding[] {
  if (size > vocabSize) {
    const message = `the tokenizer has ${size} tokens, config.json's vocab_size is ${vocabSize}: the last ones have no row`;
    return [{ about, status: "failed", message, advice: `set vocab_size to ${size} before any weights are made` }];
  }
  if (size === vocabSize) return [];
  const rows = vocabSize - size;
  const message = `vocab_size ${vocabSize} leaves ${rows} row${rows === 1 ? "" : "s"} without a token`;
  return [{ about, status: "warning", message, advice: "leave it if the padding is on purpose" }];
}

function checkIds({ idOf }: FolderTokenizer, config: AlbertConfig): Finding[] {
  return (["bos", "eos", "pad"] as const).flatMap((name): Finding[] => {
    const expected = config[`${name}_token_id`];
    const actual = idOf[`${name}_token`];
    if (expected === actual) return [];
    const message = `${name}_token_id is ${show(expected)} in config.json, the tokenizer's ${name}_token has id ${actual}`;
    const advice =
      name === "pad"
        ? "make them equal: padding would be embedded as a word"
        : "make them equal, in config.json or by another tokenizer";
    return [{ about, status: "failed", message, advice }];
  });
}

/** AutoTokenizer goes by the model's type, ALBERT, unless the tokenizer names its class. */
async function checkName(source: FileSource): Promise<Finding[]> {
  const config = (await readJson(source, "tokenizer_config.json")) as { tokenizer_class?: unknown } | undefined;
  const name = config?.tokenizer_class;
  if (typeof name === "string" && /^Roberta(Tokenizer|TokenizerFast)$/.test(name)) return [];
  const found =
    config === undefined
      ? "there is no tokenizer_config.json"
      : `tokenizer_config.json has ${name === undefined ? "no tokenizer_class" : `tokenizer_class ${show(name)}`}`;
  const message = `${found}: AutoTokenizer would not take RoBERTa's`;
  return [{ about, status: "failed", message, advice: 'set "tokenizer_class": "RobertaTokenizer" there' }];
}

/** Transformers reads tokenizer.json, older tools the other two: they must say the same. */
async function checkAgreement(
  source: FileSource,
  [hasJson, hasVocab, hasMerges]: readonly boolean[],
): Promise<Finding[]> {
  if (!hasJson || !hasVocab || !hasMerges) return [];
  const old = await readDefinition({
    name: source.name,
    open: async (fileName) =>
      fileName === "tokenizer.json" || fileName === VOCABULARY_FILE ? undefined : source.open(fileName),
  });
  const now = await readDefinition(source);
  const size = Math.max(old.algorithm.vocabularySize, now.algorithm.vocabularySize);
  for (let id = 0; id < size; id++) {
    const [a, b] = [now.algorithm.idToToken(id), old.algorithm.idToToken(id)];
    if (a === b) continue;
    const message = `token ${id} is ${show(a)} in tokenizer.json, ${show(b)} in vocab.json`;
    return [{ about, status: "failed", message, advice: "delete the files that are out of date" }];
  }
  return [];
}

async function isThere(source: FileSource, name: string): Promise<boolean> {
  const file = await source.open(name);
  await file?.close();
  return file !== undefined;
}
