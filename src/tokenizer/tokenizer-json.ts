// tokenizer.json → algorithm, added tokens and template. Byte-level BPE and ALBERT's Unigram are read here, others by a library.
import { RobertalbertError, show } from "../errors.ts";
import { readAddedTokens } from "./added-tokens.ts";
import { ByteLevelBpe } from "./byte-level/byte-level-bpe.ts";
import { readTokenizerJson, type TokenizerJson } from "./byte-level/read-json.ts";
import type { ConfigFiles, Json, TokenizerCore } from "./definition.ts";
import { loadLibraryAlgorithm } from "./library.ts";
import { readTemplate } from "./template.ts";
import { Unigram } from "./unigram/unigram.ts";

/**
 * @param parsed what was read of it
 * @param bytes the file, for a library to read
 * @param name of where it lies, for messages
 * @throws TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED, DEPENDENCY_MISSING
 */
export async function fromTokenizerJson(
  parsed: TokenizerJson,
  bytes: Uint8Array | undefined,
  name: string,
  files: ConfigFiles,
): Promise<TokenizerCore> {
  const { vocabulary, merges } = parsed;
  const json = parsed.json as Json;
  const preTokenizer = json.pre_tokenizer as Json | null | undefined;
  const common = {
    addedTokens: readAddedTokens(json.added_tokens, "tokenizer.json: added_tokens"),
    template: readTemplate(json.post_processor),
  };
  const model = json.model as Json | undefined;
  if (model?.type === "Unigram") return { ...common, algorithm: new Unigram(json), addPrefixSpace: false };
  const { config } = files;
  if (!vocabulary || !merges || !isByteLevel(json)) {
    const whole = vocabulary ? (JSON.parse(new TextDecoder().decode(bytes)) as Json) : json;
    return { ...common, algorithm: await loadLibraryAlgorithm(whole, config, name), addPrefixSpace: false };
  }
  // Transformers' RobertaTokenizer lets tokenizer_config.json decide.
  const addPrefixSpace = files.addPrefixSpace ?? config.add_prefix_space ?? preTokenizer?.add_prefix_space ?? false;
  const algorithm = new ByteLevelBpe(vocabulary, merges, { addPrefixSpace: addPrefixSpace === true });
  return { ...common, algorithm, addPrefixSpace: addPrefixSpace === true };
}

/** @throws FILE_INVALID for what is no JSON object, TOKENIZER_INVALID for a damaged vocabulary or merges */
export function parseTokenizerJson(bytes: Uint8Array, name: string): TokenizerJson {
  let parsed: TokenizerJson;
  try {
    parsed = readTokenizerJson(bytes, `${name}: tokenizer.json`);
  } catch (cause) {
    if (cause instanceof RobertalbertError) throw cause;
    throw new RobertalbertError(
      "FILE_INVALID",
      `${name}: tokenizer.json is no JSON (${(cause as Error).message}); fetch it again`,
      { cause },
    );
  }
  if (typeof parsed.json === "object" && parsed.json !== null && !Array.isArray(parsed.json)) return parsed;
  throw new RobertalbertError("FILE_INVALID", `${name}: tokenizer.json is ${show(parsed.json)}, expected an object`);
}

/** Whether nothing in the file asks for more than RoBERTa's kind of BPE does. */
export function isByteLevel(json: Json): boolean {
  const model = json.model as Json;
  const preTokenizer = json.pre_tokenizer as Json | null | undefined;
  return (
    (model.type === "BPE" || model.type === undefined) &&
    preTokenizer?.type === "ByteLevel" &&
    preTokenizer.use_regex !== false &&
    !json.normalizer &&
    !model.continuing_subword_prefix &&
    !model.end_of_word_suffix &&
    !model.ignore_merges
  );
}
