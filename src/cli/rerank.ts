// robertalbert rerank: documents in the order in which they answer a query.
import { pipeline } from "../pipelines/pipeline.ts";
import { type Command, integerOption, JSON_OPTION, UsageError } from "./command.ts";
import { field, MODEL_OPTIONS, modelOf, textOptions } from "./each-text.ts";
import { INPUT_OPTION, openTexts } from "./texts.ts";

export const rerank: Command = {
  name: "rerank",
  summary: "documents in the order in which they answer a query, by a cross-encoder",
  usage: "--model MODEL QUERY DOCUMENT… | QUERY - | QUERY --input FILE",
  options: {
    ...MODEL_OPTIONS,
    input: INPUT_OPTION,
    "top-k": { type: "string", short: "k", value: "N", help: "documents to print (default: all)" },
    json: JSON_OPTION,
  },
  async run(values, positionals, io) {
    const [query, ...rest] = positionals;
    if (query === undefined) throw new UsageError("no query: pass one, and documents after it");
    const top_k = values["top-k"] === undefined ? null : integerOption(values, "top-k", 1);
    const { texts } = openTexts(rest, values, io);
    const ranker = await pipeline("text-classification", ...modelOf(values, io));
    const documents: string[] = [];
    for await (const text of texts) documents.push(text);
    for (const { corpus_id, score, text } of await ranker.rerank(query, documents, { ...textOptions(values), top_k })) {
      if (values.json) await io.print(`${JSON.stringify({ corpus_id, score, text })}\n`);
      else await io.print(`${score.toFixed(4)}\t${corpus_id + 1}\t${field(text)}\n`);
    }
    await ranker.dispose();
  },
};
