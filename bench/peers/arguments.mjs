// The command line of the comparisons: what each of them takes, --help, and an error for anything else.
import { parseArgs } from "node:util";

const OPTIONS = {
  model: "--model NAME folder under peers/work/ with the weights and graphs: base (default), or golden",
  rounds: "--rounds N   rounds in which the contestants take turns; medians over them are printed",
  cpu: "--cpu        CPU time of this process instead of the clock: on one thread the same, and right on a busy machine",
  json: "--json       one JSON object a line: the environment, then each row",
  help: "--help       this",
};
const WITH_VALUE = ["model", "rounds"];

class UsageError extends Error {}

/**
 * Ends the process after --help, and with exit code 2 after what the command does not take.
 * @param usage the first line of the help
 * @param rounds the default
 * @param names what may be named; none named means all
 * @param without options that this command has not
 * @returns {{ names: string[], rounds: number, model?: string, cpu?: boolean, json?: boolean }}
 */
export function readArguments({ usage, rounds: defaultRounds, names = [], without = [] }) {
  const options = Object.fromEntries(Object.entries(OPTIONS).filter(([name]) => !without.includes(name)));
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: Object.fromEntries(
        Object.keys(options).map((name) => [name, { type: WITH_VALUE.includes(name) ? "string" : "boolean" }]),
      ),
    });
    if (values.help) {
      const lines = Object.values(options).map((line) => `  ${line}\n`);
      process.stdout.write(`${usage}\n\n${lines.join("")}\nRounds by default: ${defaultRounds}.\n`);
      process.exit(0);
    }
    const stranger = positionals.find((name) => !names.includes(name));
    if (stranger !== undefined)
      throw new UsageError(`there is no ${JSON.stringify(stranger)}, expected ${names.join(", ") || "options only"}`);
    const rounds = Number(values.rounds ?? defaultRounds);
    if (!(Number.isInteger(rounds) && rounds > 0))
      throw new UsageError(`--rounds is ${values.rounds}, expected a whole number from 1`);
    return { ...values, rounds, names: names.filter((name) => positionals.length === 0 || positionals.includes(name)) };
  } catch (error) {
    if (!(error instanceof UsageError || error.code?.startsWith("ERR_PARSE_ARGS"))) throw error;
    process.stderr.write(`${error.message}; --help says what there is\n`);
    process.exit(2);
  }
}
