// robertalbert embed: a vector for each text, as JSON lines or .npy; an interrupted run goes on where it stopped.
import { pipeline } from "../pipelines/pipeline.ts";
import { type Command, integerOption, UsageError } from "./command.ts";
import { eachText, MODEL_OPTIONS, modelOf, textOptions } from "./each-text.ts";
import { INPUT_OPTION, openTexts } from "./texts.ts";
import { jsonLine, openVectors } from "./vectors-file.ts";

export const embed: Command = {
  name: "embed",
  summary: "a vector for each text, as JSON lines or .npy",
  usage: "--model MODEL TEXT… | - | --input FILE",
  options: {
    ...MODEL_OPTIONS,
    input: INPUT_OPTION,
    output: {
      type: "string",
      short: "o",
      value: "FILE",
      help: "a .npy or .jsonl file; one that has N rows already gets the vectors of the texts after the Nth",
    },
    pooling: { type: "string", value: "WAY", help: "mean (default) or cls" },
    normalize: { type: "boolean", help: "scales vectors to length 1" },
    "truncate-dim": { type: "string", value: "N", help: "keeps the first N dimensions" },
  },
  async run(values, positionals, io) {
    const pooling = values.pooling ?? "mean";
    if (pooling !== "mean" && pooling !== "cls")
      throw new UsageError(`--pooling is ${JSON.stringify(pooling)}, expected mean or cls: a text gets one vector`);
    const options = {
      ...textOptions(values),
      pooling: pooling as "mean" | "cls",
      normalize: values.normalize === true,
      ...(values["truncate-dim"] !== undefined && { truncate_dim: integerOption(values, "truncate-dim", 1) }),
    };
    const source = openTexts(positionals, values, io);
    const extractor = await pipeline("feature-extraction", ...modelOf(values, io));
    const width = options.truncate_dim ?? extractor.model.config.hidden_size;
    const file = typeof values.output === "string" ? await openVectors(values.output, width) : undefined;
    try {
      if (file && file.rows > 0) {
        await io.note(`${values.output} has ${file.rows} rows: going on after them`);
        for (let i = 0; i < file.rows; i++) if ((await source.texts.next()).done) break;
      }
      await eachText(
        source,
        (texts) => extractor(texts, options),
        async (text, vector) => {
          const values = vector.data as Float32Array;
          if (file) await file.append(text, values);
          else await io.print(jsonLine(text, values));
        },
        io,
      );
    } finally {
      await file?.close();
      await extractor.dispose();
    }
  },
};
