// What a model class reads of a checkpoint: names matched and ties resolved as Transformers 5 does, shapes checked.
import type { AlbertConfig } from "../config/config.ts";
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource } from "../hub/files.ts";
import { Checkpoint, type WeightDtype } from "./checkpoint.ts";
import type { TensorEntry } from "./entry.ts";
import { type AlbertClassName, encoderLayout, headLayout, type Layout, presentHeads } from "./layout.ts";

export type { AlbertClassName };

const WORDS = "embeddings.word_embeddings.weight";
const DECODER = "predictions.decoder.weight";
const DECODER_BIAS = "predictions.decoder.bias";
const BIAS = "predictions.bias";
/** Buffers that old versions of Transformers saved: no weights. */
const IGNORED = /(^|\.)embeddings\.(position_ids|token_type_ids)$/;
/** Values compared at a time when looking whether a decoder is a copy of the word table. */
const COMPARE_ROWS = 1024;

/** The tensors of one class by local name: the encoder's without "albert.", `predictions.bias` whichever bias the decoder adds. */
export class ModelWeights {
  /** As Transformers reports them. */
  readonly missing_keys: readonly string[];
  readonly unexpected_keys: readonly string[];
  private readonly checkpoint: Checkpoint;
  private readonly found: ReadonlyMap<string, TensorEntry>;

  constructor(
    checkpoint: Checkpoint,
    found: ReadonlyMap<string, TensorEntry>,
    missing: readonly string[],
    unexpected: readonly string[],
  ) {
    this.checkpoint = checkpoint;
    this.found = found;
    this.missing_keys = missing;
    this.unexpected_keys = unexpected;
  }

  /** Local names of all that is there. */
  get names(): string[] {
    return [...this.found.keys()];
  }

  /** Whether the tensor is there; a decoder that is tied to the word table is not. */
  has(name: string): boolean {
    return this.found.has(name);
  }

  shape(name: string): readonly number[] {
    return this.entry(name).shape;
  }

  /** `count` rows from row `first` as floats. @throws TENSOR_MISSING, TENSOR_INVALID, FILE_UNREADABLE */
  readRows(name: string, first: number, count: number): Promise<Float32Array> {
    return this.checkpoint.readRows(this.entry(name), first, count);
  }

  /**
   * As many rows from row `first` as `values` holds, put there.
   * @param areFinite whether all of it is now finite; for who knows faster than a plain loop
   * @throws TENSOR_MISSING, TENSOR_INVALID, FILE_UNREADABLE
   */
  readRowsInto(name: string, first: number, values: Float32Array, areFinite?: () => boolean): Promise<void> {
    return this.checkpoint.readRowsInto(this.entry(name), first, values, areFinite);
  }

  /** Of the files: "q8" where matrices are packed already. */
  get dtype(): "fp32" | "q8" {
    return this.checkpoint.isQuantized ? "q8" : "fp32";
  }

  /** Bytes of all files. */
  get totalBytes(): number {
    return this.checkpoint.totalBytes;
  }

  /** Whether this matrix is packed already. */
  isQuantized(name: string): boolean {
    return this.entry(name).scales !== undefined;
  }

  /**
   * A matrix of a q8 file as the kernels read it, see panels.ts.
   * @param arePositive whether all scales are now finite and above 0; for who knows faster than a plain loop
   * @throws TENSOR_MISSING, TENSOR_INVALID for scales that cannot be, FILE_UNREADABLE
   */
  readPanelsInto(name: string, panels: Uint8Array, scales: Float32Array, arePositive?: () => boolean): Promise<void> {
    return this.checkpoint.readPanelsInto(this.entry(name), panels, scales, arePositive);
  }

  /** A promise that from now on each tensor is read once, row after row: files that came as streams are let go on the way. */
  readOnce(): void {
    this.checkpoint.readOnce([...this.found.values()]);
  }

  close(): Promise<void> {
    return this.checkpoint.close();
  }

  private entry(name: string): TensorEntry {
    const entry = this.found.get(name);
    if (entry) return entry;
    throw new RobertalbertError("TENSOR_MISSING", `the checkpoint has no tensor ${show(name)}`);
  }
}

/**
 * Opens a folder's weights for a class. Close it after use.
 * @param dtype which of several files is preferred
 * @throws FILE_NOT_FOUND, FILE_INVALID, TENSOR_INVALID for a shape that does not fit config.json
 */
export function openModelWeights(
  source: FileSource,
  className: AlbertClassName,
  config: AlbertConfig,
  dtype: WeightDtype = "auto",
): Promise<ModelWeights> {
  return open(source, config, dtype, {
    encoder: encoderLayout(className, config),
    heads: () => headLayout(className, config),
    prefix: className === "AlbertModel" ? "" : "albert.",
  });
}

/**
 * Opens all weights that some class would read: the encoder, its pooler and whichever heads are there. Close it after use.
 * @throws as openModelWeights
 */
export function openAllWeights(source: FileSource, config: AlbertConfig, dtype: WeightDtype): Promise<ModelWeights> {
  return open(source, config, dtype, {
    encoder: encoderLayout("AlbertModel", config),
    heads: (byName) => presentHeads(config, (name) => byName.get(name)?.shape),
    prefix: "",
  });
}

interface Wanted {
  encoder: Layout;
  heads(there: ReadonlyMap<string, TensorEntry>): Layout;
  /** In front of the encoder's names in the class's own state dict. */
  prefix: string;
}

async function open(
  source: FileSource,
  config: AlbertConfig,
  dtype: WeightDtype,
  wanted: Wanted,
): Promise<ModelWeights> {
  const checkpoint = await Checkpoint.open(source, dtype);
  try {
    return await matchNames(checkpoint, source, config, wanted);
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

async function matchNames(
  checkpoint: Checkpoint,
  source: FileSource,
  config: AlbertConfig,
  wanted: Wanted,
): Promise<ModelWeights> {
  const byName = new Map<string, TensorEntry>();
  for (const [name, entry] of checkpoint.entries) byName.set(modernName(name), entry);
  const found = new Map<string, TensorEntry>();
  const missing: string[] = [];
  const used = new Set<TensorEntry>();
  const take = (layout: Layout, candidates: (name: string) => string[], ownName: (name: string) => string) => {
    for (const [name, shape] of layout) {
      const entry = candidates(name)
        .map((candidate) => byName.get(candidate))
        .find((e) => e !== undefined);
      if (entry === undefined) {
        missing.push(ownName(name));
        continue;
      }
      if (entry.shape.join() !== shape.join()) {
        const message = `${source.name}: ${entry.file.name}: tensor ${show(entry.name)} has shape [${entry.shape}], config.json makes it [${shape}]`;
        throw new RobertalbertError("TENSOR_INVALID", message);
      }
      found.set(name, entry);
      used.add(entry);
    }
  };
  take(
    wanted.encoder,
    (name) => [`albert.${name}`, name],
    (name) => wanted.prefix + name,
  );
  take(
    wanted.heads(byName),
    (name) => [name],
    (name) => name,
  );

  const unexpected = [...checkpoint.entries.values()]
    .filter((e) => !used.has(e) && !IGNORED.test(e.name))
    .map((e) => e.name);
  const stillMissing = resolveTies(found, missing, config);
  const decoder = found.get(DECODER);
  const words = found.get(WORDS);
  if (config.tie_word_embeddings && decoder && words && (await areEqual(checkpoint, decoder, words)))
    found.delete(DECODER);
  return new ModelWeights(checkpoint, found, stillMissing.sort(), unexpected.sort());
}

/** TensorFlow's LayerNorm names, which Transformers renames. */
function modernName(name: string): string {
  return name.replace(/LayerNorm\.gamma$/, "LayerNorm.weight").replace(/LayerNorm\.beta$/, "LayerNorm.bias");
}

/**
 * Leaves in `found` the decoder only if it has values of its own, and under `predictions.bias` the bias that it adds.
 * Tied (AlbertForMaskedLM._tied_weights_keys): what the file has wins, one of the two is enough. Untied: decoder.bias, or 0.
 */
function resolveTies(found: Map<string, TensorEntry>, missing: readonly string[], config: AlbertConfig): string[] {
  const tied = config.tie_word_embeddings;
  const bias = found.get(DECODER_BIAS) ?? (tied ? found.get(BIAS) : undefined);
  const hasBias = found.has(BIAS) || found.has(DECODER_BIAS);
  found.delete(DECODER_BIAS);
  if (bias) found.set(BIAS, bias);
  else found.delete(BIAS);
  if (!tied) return [...missing];
  return missing.filter((name) => name !== DECODER && !(hasBias && (name === BIAS || name === DECODER_BIAS)));
}

async function areEqual(checkpoint: Checkpoint, a: TensorEntry, b: TensorEntry): Promise<boolean> {
  const samePlace = a.file === b.file && a.offsetBytes === b.offsetBytes && a.dtype === b.dtype;
  if (samePlace && a.strides?.join() === b.strides?.join()) return true;
  const rows = a.shape[0]!;
  for (let row = 0; row < rows; row += COMPARE_ROWS) {
    const count = Math.min(COMPARE_ROWS, rows - row);
    const [x, y] = [await checkpoint.readRows(a, row, count), await checkpoint.readRows(b, row, count)];
    if (!x.every((value, i) => value === y[i])) return false;
  }
  return true;
}
