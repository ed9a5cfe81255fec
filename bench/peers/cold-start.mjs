// node bench/peers/cold-start.mjs: milliseconds from the start of a process to its first fill-mask answer, full-size model, fp32,
// same weights; and peak resident memory (Linux only: from /proc). Each start is a new process; files are in the page cache. First answers are compared.
import { execFileSync } from "node:child_process";
import { readArguments } from "./arguments.mjs";

const args = readArguments({
  usage: "node bench/peers/cold-start.mjs [OPTIONS]   from the start of a process to its first answer",
  rounds: 5,
  without: ["model", "cpu"],
});
// Only now: --help asks for none of the contestants.
const { median, printEnvironment, printTable, work } = await import("./support.mjs");

const TEXT = "The capital of France is <mask>.";
const ours = JSON.stringify(new URL("../../dist/index.js", import.meta.url).href);
const report = `const [best] = await fill(${JSON.stringify(TEXT)}, { top_k: 1 });
  console.log(JSON.stringify({ token: best.token, score: best.score, peakKb: Number(/VmHWM:\\s+(\\d+)/.exec(process.getBuiltinModule("node:fs").readFileSync("/proc/self/status", "utf8"))[1]) }));`;
const rival = (before) => `${before}
  const { env, pipeline } = await import(${JSON.stringify(import.meta.resolve("@huggingface/transformers"))});
  env.localModelPath = ${JSON.stringify(work)}; env.allowRemoteModels = false; env.useWasmCache = false;
  if (globalThis.ortWeb) ortWeb.env.wasm.wasmPaths = undefined;
  const session_options = { intraOpNumThreads: 1 };
  const fill = await pipeline("fill-mask", "fill-mask", { dtype: "fp32", device: globalThis.ortWeb ? "auto" : "cpu", session_options }); ${report}`;
const PROGRAMS = {
  "robertalbert fp32": `const { pipeline } = await import(${ours});
    const fill = await pipeline("fill-mask", ${JSON.stringify(`${work}fill-mask`)}, { dtype: "fp32" }); ${report}`,
  "transformers.js on onnxruntime-web, fp32": rival(
    `globalThis.ortWeb = (await import(${JSON.stringify(import.meta.resolve("onnxruntime-web"))})).default;
    ortWeb.env.wasm.numThreads = 1; globalThis[Symbol.for("onnxruntime")] = ortWeb;`,
  ),
  "transformers.js on onnxruntime-node (native), fp32": rival(""),
};

printEnvironment(args);
const names = Object.keys(PROGRAMS);
const times = new Map(names.map((name) => [name, []]));
const peaks = new Map();
const answers = new Map();
for (let round = 0; round < args.rounds; round++) {
  for (const name of names) {
    const start = performance.now();
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", PROGRAMS[name]], { encoding: "utf8" });
    times.get(name).push(performance.now() - start);
    const { token, score, peakKb } = JSON.parse(output);
    answers.set(name, { token, score });
    peaks.set(name, peakKb / 1024);
  }
}
const [first] = answers.values();
for (const [name, { token, score }] of answers)
  if (token !== first.token || Math.abs(score - first.score) > 1e-5 * first.score)
    throw new Error(`${name} answers ${token} (${score}), the first ${first.token} (${first.score})`);
const own = median(times.get(names[0]));
printTable(
  names.map((name) => ({
    contestant: name,
    "ms to the first answer": median(times.get(name)),
    "times ours": median(times.get(name)) / own,
    "peak resident MiB": peaks.get(name),
  })),
  args,
);
