// A checkpoint: all tensors of a folder by name, whichever files they lie in, read one or a few rows at a time.
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource, ReadableFile } from "../hub/files.ts";
import { readJson } from "../hub/open.ts";
import { BYTES_OF_DTYPE, roundToHalves, toFloat32, widen } from "./dtype.ts";
import type { TensorEntry } from "./entry.ts";
import { panelBytes, unpackRows } from "./panels.ts";
import { QUANTIZED_FILE, readQuantizedHeader, refuseQuantized } from "./quantized-file.ts";
import { readSafetensorsHeader } from "./safetensors.ts";
import { readStrided } from "./strided.ts";
import { readTorchFile } from "./torch/torch-file.ts";

interface Format {
  /** The one file, or the index of several. */
  whole: string;
  index: string;
  /** Everything but the values. */
  readEntries(file: ReadableFile, where: string): Promise<TensorEntry[]>;
}

/** In what the weights are wanted; "auto" is whatever the folder has, full precision first. */
export type WeightDtype = "fp32" | "fp16" | "q8" | "auto";

const safetensors = (name: string): Format => ({
  whole: `${name}.safetensors`,
  index: `${name}.safetensors.index.json`,
  readEntries: async (file, where) => {
    const { entries, metadata } = await readSafetensorsHeader(file, where);
    refuseQuantized(metadata, where);
    return entries;
  },
});
const torch: Format = {
  whole: "pytorch_model.bin",
  index: "pytorch_model.bin.index.json",
  readEntries: readTorchFile,
};
const halves = safetensors("model.fp16");
const quantized: Format = {
  whole: QUANTIZED_FILE,
  index: `${QUANTIZED_FILE}.index.json`,
  readEntries: readQuantizedHeader,
};
/** Transformers' own order; the others are this package's. */
const full = [safetensors("model"), torch];
/** Where weights are looked for, the first that is there is taken. */
const FORMATS: Readonly<Record<WeightDtype, readonly Format[]>> = {
  auto: [...full, halves, quantized],
  fp32: [...full, halves, quantized],
  fp16: [halves, ...full, quantized],
  q8: [quantized, ...full, halves],
};

export class Checkpoint {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** Bytes of all its files. */
  readonly totalBytes: number;
  /** Whether it is a q8 file, whose matrices are packed. */
  readonly isQuantized: boolean;
  /** Names of its files. */
  readonly fileNames: readonly string[];
  private readonly files: readonly ReadableFile[];
  private readonly sourceName: string;
  private readonly dtype: WeightDtype;

  private constructor(
    sourceName: string,
    dtype: WeightDtype,
    files: readonly ReadableFile[],
    entries: ReadonlyMap<string, TensorEntry>,
    isQuantized: boolean,
  ) {
    this.sourceName = sourceName;
    this.dtype = dtype;
    this.isQuantized = isQuantized;
    this.files = files;
    this.fileNames = files.map((file) => file.name);
    this.entries = entries;
    this.totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  }

  /**
   * Finds the weights in any of FORMATS, whole or in shards. Close it after use.
   * @param dtype which file is preferred; with "fp16" values are rounded to 16 bits as they are read
   * @throws FILE_NOT_FOUND when there are none, or an index names an absent shard; FILE_INVALID, FILE_UNSUPPORTED
   */
  static async open(source: FileSource, dtype: WeightDtype = "auto"): Promise<Checkpoint> {
    const files: ReadableFile[] = [];
    try {
      const format = await openFiles(source, FORMATS[dtype], files);
      const entries = new Map<string, TensorEntry>();
      for (const file of files) {
        const where = `${source.name}: ${file.name}`;
        await refuseLfsPointer(file, where);
        for (const entry of await format.readEntries(file, where)) {
          const other = entries.get(entry.name);
          if (other)
            throw new RobertalbertError(
              "FILE_INVALID",
              `${source.name}: tensor ${show(entry.name)} is in ${other.file.name} and in ${file.name}`,
            );
          entries.set(entry.name, entry);
        }
      }
      return new Checkpoint(source.name, dtype, files, entries, format === quantized);
    } catch (error) {
      await Promise.all(files.map((file) => file.close()));
      throw error;
    }
  }

  /**
   * Rows first … first + count - 1 of a tensor (its first dimension), row-major.
   * @throws TENSOR_INVALID for a dtype that is no weight's, or values that are not finite
   */
  async readRows(entry: TensorEntry, first: number, count: number): Promise<Float32Array> {
    const rows = entry.shape[0] ?? 1;
    const values = new Float32Array((entry.shape.reduce((a, b) => a * b, 1) / rows) * count);
    await this.readRowsInto(entry, first, values);
    return values;
  }

  /**
   * The same into memory that is there: as many rows as it holds.
   * @param areFinite whether all of it is now finite; for who knows faster than a plain loop
   */
  async readRowsInto(
    entry: TensorEntry,
    first: number,
    values: Float32Array,
    areFinite: () => boolean = () => values.every(Number.isFinite),
  ): Promise<void> {
    if (entry.scales) return this.readQuantizedRows(entry, entry.scales, first, values);
    const width = BYTES_OF_DTYPE[entry.dtype];
    const where = `${this.sourceName}: ${entry.file.name}: tensor ${show(entry.name)}`;
    if (width === undefined) {
      throw new RobertalbertError(
        "TENSOR_INVALID",
        `${where} is ${entry.dtype}, expected one of ${Object.keys(BYTES_OF_DTYPE).join(", ")}`,
      );
    }
    const rowBytes = entry.lengthBytes / (entry.shape[0] ?? 1);
    const { file, offsetBytes, shape, strides } = entry;
    const start = offsetBytes + first * (strides ? strides[0]! * width : rowBytes);
    const lengthBytes = values.length * width;
    if (strides) {
      const rows = lengthBytes / rowBytes;
      values.set(toFloat32(await readStrided(file, start, [rows, ...shape.slice(1)], strides, width), entry.dtype));
    } else if (width > 4) {
      values.set(toFloat32(await file.read(start, lengthBytes), entry.dtype));
    } else {
      // Halves are read into the end of their place and widened forward.
      const into = new Uint8Array(values.buffer, values.byteOffset + values.byteLength - lengthBytes, lengthBytes);
      const bytes = await file.read(start, lengthBytes, into);
      if (bytes !== into) into.set(bytes);
      if (width === 2) widen(new Uint16Array(into.buffer, into.byteOffset, values.length), entry.dtype, values);
    }
    if (this.dtype === "fp16" && entry.dtype !== "F16") roundToHalves(values);
    if (areFinite()) return;
    const i = values.findIndex((value) => !Number.isFinite(value));
    throw new RobertalbertError(
      "TENSOR_INVALID",
      `${where} is ${values[i]} at index ${(first * rowBytes) / width + i}, expected finite values: the training diverged or the file is damaged`,
    );
  }

  /**
   * A q8 file's matrix as the kernels read it.
   * @param panels all of it
   * @param scales one a row
   * @param arePositive whether all scales are now finite and above 0; for who knows faster than a plain loop
   */
  async readPanelsInto(
    entry: TensorEntry,
    panels: Uint8Array,
    scales: Float32Array,
    arePositive?: () => boolean,
  ): Promise<void> {
    const bytes = await entry.file.read(entry.offsetBytes, entry.lengthBytes, panels);
    if (bytes !== panels) panels.set(bytes);
    await this.readScales(entry, entry.scales!, 0, scales, arePositive);
  }

  /** Rows of a q8 file's matrix as floats. */
  private async readQuantizedRows(
    entry: TensorEntry,
    scaleEntry: TensorEntry,
    first: number,
    values: Float32Array,
  ): Promise<void> {
    const K = entry.shape[1]!;
    const rows = values.length / K;
    const panel = panelBytes(8, K, "q8");
    const [from, to] = [Math.floor(first / 8), Math.ceil((first + rows) / 8)];
    const scales = new Float32Array(rows);
    await this.readScales(entry, scaleEntry, first, scales);
    const panels = await entry.file.read(entry.offsetBytes + from * panel, (to - from) * panel);
    unpackRows(panels, scales, first, K, values);
  }

  private async readScales(
    entry: TensorEntry,
    scaleEntry: TensorEntry,
    first: number,
    scales: Float32Array,
    arePositive: () => boolean = () => scales.every(isPositive),
  ): Promise<void> {
    const bytes = await scaleEntry.file.read(scaleEntry.offsetBytes + first * 4, scales.length * 4);
    scales.set(toFloat32(bytes, "F32"));
    if (arePositive()) return;
    const wrong = scales.findIndex((scale) => !isPositive(scale));
    throw new RobertalbertError(
      "TENSOR_INVALID",
      `${this.sourceName}: ${entry.file.name}: tensor ${show(entry.name)} has scale ${scales[wrong]} at index ${first + wrong}, expected finite numbers above 0: the file is damaged, make it anew with \`robertalbert quantize IN OUT\``,
    );
  }

  /** A promise that from now on only these are read, and each once. */
  readOnce(entries: readonly TensorEntry[]): void {
    for (const file of this.files) {
      const all = entries.flatMap((entry) => (entry.scales ? [entry, entry.scales] : [entry]));
      const own = all.filter((entry) => entry.file === file);
      // Rows of a spread tensor may share bytes.
      if (own.every((entry) => entry.strides === undefined)) file.readOnce?.(own);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }
}

const isPositive = (scale: number) => scale > 0 && scale < Number.POSITIVE_INFINITY;

/** Opens the files of the first format that is there into `files`; returns the format. */
async function openFiles(source: FileSource, formats: readonly Format[], files: ReadableFile[]): Promise<Format> {
  for (const format of formats) {
    const whole = await source.open(format.whole);
    if (whole) {
      files.push(whole);
      return format;
    }
    const shards = await readIndex(source, format.index);
    if (shards === undefined) continue;
    for (const shard of shards) files.push(await openShard(source, format.index, shard));
    return format;
  }
  const names = [...full.flatMap(({ whole, index }) => [whole, index]), halves.whole, QUANTIZED_FILE].join(", ");
  const there = (await source.list?.()) ?? [];
  const foreign = FOREIGN.find(({ pattern }) => there.some((name) => pattern.test(name)));
  const way = foreign
    ? `it has ${foreign.what}: ${foreign.way}`
    : (source.advice ?? "save the model with save_pretrained");
  throw new RobertalbertError("FILE_NOT_FOUND", `${source.name} has no weights, expected one of ${names}; ${way}`);
}

/** What other libraries keep weights in. */
const FOREIGN: readonly { pattern: RegExp; what: string; way: string }[] = [
  {
    pattern: /^onnx\/$|\.onnx$/,
    what: "only ONNX files",
    way: "use the model that they were exported from, which its page on the hub names",
  },
  {
    pattern: /\.h5$|\.msgpack$|\.ckpt/,
    what: "only TensorFlow or Flax files",
    way: "load and save it with a Transformers before version 5, which converts them",
  },
];

/** The shards that the index names, each once; undefined when there is no index. */
async function readIndex(source: FileSource, fileName: string): Promise<string[] | undefined> {
  const index = await readJson(source, fileName);
  if (index === undefined) return undefined;
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  const shards = typeof map === "object" && map !== null ? [...new Set(Object.values(map))] : [];
  if (shards.length === 0 || !shards.every((name) => typeof name === "string")) {
    throw new RobertalbertError(
      "FILE_INVALID",
      `${source.name}: ${fileName} has no weight_map of tensor name → file name`,
    );
  }
  return shards as string[];
}

async function openShard(source: FileSource, index: string, name: string): Promise<ReadableFile> {
  const file = await source.open(name);
  if (file) return file;
  throw new RobertalbertError(
    "FILE_NOT_FOUND",
    `${source.name}: ${index} names ${show(name)}, which is not there: download all shards`,
  );
}

/** What a git clone without LFS leaves instead of the file. */
async function refuseLfsPointer(file: ReadableFile, where: string): Promise<void> {
  const mark = "version https://git-lfs";
  if (file.sizeBytes > 1024 || file.sizeBytes < mark.length) return;
  if (new TextDecoder().decode(await file.read(0, mark.length)) !== mark) return;
  throw new RobertalbertError("FILE_INVALID", `${where} is a Git LFS pointer, not the file: run "git lfs pull"`);
}
