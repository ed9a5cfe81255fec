// A model folder in another dtype, as files to be written: `robertalbert quantize` and `robertalbert export`.
import type { AlbertConfig } from "../config/config.ts";
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource, FileToWrite } from "../hub/files.ts";
import { readWhole } from "../hub/open.ts";
import type { KernelOptions } from "../runtime/build.ts";
import { KernelInstance } from "../runtime/kernel-instance.ts";
import { packVocabulary, VOCABULARY_FILE } from "../tokenizer/vocabulary-bin.ts";
import { toFloat16 } from "../weights/dtype.ts";
import { encoderLayout, isMatrix } from "../weights/layout.ts";
import { type ModelWeights, openAllWeights } from "../weights/model-weights.ts";
import { panelBytes, panelShape } from "../weights/panels.ts";
import { QUANTIZED_FILE, quantizedMetadata, scalesName } from "../weights/quantized-file.ts";
import { safetensorsBytes, type TensorSource, writeSafetensors } from "../weights/write-safetensors.ts";
import { checkQ8Sizes, readConfig, someOf } from "./load.ts";
import { BLOCK_FLOATS, blockRowsOf } from "./weight-loader.ts";

/** "q8" is this package's own file, the others are what Transformers reads. */
export type ConvertedDtype = "q8" | "fp16" | "fp32";

export interface Conversion {
  /** config.json, the weights, and the tokenizer's files where there are any. Their bytes are made as they are asked for, once. */
  files: FileToWrite[];
  weightsFile: string;
  /** Of that file, and of those that it is made from. */
  weightsBytes: number;
  sourceBytes: number;
  /** Tensors of the source that no class of this package reads: left out. */
  unexpected_keys: readonly string[];
  /** Lets the source's files go. */
  close(): Promise<void>;
}

const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
] as const;

/**
 * Reads a folder and converts it, one block of rows at a time.
 * @throws what from_pretrained throws for files and configuration; INPUT_INVALID for what is quantized already; while bytes are made
 *   TENSOR_INVALID for values that are not finite, in fp16 also those above 65,504
 */
export async function convertFolder(
  source: FileSource,
  dtype: ConvertedDtype,
  options: KernelOptions = {},
): Promise<Conversion> {
  const config = await readConfig(source);
  if (dtype === "q8") checkQ8Sizes(config, source);
  // Out of the fullest file: floats where there are any, whatever q8 file lies beside them.
  const weights = await openAllWeights(source, config, "auto");
  try {
    requireEncoder(weights, source);
    if (dtype === "q8" && weights.dtype === "q8") {
      throw new RobertalbertError(
        "INPUT_INVALID",
        `${source.name} is quantized already (${QUANTIZED_FILE}): it loads as it is; to make it anew start from the original folder`,
      );
    }
    const kernels = dtype === "q8" ? await KernelInstance.create(options) : undefined;
    const tensors = kernels
      ? quantizedTensors(weights, kernels)
      : floatTensors(weights, config, dtype as "fp16" | "fp32");
    const metadata = kernels ? quantizedMetadata(matrixShapes(weights)) : { format: "pt" };
    const configBytes = (await readWhole(source, "config.json"))!; // readConfig has found it
    const weightsFile = dtype === "q8" ? QUANTIZED_FILE : "model.safetensors";
    return {
      files: [
        { name: "config.json", chunks: () => [configBytes] },
        { name: weightsFile, chunks: () => writeSafetensors(tensors, metadata) },
        ...(await tokenizerFiles(source)),
      ],
      weightsFile,
      weightsBytes: safetensorsBytes(tensors, metadata),
      sourceBytes: weights.totalBytes,
      unexpected_keys: weights.unexpected_keys,
      close: () => weights.close(),
    };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

function requireEncoder(weights: ModelWeights, source: FileSource): void {
  const missing = weights.missing_keys.filter((name) => !name.startsWith("pooler."));
  if (missing.length === 0) return;
  throw new RobertalbertError(
    "TENSOR_MISSING",
    `${source.name} lacks ${someOf(missing)}: the file is no ALBERT checkpoint that fits its config.json`,
  );
}

/** Those that are there, and vocabulary.bin made of them. */
async function tokenizerFiles(source: FileSource): Promise<FileToWrite[]> {
  const files: FileToWrite[] = [];
  let vocabulary: Uint8Array | undefined;
  for (const name of TOKENIZER_FILES) {
    const bytes = await readWhole(source, name);
    if (bytes === undefined) continue;
    files.push({ name, chunks: () => [bytes] });
    if (name === "tokenizer.json") vocabulary = packVocabulary(bytes);
  }
  const packed = vocabulary;
  return packed ? [...files, { name: VOCABULARY_FILE, chunks: () => [packed] }] : files;
}

function matrixShapes(weights: ModelWeights): Map<string, readonly number[]> {
  return new Map(weights.names.filter(isMatrix).map((name) => [name, weights.shape(name)]));
}

function quantizedTensors(weights: ModelWeights, kernels: KernelInstance): TensorSource[] {
  return weights.names.flatMap((name): TensorSource[] => {
    const shape = weights.shape(name);
    if (!isMatrix(name)) {
      const vector = { name, dtype: "F32", shape, chunks: () => floatChunks(weights, name, "fp32") };
      return [vector, ...untiedBias(vector, weights)];
    }
    const [N, K] = shape as [number, number];
    const scales = new Float32Array(N);
    return [
      { name, dtype: "I8", shape: panelShape(N, K), chunks: () => panelChunks(weights, name, kernels, scales) },
      { name: scalesName(name), dtype: "F32", shape: [N], chunks: () => [new Uint8Array(scales.buffer)] },
    ];
  });
}

/** Panels of a matrix, and on the way its scales. */
async function* panelChunks(
  weights: ModelWeights,
  name: string,
  kernels: KernelInstance,
  scales: Float32Array,
): AsyncGenerator<Uint8Array> {
  const [N, K] = weights.shape(name) as [number, number];
  const blockRows = blockRowsOf(K);
  const mark = kernels.mark;
  const rowsAt = kernels.allocate(blockRows * K * 4);
  const panelsAt = kernels.allocate(panelBytes(blockRows, K, "q8"));
  const scalesAt = kernels.allocate(blockRows * 4);
  for (let row = 0; row < N; row += blockRows) {
    const rows = Math.min(blockRows, N - row);
    const areFinite = () => kernels.exports.areFinite(rowsAt, rows * K) === 1;
    await weights.readRowsInto(name, row, kernels.floats(rowsAt, rows * K), areFinite);
    kernels.exports.packRowsI8(panelsAt, scalesAt, rowsAt, rows, K);
    scales.set(kernels.floats(scalesAt, rows), row);
    yield kernels.bytes(panelsAt, panelBytes(rows, K, "q8")).slice();
  }
  kernels.release(mark);
}

/** As `save_pretrained` of the class names them: the encoder with "albert." in front of it where there is a head. */
function floatTensors(weights: ModelWeights, config: AlbertConfig, dtype: "fp16" | "fp32"): TensorSource[] {
  const encoder = encoderLayout("AlbertModel", config);
  const prefix = weights.names.every((name) => encoder.has(name)) ? "" : "albert.";
  return weights.names
    .map((name): TensorSource => {
      const shape = weights.shape(name);
      return {
        name: encoder.has(name) ? prefix + name : name,
        dtype: dtype === "fp16" ? "F16" : "F32",
        shape,
        chunks: () => floatChunks(weights, name, dtype),
      };
    })
    .flatMap((tensor) => [tensor, ...untiedBias(tensor, weights)])
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A decoder of its own adds its own bias; Transformers expects the head's under the other name besides. */
function untiedBias(tensor: TensorSource, weights: ModelWeights): TensorSource[] {
  if (tensor.name !== "predictions.bias" || !weights.has("predictions.decoder.weight")) return [];
  return [{ ...tensor, name: "predictions.decoder.bias" }];
}

async function* floatChunks(weights: ModelWeights, name: string, dtype: "fp16" | "fp32"): AsyncGenerator<Uint8Array> {
  const [rows = 1, ...rest] = weights.shape(name);
  const width = rest.reduce((a, b) => a * b, 1);
  const blockRows = Math.max(1, Math.floor(BLOCK_FLOATS / width));
  for (let row = 0; row < rows; row += blockRows) {
    const values = await weights.readRows(name, row, Math.min(blockRows, rows - row));
    if (dtype === "fp32") {
      yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      continue;
    }
    const large = values.find((value) => Math.abs(value) >= 65_520); // rounds to infinity
    if (large !== undefined)
      throw new RobertalbertError(
        "TENSOR_INVALID",
        `tensor ${show(name)} has the value ${large}, above what 16 bits hold (65504): convert to q8 or fp32`,
      );
    yield new Uint8Array(toFloat16(values).buffer);
  }
}
