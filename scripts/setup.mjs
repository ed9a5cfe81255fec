// node scripts/setup.mjs start|test|bench [ARGS]: installs and builds what is missing or out of date, then runs the thing.
// Plain JavaScript without dependencies: it runs in a fresh clone that has nothing but Node.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isBuilt, isInstalled } from "./up-to-date.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

function step(message, command, args) {
  process.stderr.write(`robertalbert: ${message}\n`);
  // npm is a script on Windows, which only a shell runs.
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status === 0) return;
  process.stderr.write(
    `${stdout ?? ""}${stderr ?? ""}robertalbert: ${message} failed${error ? ` (${error.message})` : ""}\n`,
  );
  process.exit(1);
}

function prepare() {
  if (!isInstalled(root)) step("installing from package-lock.json …", "npm", ["ci"]);
  if (!isBuilt(root)) step("building …", process.execPath, ["scripts/build.mjs"]);
}

const TASKS = {
  start: (args) => ["dist/cli/main.js", "fill-mask", ...(args.length ? args : ["The capital of France is <mask>."])],
  test: (args) => ["node_modules/vitest/vitest.mjs", "run", ...args],
  bench: (args) => {
    step("building the benchmarks …", process.execPath, [
      "node_modules/typescript/bin/tsc",
      "-p",
      "bench/tsconfig.json",
    ]);
    return ["bench/dist/bench/main.js", ...args];
  },
};

const [name, ...args] = process.argv.slice(2);
if (!Object.hasOwn(TASKS, name ?? "")) {
  process.stderr.write(`usage: node scripts/setup.mjs ${Object.keys(TASKS).join("|")} [ARGS]\n`);
  process.exit(2);
}
prepare();
// In this process: another start of Node would cost as long as the answer.
const [script, ...scriptArgs] = TASKS[name](args);
process.chdir(root);
process.argv = [process.argv[0], join(root, script), ...scriptArgs];
await import(pathToFileURL(join(root, script)).href);
