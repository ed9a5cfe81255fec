// A folder's tokenizer files → one checked definition: tokenizer.json (or, as it loads faster, vocabulary.bin beside it), or
// vocab.json and merges.txt; names from the config files.
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource } from "../hub/files.ts";
import { readJson, readWhole } from "../hub/open.ts";
import type { TokenizerJson } from "./byte-level/read-json.ts";
import {
  type ConfigFiles,
  contentOf,
  type Json,
  SPECIAL_NAMES,
  type SpecialTokens,
  type TokenizerCore,
  type TokenizerDefinition,
} from "./definition.ts";
import { fromTokenizerJson, parseTokenizerJson } from "./tokenizer-json.ts";
import { isMadeFrom, unpackVocabulary, VOCABULARY_FILE } from "./vocabulary-bin.ts";
import { fromVocabularyFiles } from "./vocabulary-files.ts";

/**
 * @param addPrefixSpace overrides what the files say
 * @throws FILE_NOT_FOUND, FILE_INVALID, TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED, DEPENDENCY_MISSING
 */
export async function readDefinition(source: FileSource, addPrefixSpace?: boolean): Promise<TokenizerDefinition> {
  const [config, map, [parsed, json]] = await Promise.all([
    readObject(source, "tokenizer_config.json"),
    readObject(source, "special_tokens_map.json"),
    readTokenizer(source),
  ]);
  const named: SpecialTokens = {};
  for (const name of SPECIAL_NAMES) {
    const written = contentOf(config[name]) ?? contentOf(map[name]);
    if (written !== undefined) named[name] = written;
  }
  const files: ConfigFiles = { config, map, specials: named, addPrefixSpace };
  const { specials, ...core } = parsed
    ? { ...(await fromTokenizerJson(parsed, json, source.name, files)), specials: named }
    : await fromVocabularyFiles(source, files);
  checkIds(core, specials, source.name);
  return { ...core, specials, modelMaxLength: readMaxLength(config.model_max_length), config };
}

/** What tokenizer.json, or the file made from it, says; and tokenizer.json. The smaller is unpacked while the other is still read. */
async function readTokenizer(source: FileSource): Promise<[TokenizerJson | undefined, Uint8Array | undefined]> {
  const [json, packed] = await Promise.all([
    readWhole(source, "tokenizer.json"),
    readWhole(source, VOCABULARY_FILE).then((file) => file && { file, tokenizer: unpackVocabulary(file) }),
  ]);
  if (packed?.tokenizer && (!json || isMadeFrom(json, packed.file))) return [packed.tokenizer, json];
  return [json && parseTokenizerJson(json, source.name), json];
}

/** Every id has one token, every named special token is one. */
function checkIds({ algorithm, addedTokens }: TokenizerCore, specials: SpecialTokens, name: string): void {
  const added = new Map<number, string>();
  for (const { id, content } of addedTokens) {
    const other = added.get(id) ?? algorithm.idToToken(id);
    if (other !== undefined && other !== content)
      throw invalid(`${name}: id ${id} belongs to the added token ${show(content)} and to ${show(other)}`);
    const otherId = other === content ? id : algorithm.tokenToId(content);
    if (otherId !== undefined && otherId !== id)
      throw invalid(`${name}: the added token ${show(content)} has the id ${id}, and in the vocabulary ${otherId}`);
    added.set(id, content);
  }
  const hole = algorithm.holes().find((id) => !added.has(id));
  if (hole !== undefined)
    throw invalid(`${name}: no token has the id ${hole}, while ids go up to ${algorithm.vocabularySize - 1}`);
  const contents = new Set(added.values());
  for (const [special, token] of Object.entries(specials))
    if (!contents.has(token) && algorithm.tokenToId(token) === undefined)
      throw invalid(`${name}: ${special} is ${show(token)}, which is no token of the vocabulary`);
}

async function readObject(source: FileSource, fileName: string): Promise<Json> {
  const json = await readJson(source, fileName);
  if (json === undefined) return {};
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Json;
  throw new RobertalbertError("FILE_INVALID", `${source.name}: ${fileName} is ${show(json)}, expected an object`);
}

function readMaxLength(value: unknown): number {
  // Transformers writes 1e30 for "no limit".
  return typeof value === "number" && value >= 1
    ? Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER)
    : Number.MAX_SAFE_INTEGER;
}

function invalid(message: string): RobertalbertError {
  return new RobertalbertError("TOKENIZER_INVALID", `${message}; fetch the tokenizer's files again`);
}
