// node test/engines/run.mjs [--write] [--report FILE] NAME=PROGRAM…: the q8 hashes on each engine, compared with the committed ones.
// NAME says how to start it: node…, bun, deno or workerd. --write makes test/golden/q8-hashes.json anew, from the first engine.
// --report FILE gets the counts as vitest's JSON reporter writes them. Needs dist/ and ../shared.
import { execFile, execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { runInWorkerd } from "./workerd.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const goldenFile = join(root, "test/golden/q8-hashes.json");
const caseFolder = join(root, "../shared/golden/models/real-robertalbert");

const { values: options, positionals } = parseArgs({
  options: { write: { type: "boolean" }, report: { type: "string" } },
  allowPositionals: true,
});
const temporary = await mkdtemp(join(tmpdir(), "robertalbert-engines-"));
try {
  const engines = positionals.map((text) => ({ name: text.split("=")[0], path: text.slice(text.indexOf("=") + 1) }));
  const fullSize = await makeFullSize(join(temporary, "floats"), join(temporary, "q8"));
  if (options.write) await writeGolden(await runEngine(engines[0], fullSize));
  const golden = JSON.parse(await readFile(goldenFile, "utf8"));
  const assertions = [];
  // Two at a time: each computes on one thread.
  const waiting = engines.values();
  const checkWaiting = async () => {
    for (const engine of waiting) assertions.push(...(await check(engine, fullSize, golden)));
  };
  await Promise.all([checkWaiting(), checkWaiting()]);
  const failed = assertions.filter(({ status }) => status === "failed").length;
  console.log(`engines: ${assertions.length - failed} passed, ${failed} failed`);
  if (options.report) await writeReport(options.report, assertions, failed);
  if (failed > 0 || assertions.length === 0) process.exitCode = 1;
} finally {
  await rm(temporary, { recursive: true, force: true });
}

/** The full-size weights of golden/models/real-robertalbert, converted by the command. */
async function makeFullSize(floats, q8) {
  const { hashTensor } = await import(join(root, "../shared/oracle/hash_weights.mjs"));
  const { tensorOf, writeSafetensors } = await import(join(root, "dist/weights/write-safetensors.js"));
  const { seed_text, tensors } = JSON.parse(await readFile(join(caseFolder, "case.json"), "utf8"));
  await mkdir(floats);
  await writeFile(join(floats, "config.json"), await readFile(join(caseFolder, "config.json")));
  const sources = tensors.map(({ name, shape, base, scale }) =>
    tensorOf(name, "F32", shape, hashTensor(seed_text, name, shape, base, scale)),
  );
  await writeFile(join(floats, "model.safetensors"), writeSafetensors(sources));
  execFileSync(process.execPath, [join(root, "dist/cli/main.js"), "quantize", floats, q8], { stdio: "pipe" });
  return q8;
}

/** One result for each model, build and form. */
async function check(engine, fullSize, golden) {
  const outcome = (what, error) => {
    console.log(`${error ? "✗" : "✓"} ${engine.name}: ${what}${error ? `: ${error}` : ""}`);
    return { status: error ? "failed" : "passed", fullName: `q8 hashes on ${engine.name}: ${what}` };
  };
  try {
    const results = await runEngine(engine, fullSize);
    return results.map(({ model, build, dot, hashes }) => {
      const wrong = hashes.flatMap((hash, i) =>
        Object.keys(golden[model][i])
          .filter((output) => hash[output] !== golden[model][i][output])
          .map((output) => `${output} of input ${i}`),
      );
      const { length } = golden[model];
      const few = hashes.length < length ? `only ${hashes.length} of ${length} inputs` : undefined;
      return outcome(`${model}, ${build}, ${dot}`, wrong.length > 0 ? `other bits in ${wrong.join(", ")}` : few);
    });
  } catch (error) {
    return [outcome("runs", error.message)];
  }
}

async function runEngine({ name, path }, fullSize) {
  if (name === "workerd") return runInWorkerd(path, fullSize, await mkdtemp(join(temporary, "workerd-")));
  const before = { bun: ["run"], deno: ["run", "--allow-all", "--node-modules-dir=manual"] }[name] ?? [];
  const args = [...before, join(root, "test/engines/main.mjs"), fullSize];
  const { stdout } = await promisify(execFile)(path, args, { cwd: root, maxBuffer: 1 << 24 });
  return JSON.parse(stdout);
}

/** A line for each input. */
async function writeGolden(results) {
  const models = ["fill-mask", "full-size"].map((name) => {
    const { hashes } = results.find(({ model }) => model === name);
    return `  ${JSON.stringify(name)}: [\n${hashes.map((hash) => `    ${JSON.stringify(hash)}`).join(",\n")}\n  ]`;
  });
  await writeFile(goldenFile, `{\n${models.join(",\n")}\n}\n`);
}

async function writeReport(file, assertionResults, failed) {
  await writeFile(
    file,
    JSON.stringify({
      numPassedTests: assertionResults.length - failed,
      numFailedTests: failed,
      numPendingTests: 0,
      numTodoTests: 0,
      testResults: [{ assertionResults }],
    }),
  );
}
