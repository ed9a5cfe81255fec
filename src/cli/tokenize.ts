// robertalbert tokenize: the tokens and ids of texts, or how many there are.
import { AutoTokenizer } from "../tokenizer/auto.ts";
import { type Command, JSON_OPTION, MODEL_OPTION, SHIPPED_MODEL } from "./command.ts";
import { SOURCE_OPTIONS, sourceOptions } from "./source.ts";
import { readTexts } from "./texts.ts";

export const tokenize: Command = {
  name: "tokenize",
  summary: "the tokens and ids of a text",
  usage: 'TEXT… | -   ("-": lines from standard input)',
  options: {
    model: MODEL_OPTION,
    ...SOURCE_OPTIONS,
    count: { type: "boolean", help: "only how many tokens, special ones included" },
    json: JSON_OPTION,
  },
  async run(values, positionals, io) {
    const texts = readTexts(positionals, io);
    const first = await texts.next();
    const location = (values.model as string | undefined) ?? SHIPPED_MODEL;
    const tokenizer = await AutoTokenizer.from_pretrained(location, sourceOptions(values, io));
    for (let text = first; !text.done; text = await texts.next()) {
      const ids = tokenizer.encode(text.value);
      const tokens = tokenizer.convert_ids_to_tokens(ids);
      if (values.count) await io.print(values.json ? `${JSON.stringify({ count: ids.length })}\n` : `${ids.length}\n`);
      else if (values.json) await io.print(`${JSON.stringify({ tokens, ids })}\n`);
      else await io.print(`${ids.map((id, i) => `${String(id).padStart(6)}\t${tokens[i]}`).join("\n")}\n\n`);
    }
  },
};
