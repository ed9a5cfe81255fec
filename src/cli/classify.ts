// robertalbert classify: labels of texts with their scores.
import { pipeline } from "../pipelines/pipeline.ts";
import { type Command, integerOption, JSON_OPTION } from "./command.ts";
import { eachText, field, MODEL_OPTIONS, modelOf, textOptions } from "./each-text.ts";
import { INPUT_OPTION, openTexts } from "./texts.ts";

export const classify: Command = {
  name: "classify",
  summary: "labels of texts with their scores",
  usage: "--model MODEL TEXT… | - | --input FILE",
  options: {
    ...MODEL_OPTIONS,
    input: INPUT_OPTION,
    "top-k": { type: "string", short: "k", value: "N", help: "labels for each text (default 1; 0 for all)" },
    function: { type: "string", value: "NAME", help: "softmax, sigmoid or none (default: by the model's config)" },
    json: JSON_OPTION,
  },
  async run(values, positionals, io) {
    const k = integerOption(values, "top-k", 1, 0);
    const function_to_apply = values.function as "softmax" | undefined;
    const options = { ...textOptions(values), top_k: k || null, ...(function_to_apply && { function_to_apply }) };
    const source = openTexts(positionals, values, io);
    const classifier = await pipeline("text-classification", ...modelOf(values, io));
    await eachText(
      source,
      (texts) => classifier(texts, options),
      (text, labels) =>
        io.print(
          values.json
            ? `${JSON.stringify(labels)}\n`
            : labels.map(({ label, score }) => `${score.toFixed(4)}\t${field(label)}\t${field(text)}\n`).join(""),
        ),
      io,
    );
    await classifier.dispose();
  },
};
