// npm run bench [-- NAME… --rounds N --build simd|relaxed --cpu --json]: runs the benchmarks and prints their rows as they come.
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { type Build, supportsBuild } from "../src/runtime/build.ts";
import { runtimeInfo } from "../src/runtime/info.ts";
import type { Benchmark, Row } from "./benchmark.ts";
import { embed } from "./embed.ts";
import { kernelBenchmarks } from "./kernels.ts";
import { load } from "./load.ts";
import { model } from "./model.ts";
import { tokenizer } from "./tokenizer.ts";

const BENCHMARKS: readonly Benchmark[] = [...kernelBenchmarks, model, load, embed, tokenizer];
const BUILDS = ["simd", "relaxed"] as const;
const DEFAULT_ROUNDS = 7;

const NAME_WIDTH = Math.max(...BENCHMARKS.map(({ name }) => name.length)) + 2;

const HELP = `npm run bench [-- NAME… OPTIONS]   runs all benchmarks, or those named

${BENCHMARKS.map(({ name, about }) => `  ${name.padEnd(NAME_WIDTH)}${about}`).join("\n")}

  --rounds N       rounds in which the contestants take turns; medians over them are printed (default ${DEFAULT_ROUNDS})
  --build NAME     simd or relaxed (default: all that this engine accepts)
  --cpu            CPU time of this process instead of the clock: on one thread the same, and right on a busy machine
  --json           one JSON object a line: the environment, then each row
  --help
`;

class UsageError extends Error {}

async function main(args: readonly string[]): Promise<void> {
  const { chosen, builds, rounds, now, json, help } = readArguments(args);
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const environment = describeEnvironment(builds);
  if (json) process.stdout.write(`${JSON.stringify(environment)}\n`);
  else for (const [name, value] of Object.entries(environment)) process.stdout.write(`${name.padEnd(9)}${value}\n`);

  for (const benchmark of chosen) {
    if (!json) process.stdout.write(`\n${benchmark.name}: ${benchmark.about}\n`);
    let header = "";
    for await (const row of benchmark.run({ builds, rounds, now })) {
      if (json) {
        process.stdout.write(`${JSON.stringify({ benchmark: benchmark.name, ...row })}\n`);
        continue;
      }
      const names = Object.keys(row).join("\n");
      if (names !== header) process.stdout.write(`\n${line(row, (name) => name)}\n`);
      header = names;
      process.stdout.write(`${line(row, (name) => show(row[name]!))}\n`);
    }
  }
}

function readArguments(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: String(DEFAULT_ROUNDS) },
      build: { type: "string" },
      cpu: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new UsageError(`--rounds is ${values.rounds}, expected a whole number from 1 up`);
  const known = BENCHMARKS.map((benchmark) => benchmark.name);
  for (const name of positionals)
    if (!known.includes(name))
      throw new UsageError(`there is no benchmark ${JSON.stringify(name)}, only ${known.join(", ")}`);
  const build = values.build as Build | undefined;
  if (build !== undefined && !BUILDS.includes(build))
    throw new UsageError(`--build is ${JSON.stringify(build)}, expected simd or relaxed`);
  if (build !== undefined && !supportsBuild(build))
    throw new UsageError(`this engine does not accept the ${build} build`);
  return {
    chosen: BENCHMARKS.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    builds: build === undefined ? BUILDS.filter(supportsBuild) : [build],
    rounds,
    now: values.cpu ? cpuMs : () => performance.now(),
    json: values.json,
    help: values.help,
  };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** What a figure depends on beside the code. */
function describeEnvironment(builds: readonly Build[]): Record<string, string> {
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const { bun, deno, node, v8 } = process.versions;
  const runtime = bun ? `Bun ${bun}` : deno ? `Deno ${deno}, V8 ${v8}` : `Node ${node}, V8 ${v8}`;
  return {
    package: `robertalbert ${version}`,
    runtime,
    system: `${process.platform} ${process.arch}`,
    CPU: cpus()[0]?.model.trim() ?? "unknown",
    builds: builds.join(", "),
    "int8 dot": runtimeInfo().dot ?? "unknown",
  };
}

/** One line of the table: words to the left, the first of them in a wide column, numbers to the right. */
function line(row: Row, text: (name: string) => string): string {
  return Object.keys(row)
    .map((name, i) => {
      if (typeof row[name] === "number") return text(name).padStart(Math.max(name.length, 8));
      return text(name).padEnd(Math.max(name.length, i === 0 ? 30 : 8));
    })
    .join("  ")
    .trimEnd();
}

/** Whole numbers as they are, others with three digits. */
function show(value: string | number): string {
  if (typeof value === "string" || Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof UsageError || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS");
  process.stderr.write(isUsage ? `bench: ${(error as Error).message}; see --help\n` : `${(error as Error).stack}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
