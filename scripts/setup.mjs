// node scripts/setup.mjs start|test|bench [ARGS]: installs and builds what is missing or out of date, then runs the thing.
// Plain JavaScript without dependencies: it runs in a fresh clone that has nothing but Node.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const INSTALL_STAMP = "node_modules/.robertalbert-lock";
const BUILD_STAMP = "dist/.inputs";
const BUILD_INPUTS = ["assembly", "src", "asconfig.json", "tsconfig.json", "scripts/build.mjs", "package-lock.json"];

const hash = (text) => createHash("sha256").update(text).digest("hex");
const read = (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "");

/** Names, sizes and times of all files under the inputs: changes with every edit, costs milliseconds. */
function inputsDigest() {
  const lines = [];
  const visit = (path) => {
    const info = statSync(join(root, path));
    if (info.isDirectory()) for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
    else lines.push(`${path} ${info.size} ${info.mtimeMs}`);
  };
  BUILD_INPUTS.forEach(visit);
  return hash(lines.join("\n"));
}

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
  const lock = hash(read("package-lock.json"));
  if (read(INSTALL_STAMP) !== lock) {
    step("installing from package-lock.json …", "npm", ["ci"]);
    writeFileSync(join(root, INSTALL_STAMP), lock);
  }
  const inputs = inputsDigest();
  if (read(BUILD_STAMP) !== inputs) {
    step("building …", process.execPath, ["scripts/build.mjs"]);
    writeFileSync(join(root, BUILD_STAMP), inputs);
  }
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
