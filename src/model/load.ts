// From a folder or its files to a model: what all classes share.
import { type AlbertConfig, parseConfig } from "../config/config.ts";
import { expectOptions, RobertalbertError, show } from "../errors.ts";
import type { FileSource, LoadOptions, ModelLocation } from "../hub/files.ts";
import { openSource, readJson } from "../hub/open.ts";
import { type KernelOptions, prepareModule } from "../runtime/build.ts";
import { KernelInstance } from "../runtime/kernel-instance.ts";
import type { WeightDtype } from "../weights/checkpoint.ts";
import { type AlbertClassName, type ModelWeights, openModelWeights } from "../weights/model-weights.ts";
import { MOST_Q8_INPUTS } from "../weights/panels.ts";
import { Encoder } from "./encoder.ts";
import { encoderBytes, loadEncoderWeights } from "./encoder-weights.ts";
import type { LoadingInfo } from "./pretrained-model.ts";
import { type ComputeDtype, linearBytes, scratchBytes, tableBytes, WeightLoader } from "./weight-loader.ts";

export interface ModelOptions extends LoadOptions, KernelOptions {
  /**
   * "fp32" computes in 32-bit floats. "fp16" too, with weights rounded to 16 bits. "q8" holds weights in bytes and multiplies with
   * 8-bit activations, the same bits on every engine. Each takes the folder's file of that dtype (`robertalbert quantize`) and else
   * converts while loading. Default, also "auto": model.safetensors or another full file in fp32, else what the folder has.
   */
  dtype?: WeightDtype | null;
  /** All mean the same here: WebAssembly on the CPU. */
  device?: "wasm" | "cpu" | "auto" | null;
  /** Loads a head class from a checkpoint without that head: its outputs are then absent. Default false: an error. */
  allow_missing?: boolean;
}

/**
 * Loads the weights of a class and makes it: what every `from_pretrained` does.
 * @throws FILE_NOT_FOUND, FILE_INVALID, CONFIG_INVALID, CONFIG_UNSUPPORTED, TENSOR_MISSING, TENSOR_INVALID, WASM_INVALID,
 *   WASM_UNSUPPORTED, OPTION_INVALID, OUT_OF_MEMORY, ABORTED
 */
export async function loadModel<Model>(
  className: AlbertClassName,
  create: (encoder: Encoder, loader: WeightLoader, info: LoadingInfo) => Promise<Model>,
  location: ModelLocation,
  options: ModelOptions = {},
): Promise<Model> {
  expectOptions(options);
  checkOptions(options);
  prepareModule(options);
  const source = await openSource(location, options);
  const config = await readConfig(source);
  const wanted = options.dtype ?? "auto";
  const weights = await openModelWeights(source, className, config, wanted);
  try {
    checkMissing(weights, className, source, options.allow_missing ?? false);
    const dtype = wanted === "q8" || (wanted === "auto" && weights.dtype === "q8") ? "q8" : "fp32";
    if (dtype === "q8") checkQ8Sizes(config, source);
    weights.readOnce();
    const kernels = await KernelInstance.create(options);
    kernels.ensure(kernels.mark + encoderBytes(config, dtype) + headBytes(config, weights, dtype));
    const loader = new WeightLoader(kernels, weights, dtype);
    const encoderWeights = await loadEncoderWeights(loader, config);
    return await create(new Encoder(kernels, encoderWeights, config, dtype), loader, weights);
  } finally {
    await weights.close();
  }
}

/** What pooler and heads may take, and what its weights take on their way. */
function headBytes(config: AlbertConfig, weights: ModelWeights, dtype: ComputeDtype): number {
  const { vocab_size: V, embedding_size: E, hidden_size: H } = config;
  const pooler = weights.has("pooler.weight") ? linearBytes(H, H, dtype) : 0;
  const dense = weights.has("predictions.dense.weight") ? linearBytes(E, H, dtype) + 4 * (2 * E + 64) : 0;
  const decoder = weights.has("predictions.decoder.weight") ? tableBytes(V, E, dtype) : 0;
  const bias = weights.has("predictions.bias") ? V * 4 + 64 : 0;
  return pooler + dense + decoder + bias + scratchBytes(weights, dtype);
}

/** @throws CONFIG_UNSUPPORTED for a model whose sums may not fit 32 bits in q8 */
export function checkQ8Sizes(config: AlbertConfig, source: FileSource): void {
  const limits = {
    max_position_embeddings: MOST_Q8_INPUTS, // of the product of weights and V
    embedding_size: MOST_Q8_INPUTS,
    hidden_size: MOST_Q8_INPUTS,
    intermediate_size: MOST_Q8_INPUTS,
  } as const;
  for (const [key, most] of Object.entries(limits)) {
    const value = config[key] as number;
    if (value <= most) continue;
    throw new RobertalbertError(
      "CONFIG_UNSUPPORTED",
      `${source.name}: config.json has ${key} ${value}, in q8 at most ${most} can be summed up: use dtype "fp32" or "fp16"`,
    );
  }
}

/** Reads and checks config.json. @throws FILE_NOT_FOUND, FILE_INVALID, CONFIG_INVALID, CONFIG_UNSUPPORTED */
export async function readConfig(source: FileSource): Promise<AlbertConfig> {
  const json = await readJson(source, "config.json");
  if (json !== undefined) return parseConfig(json, `${source.name}: config.json`);
  throw new RobertalbertError(
    "FILE_NOT_FOUND",
    `${source.name} has no config.json: ${source.advice ?? "expected a model folder as save_pretrained writes it"}`,
  );
}

const DTYPES: readonly unknown[] = ["fp32", "fp16", "q8", "auto"];

function checkOptions({ dtype, device }: ModelOptions): void {
  // null counts as not given, as transformers.js has it by default.
  if (dtype !== undefined && dtype !== null && !DTYPES.includes(dtype)) {
    throw new RobertalbertError("OPTION_INVALID", `dtype is ${show(dtype)}, expected one of ${DTYPES.join(", ")}`);
  }
  if (device !== undefined && device !== null && !["wasm", "cpu", "auto"].includes(device)) {
    throw new RobertalbertError(
      "OPTION_INVALID",
      `device is ${show(device)}, expected "wasm", "cpu" or "auto": this package computes on the CPU`,
    );
  }
}

/** A base model may lack its pooler; anything else that is missing must be allowed, and the encoder never is. */
function checkMissing(weights: ModelWeights, className: AlbertClassName, source: FileSource, allowed: boolean): void {
  const isHead = (name: string) => /^(albert\.)?(pooler|predictions|sop_classifier|classifier|qa_outputs)\./.test(name);
  const { missing_keys: missing } = weights;
  // Transformers starts an absent decoder bias at 0: nothing of the head is unknown then.
  const isHarmless = (name: string) =>
    (className === "AlbertModel" && name.startsWith("pooler.")) ||
    (name === "predictions.decoder.bias" && weights.has("predictions.dense.weight"));
  const fatal = missing.filter((name) => !isHead(name) || !(allowed || isHarmless(name)));
  if (fatal.length === 0) return;
  const way = fatal.every(isHead)
    ? "load it with the class that it was saved from, or pass allow_missing: true to go without this head's outputs"
    : "the file is no ALBERT checkpoint that fits its config.json";
  throw new RobertalbertError("TENSOR_MISSING", `${source.name} lacks ${someOf(fatal)}: ${way}`);
}

/** The first of many names, for a message. */
export function someOf(names: readonly string[]): string {
  return names.slice(0, 6).join(", ") + (names.length > 6 ? `, … (${names.length} in all)` : "");
}
