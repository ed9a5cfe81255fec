// robertalbert train-tokenizer: a byte-level BPE as RoBERTa's, learnt from files.
import { resolve } from "node:path";
import { type TrainedTokenizer, type TrainingProgress, trainTokenizer as train } from "../folder/train-tokenizer.ts";
import { type Command, integerOption, JSON_OPTION, UsageError } from "./command.ts";
import { progressLine } from "./progress.ts";
import { textFiles } from "./text-files.ts";
import { byteCount, fileList } from "./written-files.ts";

export const trainTokenizer: Command = {
  name: "train-tokenizer",
  summary: "a tokenizer as RoBERTa's, learnt from texts; for init --tokenizer",
  usage: 'FILES… --vocab-size N --output FOLDER   (UTF-8 texts, line by line; "-": standard input)',
  options: {
    "vocab-size": {
      type: "string",
      short: "v",
      value: "N",
      help: "how many tokens, the 5 special ones and the 256 bytes included (RoBERTa: 50265)",
    },
    "min-frequency": {
      type: "string",
      value: "N",
      help: "merge no pair of tokens that occurs less often (default 2)",
    },
    output: { type: "string", short: "o", value: "FOLDER", help: "where the tokenizer's files go" },
    force: { type: "boolean", short: "f", help: "replace the folder if it is there" },
    json: { ...JSON_OPTION, help: "one JSON value: folder, files, vocab_size, bytes, words, distinct_words, notes" },
  },
  async run(values, positionals, io) {
    if (positionals.length === 0) throw new UsageError('no text: name files, or "-" for standard input');
    if (typeof values.output !== "string") throw new UsageError("--output FOLDER is missing: where the files go");
    const vocabSize = integerOption(values, "vocab-size", 0);
    if (vocabSize === 0) throw new UsageError("--vocab-size N is missing: how many tokens there shall be");
    const minFrequency = integerOption(values, "min-frequency", 2);
    const { files, bytes: totalBytes } = await textFiles(positionals, io);

    const { writeFolder } = await import("../hub/write-folder.ts");
    const progress = progressLine(io);
    const sizes = new Map<string, number>();
    let trained!: TrainedTokenizer;
    const learn = async () => {
      trained = await train(files, {
        vocab_size: vocabSize,
        min_frequency: minFrequency,
        progress_callback: (at) => progress.show(stage(at, vocabSize, totalBytes)),
      });
      return Object.entries(trained.files).map(([name, bytes]) => ({ name, chunks: () => [bytes] }));
    };
    await writeFolder(values.output, learn, {
      force: values.force === true,
      onProgress: (name, bytes) => sizes.set(name, bytes),
    }).finally(() => progress.clear());

    const { vocab_size, bytes, words, distinct_words } = trained;
    const notes: string[] = [];
    if (vocab_size < vocabSize)
      notes.push(
        `${vocab_size} tokens, not ${vocabSize}: no other pair occurs ${minFrequency === 1 ? "at all" : `${minFrequency} times`}; train on more text${minFrequency === 1 ? "" : ", or with a lower --min-frequency"}`,
      );
    const folder = resolve(values.output);
    if (values.json) {
      const list = [...sizes].map(([name, bytes]) => ({ name, bytes }));
      const report = { folder, files: list, vocab_size, bytes, words, distinct_words, notes };
      return io.print(`${JSON.stringify(report)}\n`);
    }
    await io.print(
      `${folder}\n${fileList(sizes)}${vocab_size} tokens, learnt from ${byteCount(bytes)} of text: ${words} words, ${distinct_words} different\n`,
    );
    for (const note of notes) await io.note(note);
  },
};

/** How far it is, in one line. */
function stage({ bytes, tokens }: TrainingProgress, vocabSize: number, totalBytes: number | undefined): string {
  if (tokens > 0) return `tokens ${tokens} of ${vocabSize}`;
  return totalBytes ? `texts ${Math.floor((100 * bytes) / totalBytes)} %` : `texts ${byteCount(bytes)}`;
}
