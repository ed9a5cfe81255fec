// robertalbert answer: the parts of a text that answer a question.
import { readFile } from "node:fs/promises";
import { RobertalbertError } from "../errors.ts";
import { pipeline } from "../pipelines/pipeline.ts";
import type { Answer } from "../pipelines/question-answering.ts";
import { type Command, type Io, integerOption, JSON_OPTION, UsageError } from "./command.ts";
import { field, MODEL_OPTIONS, modelOf, textOptions } from "./each-text.ts";

export const answer: Command = {
  name: "answer",
  summary: "the parts of a text that answer a question",
  usage: "--model MODEL QUESTION CONTEXT | QUESTION - | QUESTION --input FILE",
  options: {
    ...MODEL_OPTIONS,
    input: { type: "string", short: "i", value: "FILE", help: "a file whose whole text is the context" },
    "top-k": { type: "string", short: "k", value: "N", help: "answers (default 1)" },
    "max-answer-length": { type: "string", value: "N", help: "tokens of an answer at most (default 15)" },
    impossible: { type: "boolean", help: 'lets "no answer" compete' },
    json: JSON_OPTION,
  },
  async run(values, positionals, io) {
    const [question, context, ...more] = positionals;
    const isFile = typeof values.input === "string";
    if (question === undefined || more.length > 0 || (context === undefined) !== isFile)
      throw new UsageError('expected a question and a context (or "-", or --input FILE)');
    const top_k: number = integerOption(values, "top-k", 1);
    const options = {
      ...textOptions(values),
      top_k,
      max_answer_len: integerOption(values, "max-answer-length", 15),
      handle_impossible_answer: values.impossible === true,
    };
    const text = await readContext(isFile ? String(values.input) : undefined, context, io);
    const answerer = await pipeline("question-answering", ...modelOf(values, io));
    const found = (await answerer(question, text, options)) as Answer | Answer[];
    for (const { score, start, end, answer } of Array.isArray(found) ? found : [found]) {
      if (values.json) await io.print(`${JSON.stringify({ score, start, end, answer })}\n`);
      else await io.print(`${score.toFixed(4)}\t${start}\t${end}\t${field(answer)}\n`);
    }
    await answerer.dispose();
  },
};

async function readContext(path: string | undefined, context: string | undefined, io: Io): Promise<string> {
  if (path === undefined && context !== "-") return context!;
  if (path === undefined) {
    const chunks: Buffer[] = [];
    for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString("utf8");
  }
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new RobertalbertError("FILE_NOT_FOUND", `--input ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}
