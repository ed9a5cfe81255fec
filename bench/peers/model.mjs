// node bench/peers/model.mjs: the full-size base model against onnxruntime on one thread, on the same weights
// and ids: milliseconds of a forward pass, and how far last_hidden_state is from fp32. Outputs are compared before anything is timed.
import { readArguments } from "./arguments.mjs";

/**
 * How far a contestant may be from onnxruntime-node's fp32, mean |Δ| / mean |x|: more is not rounding but a mistake, and ends the
 * run. Only onnxruntime-node's int8 `saturates`: where the CPU has no VNNI it adds two products in 16 bits, and is left out if that is too much.
 */
const MOST_ERROR = { fp32: 1e-5, q8: 0.03, int8: 0.05 };

const random = mulberry32(7);
const ids = (length) => [0, ...Array.from({ length: length - 2 }, () => 4 + Math.floor(random() * 50_000)), 2];

/** Texts of 8, 16, … 128 tokens, padded to 128 on the right. */
function mixedBatch() {
  const texts = Array.from({ length: 16 }, (_, i) => ids(8 * (i + 1)));
  return {
    input_ids: texts.map((text) => [...text, ...Array(128 - text.length).fill(1)]),
    attention_mask: texts.map((text) => Array.from({ length: 128 }, (_, t) => Number(t < text.length))),
  };
}

const one = (length) => ({ input_ids: [ids(length)], attention_mask: [Array(length).fill(1)] });
const WORKLOADS = { 16: one(16), 128: one(128), 512: one(512), batch: mixedBatch() };

const args = readArguments({
  usage: "node bench/peers/model.mjs [16 128 512 batch] [OPTIONS]   one text of so many tokens, or 16 of 8, 16, … 128",
  rounds: 7,
  names: Object.keys(WORKLOADS),
});
// Only now: --help asks for none of the contestants.
const { meanError, medianMs, OUR_DTYPES, onnxruntimeNode, onnxruntimeWeb, ours, printEnvironment, printTable, work } =
  await import("./support.mjs");
const { model: weights = "base" } = args;
const folder = `${work}${weights}`;
printEnvironment(args);
const contestants = {};
for (const dtype of OUR_DTYPES) {
  const model = await ours.AutoModel.from_pretrained(folder, { dtype });
  contestants[`robertalbert ${dtype}`] = { kind: dtype, run: async (input) => (await model(input)).last_hidden_state };
}
contestants["onnxruntime-web fp32"] = { kind: "fp32", run: await onnxruntimeWeb(`${folder}/onnx/f32.onnx`) };
contestants["onnxruntime-web int8"] = { kind: "int8", run: await onnxruntimeWeb(`${folder}/onnx/s8.onnx`) };
contestants["onnxruntime-node fp32 (native)"] = {
  kind: "fp32",
  run: await onnxruntimeNode(`${folder}/onnx/f32.onnx`),
};
contestants["onnxruntime-node int8 (native)"] = {
  kind: "int8",
  saturates: true,
  run: await onnxruntimeNode(`${folder}/onnx/s8.onnx`),
};

for (const name of args.names) {
  const input = WORKLOADS[name];
  const expected = await contestants["onnxruntime-node fp32 (native)"].run(input);
  const width = expected.dims[2];
  const visible = input.attention_mask.flat();
  const errors = {};
  const wrong = new Set();
  for (const [who, { kind, saturates, run }] of Object.entries(contestants)) {
    const { data } = await run(input);
    errors[who] = meanError(data, expected.data, (i) => visible[Math.floor(i / width)] === 1);
    if (errors[who] <= MOST_ERROR[kind]) continue;
    if (!saturates) throw new Error(`${name}: ${who} is wrong by ${errors[who]}`);
    wrong.add(who);
  }
  const timed = Object.entries(contestants).filter(([who]) => !wrong.has(who));
  const ms = await medianMs(Object.fromEntries(timed.map(([who, { run }]) => [who, () => run(input)])), args);
  const texts = name === "batch" ? "16 texts of 8, 16, … 128 tokens" : `one text of ${name} tokens`;
  printTable(
    Object.keys(contestants).map((who) => ({
      contestant: who,
      ms: ms.get(who) ?? null,
      ...Object.fromEntries(
        OUR_DTYPES.map((dtype) => [
          `times our ${dtype}`,
          wrong.has(who) ? null : ms.get(who) / ms.get(`robertalbert ${dtype}`),
        ]),
      ),
      "mean error": errors[who],
    })),
    args,
    { weights, texts },
  );
}

/** Numbers in [0, 1), the same in every run. */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
