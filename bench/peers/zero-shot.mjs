// node bench/peers/zero-shot.mjs: zero-shot classification of one text over 10 labels, fp32, against transformers.js on
// onnxruntime-web with one thread: the same weights, with the graph as exports have it and with onnxruntime's fused one. Scores are compared first.
import { readArguments } from "./arguments.mjs";

const args = readArguments({
  usage: "node bench/peers/zero-shot.mjs [OPTIONS]   zero-shot classification of one text over 10 labels",
  rounds: 7,
  without: ["model"],
});
// Only now: --help asks for none of the contestants.
const { medianMs, ortWeb, ours, printEnvironment, printTable, work } = await import("./support.mjs");

const TEXT =
  "The city council voted on Tuesday to close two of the five bridges over the river for repairs that will last until spring.";
const LABELS = [
  "politics",
  "sports",
  "traffic",
  "weather",
  "science",
  "health",
  "business",
  "travel",
  "music",
  "building",
];
const MOST_DIFFERENCE = 1e-5;

// transformers.js then takes this runtime instead of its own; one thread is set in support.mjs.
globalThis[Symbol.for("onnxruntime")] = ortWeb;
const { env, pipeline } = await import("@huggingface/transformers");
env.localModelPath = work;
env.allowRemoteModels = false;
env.useWasmCache = false;
ortWeb.env.wasm.wasmPaths = undefined; // transformers.js points it at a server; the files lie beside onnxruntime-web

printEnvironment(args);
const folder = `${work}nli`;
const own = await ours.pipeline("zero-shot-classification", folder, { dtype: "fp32" });
const options = { dtype: "fp32", device: "auto" };
const plain = await pipeline("zero-shot-classification", "nli", options);
const fused = await pipeline("zero-shot-classification", "nli", { ...options, model_file_name: "model_fused" });
const contestants = {
  "robertalbert fp32": own,
  "transformers.js on onnxruntime-web, graph as exported": plain,
  "transformers.js on onnxruntime-web, graph fused": fused,
};

const expected = await own(TEXT, LABELS);
for (const [who, classify] of Object.entries(contestants)) {
  const { labels, scores } = await classify(TEXT, LABELS);
  labels.forEach((label, i) => {
    const difference = Math.abs(scores[i] - expected.scores[expected.labels.indexOf(label)]);
    if (!(difference <= MOST_DIFFERENCE)) throw new Error(`${who}: ${label} differs by ${difference}`);
  });
}
const tasks = Object.fromEntries(Object.entries(contestants).map(([who, run]) => [who, () => run(TEXT, LABELS)]));
const ms = await medianMs(tasks, args);
printTable(
  [...ms].map(([who, time]) => ({ contestant: who, ms: time, "times ours": time / ms.get("robertalbert fp32") })),
  args,
);
