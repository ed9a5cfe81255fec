#!/usr/bin/env node
// The command `robertalbert`: finds the command, reads its options, and turns errors into one line and an exit code.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { RobertalbertError } from "../errors.ts";
import { answer } from "./answer.ts";
import { check } from "./check.ts";
import { classify } from "./classify.ts";
import { type Command, type Io, type OptionSpec, UsageError } from "./command.ts";
import { config } from "./config.ts";
import { exportCommand, quantize } from "./convert.ts";
import { embed } from "./embed.ts";
import { fillMask } from "./fill-mask.ts";
import { info } from "./info.ts";
import { init } from "./init.ts";
import { ner } from "./ner.ts";
import { rerank } from "./rerank.ts";
import { tokenize } from "./tokenize.ts";
import { trainTokenizer } from "./train-tokenizer.ts";
import { zeroShot } from "./zero-shot.ts";

const COMMANDS: readonly Command[] = [
  fillMask,
  embed,
  classify,
  rerank,
  ner,
  answer,
  zeroShot,
  tokenize,
  info,
  config,
  trainTokenizer,
  init,
  check,
  quantize,
  exportCommand,
];
const PACKAGE = new URL("../../package.json", import.meta.url);
const COMMON: Readonly<Record<string, OptionSpec>> = {
  help: { type: "boolean", short: "h", help: "show this" },
  verbose: { type: "boolean", help: "errors with their stack" },
};

async function main(args: readonly string[], io: Io): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return io.print(overview());
  if (name === "--version") return io.print(`${JSON.parse(await readFile(PACKAGE, "utf8")).version}\n`);
  const command = COMMANDS.find((c) => c.name === name);
  if (!command)
    throw new UsageError(
      `unknown command ${JSON.stringify(name)}, expected one of ${COMMANDS.map((c) => c.name).join(", ")}`,
    );
  const options = { ...command.options, ...COMMON };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: rest,
      options: Object.fromEntries(
        Object.entries(options).map(([key, { type, short }]) => [key, short ? { type, short } : { type }]),
      ),
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError((error as Error).message.replaceAll(/\s*\n\s*/g, " ")); // some of Node's take three lines
  }
  const values = parsed.values as Record<string, string | boolean | undefined>;
  if (values.help) return io.print(help(command, options));
  await command.run(values, parsed.positionals, io);
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((c) => c.name.length));
  const list = COMMANDS.map((c) => `  ${c.name.padEnd(width)}  ${c.summary}\n`).join("");
  return `robertalbert: ALBERT models with RoBERTa's tokenizer, on WebAssembly\n\n${list}\nrobertalbert COMMAND --help shows a command's options, robertalbert --version the version.\n`;
}

function help(command: Command, options: Readonly<Record<string, OptionSpec>>): string {
  const rows = Object.entries(options).map(([key, { short, value, help }]) => [
    `${short ? `-${short}, ` : "    "}--${key}${value ? ` ${value}` : ""}`,
    help,
  ]);
  const width = Math.max(...rows.map(([left]) => left!.length));
  return `robertalbert ${command.name} ${command.usage}\n${command.summary}\n\n${rows.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}\n`).join("")}`;
}

/**
 * Node 20 and 22 may hang at exit (nodejs/node#54918): a thread that optimises JavaScript waits for a garbage collection, and
 * the main thread for that thread. With the garbage collected it needs to wait for none (measured on Node 20: of 150 runs of
 * fill-mask 9 hung, then none).
 */
function collectBeforeExit(): void {
  if (Number.parseInt(process.versions.node, 10) >= 24) return;
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** Ends at once, whatever is still being read or computed. */
function exit(code: number): never {
  collectBeforeExit();
  process.exit(code);
}

const { stdin, stdout, stderr } = process;
const args = process.argv.slice(2);
const isTerminal = stdout.isTTY === true;
const io: Io = {
  stdin,
  print: (text) => new Promise((resolve, reject) => stdout.write(text, (error) => (error ? reject(error) : resolve()))),
  note: (text) => new Promise((resolve) => stderr.write(`robertalbert: ${text}\n`, () => resolve())),
  fail: () => {
    process.exitCode = 1;
  },
  overwrite: (text) => {
    if (stderr.isTTY) stderr.write(`\r\u001b[K${text}`);
  },
  isTerminal,
  useColor: isTerminal && !process.env.NO_COLOR,
};
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") exit(0); // a reader that has seen enough (`| head`) is no error
  stderr.write(`robertalbert: standard output cannot be written: ${error.message}\n`);
  exit(1);
});

try {
  await main(args, io);
} catch (error) {
  if ((error as NodeJS.ErrnoException).code === "EPIPE") exit(0);
  const { message, stack } = error as Error;
  if (args.includes("--verbose")) stderr.write(`${stack}\n`);
  else if (error instanceof UsageError) stderr.write(`robertalbert: ${message}; see --help\n`);
  else
    stderr.write(
      `robertalbert: ${error instanceof RobertalbertError ? "" : "internal error: "}${message.replaceAll("\n", " ")}\n`,
    );
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  stdin.destroy(); // an open pipe or terminal would keep the process after an error in one of its lines
  collectBeforeExit();
}
