// robertalbert zero-shot: which of any labels fit texts.
import { pipeline } from "../pipelines/pipeline.ts";
import { type Command, JSON_OPTION, UsageError } from "./command.ts";
import { eachText, field, MODEL_OPTIONS, modelOf, textOptions } from "./each-text.ts";
import { INPUT_OPTION, openTexts } from "./texts.ts";

export const zeroShot: Command = {
  name: "zero-shot",
  summary: "which of your own labels fit texts, by a model of natural-language inference",
  usage: "--model MODEL --labels A,B,… TEXT… | - | --input FILE",
  options: {
    ...MODEL_OPTIONS,
    input: INPUT_OPTION,
    labels: { type: "string", short: "l", value: "A,B,…", help: "the labels; needed" },
    multi: { type: "boolean", help: "several labels may fit: each is judged by itself" },
    template: {
      type: "string",
      value: "TEXT",
      help: 'the hypothesis, {} for the label (default "This example is {}.")',
    },
    json: JSON_OPTION,
  },
  async run(values, positionals, io) {
    const labels = values.labels;
    if (typeof labels !== "string") throw new UsageError("--labels is missing: the labels, with commas between them");
    const options = {
      ...textOptions(values),
      multi_label: values.multi === true,
      ...(values.template !== undefined && { hypothesis_template: String(values.template) }),
    };
    const source = openTexts(positionals, values, io);
    const classifier = await pipeline("zero-shot-classification", ...modelOf(values, io));
    await eachText(
      source,
      (texts) => classifier(texts, labels, options),
      (text, result) =>
        io.print(
          values.json
            ? `${JSON.stringify(result)}\n`
            : result.labels
                .map((label, i) => `${result.scores[i]!.toFixed(4)}\t${field(label)}\t${field(text)}\n`)
                .join(""),
        ),
      io,
    );
    await classifier.dispose();
  },
};
