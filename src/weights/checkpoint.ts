// A checkpoint: all tensors of a folder by name, whichever files they lie in, read one or a few rows at a time.
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource, ReadableFile } from "../hub/files.ts";
import { readJson } from "../hub/open.ts";
import { BYTES_OF_DTYPE, toFloat32 } from "./dtype.ts";
import { readSafetensorsHeader, type TensorEntry } from "./safetensors.ts";

const WHOLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

export class Checkpoint {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** Bytes of all its files. */
  readonly totalBytes: number;
  private readonly files: readonly ReadableFile[];
  private readonly sourceName: string;

  private constructor(sourceName: string, files: readonly ReadableFile[], entries: ReadonlyMap<string, TensorEntry>) {
    this.sourceName = sourceName;
    this.files = files;
    this.entries = entries;
    this.totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  }

  /**
   * Finds model.safetensors, or model.safetensors.index.json and its shards. Close it after use.
   * @throws FILE_NOT_FOUND when there is neither, or an index names an absent shard; FILE_INVALID
   */
  static async open(source: FileSource): Promise<Checkpoint> {
    const files: ReadableFile[] = [];
    try {
      const whole = await source.open(WHOLE);
      if (whole) files.push(whole);
      else for (const shard of await readIndex(source)) files.push(await openShard(source, shard));
      const entries = new Map<string, TensorEntry>();
      for (const file of files) {
        for (const entry of await readSafetensorsHeader(file, `${source.name}: ${file.name}`)) {
          const other = entries.get(entry.name);
          if (other)
            throw new RobertalbertError(
              "FILE_INVALID",
              `${source.name}: tensor ${show(entry.name)} is in ${other.file.name} and in ${file.name}`,
            );
          entries.set(entry.name, entry);
        }
      }
      return new Checkpoint(source.name, files, entries);
    } catch (error) {
      await Promise.all(files.map((file) => file.close()));
      throw error;
    }
  }

  /**
   * Rows first … first + count - 1 of a tensor (its first dimension), row-major. Do not write into the result.
   * @throws TENSOR_INVALID for a dtype that is no weight's, or values that are not finite
   */
  async readRows(entry: TensorEntry, first: number, count: number): Promise<Float32Array> {
    const width = BYTES_OF_DTYPE[entry.dtype];
    const where = `${this.sourceName}: ${entry.file.name}: tensor ${show(entry.name)}`;
    if (width === undefined) {
      throw new RobertalbertError(
        "TENSOR_INVALID",
        `${where} is ${entry.dtype}, expected one of ${Object.keys(BYTES_OF_DTYPE).join(", ")}`,
      );
    }
    const rowBytes = entry.lengthBytes / (entry.shape[0] ?? 1);
    const values = toFloat32(
      await entry.file.read(entry.offsetBytes + first * rowBytes, count * rowBytes),
      entry.dtype,
    );
    for (let i = 0; i < values.length; i++) {
      if (Number.isFinite(values[i])) continue;
      const index = (first * rowBytes) / width + i;
      throw new RobertalbertError(
        "TENSOR_INVALID",
        `${where} is ${values[i]} at index ${index}, expected finite values: the training diverged or the file is damaged`,
      );
    }
    return values;
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }
}

/** The shards that the index names, each once. */
async function readIndex(source: FileSource): Promise<string[]> {
  const index = await readJson(source, INDEX);
  if (index === undefined) {
    throw new RobertalbertError(
      "FILE_NOT_FOUND",
      `${source.name} has neither ${WHOLE} nor ${INDEX}: save the model with save_pretrained(…, safe_serialization=True)`,
    );
  }
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  const shards = typeof map === "object" && map !== null ? [...new Set(Object.values(map))] : [];
  if (shards.length === 0 || !shards.every((name) => typeof name === "string")) {
    throw new RobertalbertError(
      "FILE_INVALID",
      `${source.name}: ${INDEX} has no weight_map of tensor name → file name`,
    );
  }
  return shards as string[];
}

async function openShard(source: FileSource, name: string): Promise<ReadableFile> {
  const file = await source.open(name);
  if (file) return file;
  throw new RobertalbertError(
    "FILE_NOT_FOUND",
    `${source.name}: ${INDEX} names ${show(name)}, which is not there: download all shards`,
  );
}
