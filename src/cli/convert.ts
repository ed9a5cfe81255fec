// robertalbert quantize and robertalbert export: a model folder in another dtype.
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { openSource } from "../hub/open.ts";
import { AutoModel } from "../model/auto.ts";
import { type ConvertedDtype, convertFolder } from "../model/convert.ts";
import { AutoTokenizer } from "../tokenizer/auto.ts";
import { type Command, type Io, JSON_OPTION, type OptionSpec, UsageError, type Values } from "./command.ts";
import { progressLine } from "./progress.ts";
import { SOURCE_OPTIONS, sourceOptions } from "./source.ts";
import { byteCount, fileList } from "./written-files.ts";

const FORCE: OptionSpec = { type: "boolean", short: "f", help: "replace the folder OUT if it is there" };

export const quantize: Command = {
  name: "quantize",
  summary: "a folder with weights in 8 or 16 bits, ready to load, and what that costs in accuracy",
  usage: "IN OUT",
  options: {
    ...SOURCE_OPTIONS,
    dtype: { type: "string", value: "q8|fp16", help: "q8: bytes in the kernels' layout (default); fp16: half floats" },
    force: FORCE,
    json: { ...JSON_OPTION, help: "one JSON value: folder, files, bytes before and after, error" },
  },
  run: (values, positionals, io) => convert(values, positionals, io, ["q8", "fp16"]),
};

export const exportCommand: Command = {
  name: "export",
  summary: "a folder for Transformers, with float weights, from a quantized one (or any other)",
  usage: "IN OUT",
  options: {
    ...SOURCE_OPTIONS,
    dtype: { type: "string", value: "fp32|fp16", help: "of the weights (default fp32)" },
    force: FORCE,
    json: { ...JSON_OPTION, help: "one JSON value: folder, files, bytes before and after, error" },
  },
  run: (values, positionals, io) => convert(values, positionals, io, ["fp32", "fp16"]),
};

/** @param dtypes what --dtype may say, the default first */
async function convert(
  values: Values,
  positionals: readonly string[],
  io: Io,
  dtypes: readonly ConvertedDtype[],
): Promise<void> {
  const [from, to] = positionals;
  if (from === undefined || to === undefined || positionals.length > 2)
    throw new UsageError(`two folders are expected, IN and OUT, got ${positionals.length}`);
  const dtype = dtypes.find((name) => name === (values.dtype ?? dtypes[0]));
  if (dtype === undefined)
    throw new UsageError(`--dtype is ${JSON.stringify(values.dtype)}, expected one of ${dtypes.join(", ")}`);
  if ((await placeOf(from)) === (await placeOf(to)))
    throw new UsageError(
      `OUT is the folder IN itself (${JSON.stringify(to)}), whose weights would be lost: name another`,
    );

  const source = await openSource(from, sourceOptions(values, io));
  const conversion = await convertFolder(source, dtype);
  const sizes = new Map<string, number>();
  const line = progressLine(io);
  try {
    const { writeFolder } = await import("../hub/write-folder.ts");
    await writeFolder(to, conversion.files, {
      force: values.force === true,
      onProgress(name, bytes) {
        sizes.set(name, bytes);
        if (name === conversion.weightsFile) line.show(`${name} ${share(bytes, conversion.weightsBytes)} %`);
      },
    });
  } finally {
    await conversion.close();
    line.clear();
  }
  const { trouble, ...error } = await measureError(from, to, dtype, values, io);
  if (trouble) await io.note(trouble);
  const report = {
    folder: resolve(to),
    dtype,
    files: [...sizes].map(([name, bytes]) => ({ name, bytes })),
    weight_bytes_before: conversion.sourceBytes,
    weight_bytes_after: conversion.weightsBytes,
    unexpected_keys: conversion.unexpected_keys,
    texts: TEXTS.length,
    ...error,
  };
  if (values.json) return io.print(`${JSON.stringify(report)}\n`);
  const before = report.weight_bytes_before;
  await io.print(
    `${report.folder}\n${fileList(sizes)}weights ${byteCount(before)} → ${byteCount(report.weight_bytes_after)} (${share(report.weight_bytes_after, before)} %)\n` +
      `error against ${error.compared_with} on ${TEXTS.length} texts: mean |Δ| / mean |x| of the last hidden states ${error.hidden_state_error.toExponential(2)}\n`,
  );
  if (report.unexpected_keys.length > 0)
    await io.note(`left out, nothing here reads them: ${report.unexpected_keys.join(", ")}`);
}

/** The folder that a path names, whichever way. */
function placeOf(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}

/** Of several kinds and lengths: prose, a question, code, numbers, another language. */
const TEXTS = [
  "The capital of France is Paris.",
  "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and nothing particular to interest me on shore, I thought I would sail about a little and see the watery part of the world.",
  "What is the opposite of hot?",
  "for (let i = 0; i < rows; i++) sum += values[i] * weights[i];",
  "In 1969, 650 million people watched 2 of them walk; 12 have walked there since.",
  "Der Himmel über Berlin war grau, und es regnete den ganzen Tag.",
];

/** How far the last hidden states of the new folder are from those of the old one in full precision. */
async function measureError(from: string, to: string, dtype: ConvertedDtype, values: Values, io: Io) {
  const options = sourceOptions(values, io);
  const before = await AutoModel.from_pretrained(from, { ...options, allow_missing: true });
  const after = await AutoModel.from_pretrained(to, { dtype, allow_missing: true });
  const inputs = await readTexts(to, before.config.vocab_size, before.config.max_position_embeddings);
  let [difference, size] = [0, 0];
  for (const input_ids of inputs) {
    const expected = (await before({ input_ids })).last_hidden_state.data as Float32Array;
    const actual = (await after({ input_ids })).last_hidden_state.data as Float32Array;
    expected.forEach((value, i) => {
      difference += Math.abs(actual[i]! - value);
      size += Math.abs(value);
    });
  }
  const compared_with = before.dtype === "q8" ? "the q8 folder" : "fp32";
  await Promise.all([before.dispose(), after.dispose()]);
  const hidden_state_error = difference === 0 ? 0 : difference / size;
  if (Number.isFinite(difference)) return { compared_with, hidden_state_error };
  const where = Number.isFinite(size) ? `${dtype}: keep full precision` : `${compared_with}: the training diverged`;
  return { trouble: `the last hidden states are not finite in ${where}`, compared_with, hidden_state_error };
}

/** Ids of TEXTS, or of anything where the folder has no tokenizer of its model's size. */
async function readTexts(folder: string, vocabularySize: number, positions: number): Promise<number[][]> {
  const tokenizer = await AutoTokenizer.from_pretrained(folder).catch(() => undefined);
  return TEXTS.map((text, t) => {
    const ids = tokenizer?.encode(text) ?? [];
    const fits = ids.length > 0 && ids.every((id) => id < vocabularySize);
    const own = fits ? ids : Array.from(text, (_, i) => (i * 7919 + t) % vocabularySize);
    return own.slice(0, positions);
  });
}

function share(part: number, whole: number): string {
  return ((100 * part) / whole).toFixed(0);
}
