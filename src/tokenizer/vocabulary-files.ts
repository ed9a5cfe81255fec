// RobertaTokenizer's two old files, vocab.json and merges.txt → the same as from tokenizer.json. What nothing names is RoBERTa's.
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource } from "../hub/files.ts";
import { readWhole } from "../hub/open.ts";
import { type AddedToken, readAddedTokens } from "./added-tokens.ts";
import { ByteLevelBpe } from "./byte-level/byte-level-bpe.ts";
import { readMerges, readVocabulary } from "./byte-level/read-json.ts";
import {
  type ConfigFiles,
  contentOf,
  ROBERTA_SPECIALS,
  type SpecialName,
  type SpecialTokens,
  type TokenizerCore,
} from "./definition.ts";
import { robertaTemplate } from "./template.ts";

/** @throws FILE_NOT_FOUND, TOKENIZER_INVALID */
export async function fromVocabularyFiles(
  source: FileSource,
  files: ConfigFiles,
): Promise<TokenizerCore & { specials: SpecialTokens }> {
  const vocabBytes = await readWhole(source, "vocab.json");
  const mergesBytes = await readWhole(source, "merges.txt");
  if (vocabBytes === undefined || mergesBytes === undefined) {
    const missing = vocabBytes === undefined ? "vocab.json" : "merges.txt";
    throw new RobertalbertError(
      "FILE_NOT_FOUND",
      `${source.name} has no tokenizer.json and no ${missing}: expected one of tokenizer.json, or vocab.json and merges.txt`,
    );
  }
  const [vocabulary] = readVocabulary(vocabBytes, 0, `${source.name}: vocab.json`);
  const lines = new TextDecoder().decode(mergesBytes).split(/\r?\n/);
  const list = JSON.stringify(lines.filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version"))));
  const [merges] = readMerges(new TextEncoder().encode(list), 0, vocabulary, `${source.name}: merges.txt`);

  const { config, map } = files;
  const addPrefixSpace = files.addPrefixSpace ?? config.add_prefix_space === true;
  const specials = { ...ROBERTA_SPECIALS, ...files.specials };
  const declared = readDeclared(config.added_tokens_decoder);
  const idOf = (name: SpecialName): number => {
    const content = specials[name];
    const id = declared.find((token) => token.content === content)?.id ?? vocabulary.idOf(content);
    if (id !== undefined) return id;
    throw new RobertalbertError(
      "TOKENIZER_INVALID",
      `${source.name}: vocab.json has no id for ${name}, ${show(content)}; fetch the files again`,
    );
  };
  const names = Object.keys(specials) as SpecialName[];
  const byContent = new Map(names.map((name) => [specials[name], name]));
  for (const { content } of declared) byContent.delete(content);
  const named = [...byContent].map(([content, name]): AddedToken => {
    const details = [map[name], config[name]].find((t) => typeof t === "object" && contentOf(t) === content);
    return {
      id: idOf(name),
      content,
      lstrip: name === "mask_token",
      rstrip: false,
      single_word: false,
      ...(details as Partial<AddedToken> | undefined),
      normalized: false,
      special: true,
    };
  });
  const addedTokens = [...declared, ...named];
  return {
    algorithm: new ByteLevelBpe(vocabulary, merges, { addPrefixSpace }),
    addedTokens,
    template: robertaTemplate(idOf("cls_token"), idOf("sep_token"), config.trim_offsets !== false),
    addPrefixSpace,
    specials,
  };
}

/** tokenizer_config.json's added_tokens_decoder: id → token, as Transformers has written it since 4.34. */
function readDeclared(json: unknown): AddedToken[] {
  if (json === undefined || json === null) return [];
  const list =
    typeof json === "object" ? Object.entries(json).map(([id, token]) => ({ ...token, id: Number(id) })) : json;
  return readAddedTokens(list, "tokenizer_config.json: added_tokens_decoder");
}
