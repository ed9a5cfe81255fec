// Fresh weights as AlbertForMaskedLM initialises them (Transformers' _init_weights), as tensors to be written.
import type { AlbertConfig } from "../config/config.ts";
import { encoderLayout, headLayout } from "../weights/layout.ts";
import type { TensorSource } from "../weights/write-safetensors.ts";
import { normalOf, RandomBits } from "./random.ts";

/** Floats made at a time. */
const CHUNK_FLOATS = 1 << 16;

/**
 * Every tensor that AlbertForMaskedLM saves, sorted by name: matrices and embeddings normal around 0 with standard deviation
 * `initializer_range`, the padding token's row and all biases 0, LayerNorms 1 and 0. Tied tensors are written once.
 * @param seed the same seed gives the same bits on every engine; each tensor's values depend on the seed and its name only
 */
export function initialWeights(config: AlbertConfig, seed: number): TensorSource[] {
  const names = new Map<string, readonly number[]>();
  for (const [name, shape] of encoderLayout("AlbertForMaskedLM", config)) names.set(`albert.${name}`, shape);
  for (const [name, shape] of headLayout("AlbertForMaskedLM", config)) names.set(name, shape);
  if (config.tie_word_embeddings) {
    names.delete("predictions.decoder.weight");
    names.delete("predictions.decoder.bias");
  }
  return [...names]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, shape]) => ({ name, dtype: "F32", shape, chunks: () => valuesOf(name, shape, config, seed) }));
}

async function* valuesOf(
  name: string,
  shape: readonly number[],
  config: AlbertConfig,
  seed: number,
): AsyncGenerator<Uint8Array> {
  const count = shape.reduce((a, b) => a * b, 1);
  const isConstant = shape.length === 1;
  const constant = name.endsWith(".weight") ? 1 : 0; // of one dimension are LayerNorms and biases
  const bits = new RandomBits(`${seed} ${name}`);
  const deviation = (config.initializer_range as number | undefined) ?? 0.02;
  const [paddingStart, paddingEnd] = paddingRow(name, config);
  for (let start = 0; start < count; start += CHUNK_FLOATS) {
    const values = new Float32Array(Math.min(CHUNK_FLOATS, count - start));
    if (isConstant) values.fill(constant);
    else for (let i = 0; i < values.length; i++) values[i] = normalOf(bits.next()) * deviation;
    values.fill(0, clamp(paddingStart - start, values.length), clamp(paddingEnd - start, values.length));
    yield new Uint8Array(values.buffer);
  }
}

/** The floats of the word table that Embedding's padding_idx keeps at 0, and an empty range for every other tensor. */
function paddingRow(name: string, { pad_token_id: padding, embedding_size: E }: AlbertConfig): [number, number] {
  if (name !== "albert.embeddings.word_embeddings.weight" || padding === null) return [0, 0];
  return [padding * E, (padding + 1) * E];
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(value, most));
}
