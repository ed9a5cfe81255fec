// robertalbert info: what a model folder holds and which kernels would run it.
import { describePositions, positionsOf } from "../config/positions.ts";
import { RobertalbertError } from "../errors.ts";
import type { FileSource } from "../hub/files.ts";
import { openSource, readJson } from "../hub/open.ts";
import { AutoConfig } from "../model/auto.ts";
import { runtimeInfo } from "../runtime/info.ts";
import { Checkpoint } from "../weights/checkpoint.ts";
import { QUANTIZED_FILE } from "../weights/quantized-file.ts";
import { type Command, JSON_OPTION, SHIPPED_MODEL, UsageError } from "./command.ts";
import { SOURCE_OPTIONS, sourceOptions } from "./source.ts";

const SHOWN = [
  "architectures",
  "vocab_size",
  "embedding_size",
  "hidden_size",
  "num_hidden_layers",
  "num_hidden_groups",
  "inner_group_num",
  "num_attention_heads",
  "intermediate_size",
  "hidden_act",
  "layer_norm_eps",
  "max_position_embeddings",
  "type_vocab_size",
];

export const info: Command = {
  name: "info",
  summary: "a model's configuration, parameters and bytes, and the wasm build in use",
  usage: "[MODEL]   (default: the model that ships with the package)",
  options: { ...SOURCE_OPTIONS, json: JSON_OPTION },
  async run(values, positionals, io) {
    if (positionals.length > 1) throw new UsageError(`one MODEL is expected, got ${positionals.length}`);
    const location = positionals[0] ?? SHIPPED_MODEL;
    const options = sourceOptions(values, io);
    const config = await AutoConfig.from_pretrained(location, options);
    const source = await openSource(location, options);
    const { entries, totalBytes, lacking } = await weightsOf(source);
    const { files, unusable } = lacking === undefined ? await filesByDtype(source) : { files: {}, unusable: {} };
    const positions = positionsOf(config, await readJson(source, "tokenizer_config.json"));
    const report = {
      model: source.name,
      config: Object.fromEntries(SHOWN.map((key) => [key, config[key]])),
      positions,
      parameters: entries.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      weight_bytes: totalBytes,
      dtypes: [...new Set(entries.map((entry) => entry.dtype))].sort(),
      files,
      unusable,
      ...runtimeInfo(),
    };
    if (values.json) return io.print(`${JSON.stringify(report)}\n`);
    const lines: [string, unknown][] = [
      ["model", report.model],
      ...Object.entries(report.config),
      ["positions", describePositions(positions)],
      ...(positions.warning === null ? [] : [["", positions.warning] as [string, string]]),
      ["parameters", report.parameters.toLocaleString("en")],
      ["weights", lacking ?? `${(report.weight_bytes / 1e6).toFixed(1)} MB, ${report.dtypes.join(", ")}`],
      ...Object.entries(files).map(([dtype, file]): [string, string] => [`  ${dtype}`, describeFile(dtype, file)]),
      ...Object.entries(unusable).map(([dtype, why]): [string, string] => [`  ${dtype}`, `unusable: ${why}`]),
      ["wasm build", `${report.build ?? "none: no WebAssembly SIMD"} (of ${report.builds.join(", ")})`],
      ["int8 dot", report.dot ?? "unknown"],
    ];
    const width = Math.max(...lines.map(([name]) => name.length));
    await io.print(lines.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join(""));
  },
};

interface DtypeFiles {
  /** The weights that each dtype would be loaded from: the first file of each. */
  files: Record<string, string>;
  /** Why a dtype cannot be loaded, though others can: its own file is damaged. */
  unusable: Record<string, string>;
}

async function filesByDtype(source: FileSource): Promise<DtypeFiles> {
  const files: Record<string, string> = {};
  const unusable: Record<string, string> = {};
  for (const dtype of ["fp32", "fp16", "q8"] as const) {
    try {
      const checkpoint = await Checkpoint.open(source, dtype);
      await checkpoint.close();
      files[dtype] = checkpoint.fileNames[0]!;
    } catch (error) {
      if (!(error instanceof RobertalbertError)) throw error;
      unusable[dtype] = error.message;
    }
  }
  return { files, unusable };
}

function describeFile(dtype: string, file: string): string {
  if (dtype === "q8" && file !== QUANTIZED_FILE) return `${file}, quantized while loading`;
  return dtype !== "q8" && file === QUANTIZED_FILE ? `${file}, its bytes as floats` : file;
}

/** A folder that `init` made without weights has something to say too: `lacking` is then why there are none. */
async function weightsOf(source: FileSource) {
  try {
    const checkpoint = await Checkpoint.open(source);
    await checkpoint.close();
    return { entries: [...checkpoint.entries.values()], totalBytes: checkpoint.totalBytes };
  } catch (error) {
    if (!(error instanceof RobertalbertError && error.code === "FILE_NOT_FOUND")) throw error;
    return { entries: [], totalBytes: 0, lacking: `none: ${error.message}` };
  }
}
