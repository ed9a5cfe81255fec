// robertalbert check: what is right and wrong with a folder, before one pays for a training run.
import { checkFolder } from "../folder/check.ts";
import type { Finding } from "../folder/finding.ts";
import { type Command, JSON_OPTION, UsageError } from "./command.ts";
import { progressLine } from "./progress.ts";

const SIGN = { ok: "✓", warning: "!", failed: "✗" };
const COLOR = { ok: 32, warning: 33, failed: 31 };

export const check: Command = {
  name: "check",
  summary: "whether a folder's config, tokenizer, weights and positions fit the recipe and each other",
  usage: "FOLDER   (exit code 1 if anything is wrong)",
  options: { json: { ...JSON_OPTION, help: "one JSON value: folder, ok, findings" } },
  async run(values, positionals, io) {
    if (positionals.length !== 1) throw new UsageError(`check takes one folder, got ${positionals.length}`);
    const progress = progressLine(io);
    const report = await checkFolder(positionals[0]!, (share) => progress.show(`weights ${Math.floor(100 * share)} %`));
    progress.clear();
    if (values.json) await io.print(`${JSON.stringify(report)}\n`);
    else await io.print(report.findings.map((finding) => line(finding, io.useColor)).join(""));
    if (!report.ok) io.fail();
  },
};

function line({ about, status, message, advice }: Finding, useColor: boolean): string {
  const sign = useColor ? `\u001b[${COLOR[status]}m${SIGN[status]}\u001b[0m` : SIGN[status];
  return `${sign} ${about.padEnd(9)}  ${message}\n${advice ? `             → ${advice}\n` : ""}`;
}
