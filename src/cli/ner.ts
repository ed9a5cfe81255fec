// robertalbert ner: labelled parts of texts with their places.
import { pipeline } from "../pipelines/pipeline.ts";
import { type Command, integerOption, JSON_OPTION } from "./command.ts";
import { eachText, field, MODEL_OPTIONS, modelOf, textOptions } from "./each-text.ts";
import { INPUT_OPTION, openTexts } from "./texts.ts";

export const ner: Command = {
  name: "ner",
  summary: "labelled parts of texts (names, places, …) with where they stand",
  usage: "--model MODEL TEXT… | - | --input FILE",
  options: {
    ...MODEL_OPTIONS,
    input: INPUT_OPTION,
    aggregation: { type: "string", value: "WAY", help: "none, simple (default), first, average or max" },
    stride: { type: "string", value: "N", help: "reads long texts in windows that share N tokens" },
    json: JSON_OPTION,
  },
  async run(values, positionals, io) {
    const options = {
      ...textOptions(values),
      aggregation_strategy: (values.aggregation ?? "simple") as "none" | "simple",
      ...(values.stride !== undefined && { stride: integerOption(values, "stride", 0, 0) }),
    };
    const source = openTexts(positionals, values, io);
    const tagger = await pipeline("token-classification", ...modelOf(values, io));
    await eachText(
      source,
      (texts) => tagger(texts, options),
      async (text, entities) => {
        if (values.json) return io.print(`${JSON.stringify(entities)}\n`);
        for (const entity of entities) {
          const { score, start, end } = entity;
          const label = "entity" in entity ? entity.entity : entity.entity_group;
          await io.print(`${score.toFixed(4)}\t${field(label)}\t${start}\t${end}\t${field(text.slice(start, end))}\n`);
        }
        if (source.share() !== 1 || positionals.length !== 1) await io.print("\n"); // between texts
      },
      io,
    );
    await tagger.dispose();
  },
};
