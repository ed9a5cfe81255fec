// A tokenizer as RoBERTa's, learnt from texts: its files in memory, for from_pretrained or to be written.
import { RobertalbertError, show } from "../errors.ts";
import { MAX_TOKENS } from "../tokenizer/byte-level/vocabulary.ts";
import { countTexts, type TrainingTexts } from "../tokenizer/training/count-texts.ts";
import { trainMerges } from "../tokenizer/training/train-merges.ts";
import { WordCounts } from "../tokenizer/training/word-counts.ts";
import { nextTurn } from "../turn.ts";
import { tokenizerFiles, type Vocabulary } from "./tokenizer-files.ts";

export interface TrainTokenizerOptions {
  /** Tokens that there shall be, the 5 special ones and the 256 bytes included; RoBERTa has 50265. Fewer when the texts give no more. */
  vocab_size: number;
  /** A pair of tokens that occurs less often is not merged. Default 2. */
  min_frequency?: number;
  /** Called after every megabyte read, and some ten times a second after that. */
  progress_callback?: (progress: TrainingProgress) => void;
  /** Ends the training with an ABORTED error. */
  signal?: AbortSignal;
}

export interface TrainingProgress {
  /** Of the texts, read so far. */
  bytes: number;
  /** So far; 0 while the texts are read. */
  tokens: number;
}

export interface TrainedTokenizer {
  /** tokenizer.json, vocabulary.bin, vocab.json, merges.txt, tokenizer_config.json, special_tokens_map.json: AutoTokenizer.from_pretrained takes them. */
  files: Record<string, Uint8Array>;
  /** How many tokens there are. */
  vocab_size: number;
  /** Of the texts. */
  bytes: number;
  /** Words of the texts, as the tokenizer splits them. */
  words: number;
  distinct_words: number;
}

/** In the order in which they are learnt; <mask> then moves to the end, where RoBERTa has it. */
const SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"];
const MASK = "<mask>";
const LEAST_TOKENS = SPECIALS.length + 256;
/** RoBERTa's. `init` writes what its model has positions for. */
const MODEL_MAX_LENGTH = 512;

/**
 * Learns a byte-level BPE: the tokens and merges that tokenizers' ByteLevelBPETokenizer learns from the same texts, with
 * RoBERTa's special tokens: <s> 0, <pad> 1, </s> 2, <unk> 3, <mask> last. It is the different words that need memory, not the texts.
 * @param texts what to learn from, read once
 * @throws OPTION_INVALID; INPUT_INVALID for what is no text; FILE_INVALID for a file that is no UTF-8; ABORTED; OUT_OF_MEMORY;
 *   and what reading the texts throws
 */
export async function trainTokenizer(texts: TrainingTexts, options: TrainTokenizerOptions): Promise<TrainedTokenizer> {
  const { vocab_size: vocabSize, min_frequency: minFrequency = 2, progress_callback, signal } = options ?? {};
  checkInteger("vocab_size", vocabSize, LEAST_TOKENS, MAX_TOKENS);
  checkInteger("min_frequency", minFrequency, 0, Number.MAX_SAFE_INTEGER);
  const words = new WordCounts();
  let bytes = 0;
  const turn = async (tokens: number): Promise<void> => {
    progress_callback?.({ bytes, tokens });
    await nextTurn();
    if (signal?.aborted)
      throw new RobertalbertError("ABORTED", "the training was aborted by its signal", { cause: signal.reason });
  };

  await turn(0);
  for await (const readBytes of countTexts(texts, words)) {
    bytes = readBytes;
    await turn(0);
  }
  const training = trainMerges(words, { vocabSize, minFrequency, specials: SPECIALS });
  let step = training.next();
  for (; !step.done; step = training.next()) await turn(step.value);

  const tokens = [...step.value.tokens.filter((token) => token !== MASK), MASK];
  const vocabulary = { ids: new Map(tokens.map((token, id) => [token, id])), merges: step.value.merges };
  return {
    files: await filesOf(vocabulary),
    vocab_size: tokens.length,
    bytes,
    words: words.counts.reduce((sum, count) => sum + count, 0),
    distinct_words: words.size,
  };
}

async function filesOf(vocabulary: Vocabulary): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (const { name, chunks } of tokenizerFiles(vocabulary, MODEL_MAX_LENGTH))
    for await (const chunk of chunks()) files[name] = chunk; // each has one
  return files;
}

function checkInteger(name: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const why = name === "vocab_size" ? ` (${SPECIALS.length} special tokens and 256 bytes at least)` : "";
  throw new RobertalbertError(
    "OPTION_INVALID",
    `${name} is ${show(value)}, expected a whole number ${least} … ${most}${why}`,
  );
}
