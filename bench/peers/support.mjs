// What the comparisons share: our package, the sessions of onnxruntime on one thread, timing in turns, and tables.
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import ortNative from "onnxruntime-node";
import ortWeb from "onnxruntime-web";
import * as ours from "../../dist/index.js";

export { ortWeb, ours };

/** Weights and graphs, made by the scripts that README.md names. */
export const work = fileURLToPath(new URL("work/", import.meta.url));
/** The dtypes of our package that take part. */
export const OUR_DTYPES = ["fp32", "q8"];

ortWeb.env.wasm.numThreads = 1;
const SESSION = { graphOptimizationLevel: "all", logSeverityLevel: 3 };

/** A function of ids and mask (both [B][T]) that gives the first output of a graph as { data, dims }. */
async function contestant(ort, create, file) {
  const session = await create(file);
  const tensor = (rows) =>
    new ort.Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0].length]);
  return async ({ input_ids, attention_mask }) => {
    const feeds = { input_ids: tensor(input_ids), attention_mask: tensor(attention_mask) };
    return (await session.run(feeds))[session.outputNames[0]];
  };
}

export function onnxruntimeWeb(file) {
  return contestant(ortWeb, (path) => ortWeb.InferenceSession.create(readFileSync(path), SESSION), file);
}

export function onnxruntimeNode(file) {
  const options = { ...SESSION, intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential" };
  return contestant(ortNative, (path) => ortNative.InferenceSession.create(path, options), file);
}

/** What figures depend on beside the code. */
export function printEnvironment({ json, rounds, cpu }) {
  const version = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")).version;
  const rivals = ["onnxruntime-web", "onnxruntime-node", "@huggingface/transformers"].map(
    (name) => `${name} ${version(`node_modules/${name}/package.json`)}`,
  );
  const { build, dot } = ours.runtimeInfo();
  const environment = {
    packages: [`robertalbert ${version("../../package.json")}`, ...rivals].join(", "),
    runtime: `Node ${process.versions.node}`,
    CPU: cpus()[0].model.trim(),
    build,
    "int8 dot": dot,
    threads: 1,
    rounds,
    time: cpu ? "of the CPU" : "of the clock",
  };
  if (json) console.log(JSON.stringify(environment));
  else {
    for (const [name, value] of Object.entries(environment)) console.log(`${name.padEnd(9)}${value}`);
    console.log();
  }
}

/** Median milliseconds of each task, after one call that does not count. Every round calls each once, so that all see the same machine. */
export async function medianMs(tasks, { rounds, cpu }) {
  const now = cpu ? cpuMs : () => performance.now();
  const times = new Map(Object.keys(tasks).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const start = now();
      await task();
      if (round >= 0) times.get(name).push(now() - start);
    }
  }
  return new Map([...times].map(([name, list]) => [name, median(list)]));
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export function median(list) {
  return [...list].sort((a, b) => a - b)[list.length >> 1];
}

/** Σ|actual - expected| / Σ|expected|, over the entries where `counts` says so. */
export function meanError(actual, expected, counts = () => true) {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values, expected ${expected.length}`);
  let error = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!counts(i)) continue;
    error += Math.abs(actual[i] - expected[i]);
    size += Math.abs(expected[i]);
  }
  return error / size;
}

/** Prints rows of equal keys, and what they have in common: as a Markdown table, or with `json` each as an object. */
export function printTable(rows, { json }, shared = {}) {
  if (json) {
    for (const row of rows) console.log(JSON.stringify({ ...shared, ...row }));
    return;
  }
  for (const value of Object.values(shared)) console.log(value);
  const names = Object.keys(rows[0]);
  const show = (value) => {
    if (value === null) return "not timed";
    if (typeof value !== "number" || Number.isInteger(value)) return String(value);
    if (Math.abs(value) < 0.01) return value.toExponential(1);
    return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
  };
  console.log(`| ${names.join(" | ")} |`);
  console.log(`|${names.map((name) => (typeof rows[0][name] === "number" ? " ---: |" : " --- |")).join("")}`);
  for (const row of rows) console.log(`| ${names.map((name) => show(row[name])).join(" | ")} |`);
  console.log();
}
