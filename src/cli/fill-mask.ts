// robertalbert fill-mask: the likeliest words for each <mask>.
import type { FillMaskResult } from "../pipelines/fill-mask.ts";
import { pipeline } from "../pipelines/pipeline.ts";
import { type Command, integerOption, JSON_OPTION, MODEL_OPTION } from "./command.ts";
import { field } from "./each-text.ts";
import { DTYPE_OPTION, dtypeOption, SOURCE_OPTIONS, sourceOptions } from "./source.ts";
import { readTexts } from "./texts.ts";

const BAR_WIDTH = 24;

export const fillMask: Command = {
  name: "fill-mask",
  summary: "the likeliest words for each <mask> of a text",
  usage: 'TEXT… | -   ("-": lines from standard input)',
  options: {
    model: MODEL_OPTION,
    ...SOURCE_OPTIONS,
    dtype: DTYPE_OPTION,
    "top-k": { type: "string", short: "k", value: "N", help: "answers for each mask (default 5)" },
    targets: { type: "string", value: "WORD,…", help: 'only these words compete, for example " red, blue"' },
    json: JSON_OPTION,
  },
  async run(values, positionals, io) {
    const top_k = integerOption(values, "top-k", 5);
    const targets = typeof values.targets === "string" ? values.targets.split(",") : undefined;
    const texts = readTexts(positionals, io);
    const first = await texts.next(); // wrong usage is said before a model is loaded
    const options = { ...dtypeOption(values), ...sourceOptions(values, io) };
    const fill = await pipeline("fill-mask", values.model as string | undefined, options);
    for (let text = first; !text.done; text = await texts.next()) {
      const answers = await fill(text.value, { top_k, ...(targets && { targets }) });
      if (values.json) await io.print(`${JSON.stringify(answers)}\n`);
      else
        await io.print(render(text.value, (Array.isArray(answers[0]) ? answers : [answers]) as FillMaskResult[][], io));
    }
    await fill.dispose();
  },
};

function render(
  text: string,
  lists: readonly FillMaskResult[][],
  { isTerminal, useColor }: { isTerminal: boolean; useColor: boolean },
): string {
  if (!isTerminal) {
    return lists
      .flatMap((list, mask) =>
        list.map(
          (r) =>
            `${lists.length > 1 ? `${mask + 1}\t` : ""}${r.score.toFixed(4)}\t${field(r.token_str)}\t${field(r.sequence)}\n`,
        ),
      )
      .join("");
  }
  const paint = (code: number, s: string) => (useColor ? `\u001b[${code}m${s}\u001b[0m` : s);
  const lines = [paint(1, text)];
  lists.forEach((list, mask) => {
    if (lists.length > 1) lines.push(paint(2, `  mask ${mask + 1}`));
    const width = Math.max(...list.map((r) => r.token_str.length));
    for (const { score, token_str } of list) {
      const full = Math.round(score * BAR_WIDTH);
      const bar = paint(36, "█".repeat(full)) + paint(2, "·".repeat(BAR_WIDTH - full));
      lines.push(`  ${bar} ${(100 * score).toFixed(1).padStart(5)} %  ${token_str.padEnd(width)}`.trimEnd());
    }
  });
  return `${lines.join("\n")}\n`;
}
