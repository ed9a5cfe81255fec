// From a folder or its files to a model: what all classes share.
import { type AlbertConfig, parseConfig } from "../config/config.ts";
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource, LoadOptions, ModelLocation } from "../hub/files.ts";
import { openSource, readJson } from "../hub/open.ts";
import type { KernelOptions } from "../runtime/build.ts";
import { KernelInstance } from "../runtime/kernel-instance.ts";
import { type AlbertClassName, type ModelWeights, openModelWeights } from "../weights/model-weights.ts";
import { Encoder } from "./encoder.ts";
import { encoderBytes, loadEncoderWeights } from "./encoder-weights.ts";
import { linearBytes } from "./linear.ts";
import type { LoadingInfo } from "./pretrained-model.ts";

export interface ModelOptions extends LoadOptions, KernelOptions {
  /** "fp32" computes in 32-bit floats, widening what the file holds in 16. Default: the same. */
  dtype?: "fp32" | "fp16" | "q8" | "auto";
  /** All mean the same here: WebAssembly on the CPU. */
  device?: "wasm" | "cpu" | "auto";
  /** Loads a head class from a checkpoint without that head: its outputs are then absent. Default false: an error. */
  allow_missing?: boolean;
}

/**
 * Loads the weights of a class and makes it: what every `from_pretrained` does.
 * @throws FILE_NOT_FOUND, FILE_INVALID, CONFIG_INVALID, CONFIG_UNSUPPORTED, TENSOR_MISSING, TENSOR_INVALID, WASM_INVALID,
 *   WASM_UNSUPPORTED, OPTION_INVALID, OPTION_UNSUPPORTED, OUT_OF_MEMORY, ABORTED
 */
export async function loadModel<Model>(
  className: AlbertClassName,
  create: (encoder: Encoder, weights: ModelWeights, info: LoadingInfo) => Promise<Model>,
  location: ModelLocation,
  options: ModelOptions = {},
): Promise<Model> {
  checkOptions(options);
  const source = await openSource(location, options);
  const config = await readConfig(source);
  const weights = await openModelWeights(source, className, config);
  try {
    checkMissing(weights, className, source, options.allow_missing ?? false);
    weights.readOnce();
    const kernels = await KernelInstance.create(options);
    const headBytes =
      linearBytes(config.vocab_size, 1) + linearBytes(config.embedding_size, config.hidden_size) + (1 << 20);
    const decoderBytes = weights.has("predictions.decoder.weight")
      ? linearBytes(config.vocab_size, config.embedding_size)
      : 0;
    kernels.ensure(kernels.mark + encoderBytes(config) + headBytes + decoderBytes);
    const encoderWeights = await loadEncoderWeights(kernels, weights, config);
    return await create(new Encoder(kernels, encoderWeights, config), weights, weights);
  } finally {
    await weights.close();
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

function checkOptions({ dtype, device }: ModelOptions): void {
  if (dtype === "q8" || dtype === "fp16") {
    throw new RobertalbertError(
      "OPTION_UNSUPPORTED",
      `dtype ${show(dtype)} is not there yet: leave dtype out, or pass "fp32"`,
    );
  }
  if (dtype !== undefined && dtype !== "fp32" && dtype !== "auto") {
    throw new RobertalbertError("OPTION_INVALID", `dtype is ${show(dtype)}, expected "fp32" or "auto"`);
  }
  if (device !== undefined && !["wasm", "cpu", "auto"].includes(device)) {
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
  const list = fatal.slice(0, 6).join(", ") + (fatal.length > 6 ? `, … (${fatal.length} in all)` : "");
  const way = fatal.every(isHead)
    ? "load it with the class that it was saved from, or pass allow_missing: true to go without this head's outputs"
    : "the file is no ALBERT checkpoint that fits its config.json";
  throw new RobertalbertError("TENSOR_MISSING", `${source.name} lacks ${list}: ${way}`);
}
