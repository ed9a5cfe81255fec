// What a caller hands to a model → one checked Batch of plain typed arrays. Nothing here touches wasm memory.
import type { AlbertConfig } from "../config/config.ts";
import { RobertalbertError, show } from "../errors.ts";

/** Nested arrays, a Tensor, or any object with `data` and `dims` (int32 or int64). One dimension is taken as one text. */
export type IntegerInput =
  | ArrayLike<number | bigint>
  | readonly IntegerInput[]
  | { data: ArrayLike<number | bigint>; dims: readonly number[] };
/** The same for floats, of three dimensions; a Tensor of integers is refused when it is read. */
export type FloatInput =
  | readonly (readonly ArrayLike<number>[])[]
  | { data: ArrayLike<number | bigint>; dims: readonly number[] };

export interface ModelInputs {
  /** [B, T] token ids. */
  input_ids?: IntegerInput | null;
  /** [B, T], 1 where a token is visible. Default: all are. */
  attention_mask?: IntegerInput | null;
  /** [B, T] or [1, T]. Default: 0. */
  token_type_ids?: IntegerInput | null;
  /** [B, T] or [1, T], or "roberta": counted from pad_token_id + 1, padding skipped. Default: 0, 1, 2, … padding included. */
  position_ids?: IntegerInput | "roberta" | null;
  /** [B, T, E] instead of input_ids: what the word embedding would give. */
  inputs_embeds?: FloatInput | null;
}

export interface Batch {
  /** Texts. */
  B: number;
  /** Positions of each, padding included. */
  T: number;
  /** [B·T], or undefined where `embeds` stands for them. */
  ids: Int32Array | undefined;
  /** [B·T·E] */
  embeds: Float32Array | undefined;
  /** [B·T], 1 where visible. */
  visible: Uint8Array;
  /** [B·T] */
  types: Int32Array;
  /** [B·T] */
  positions: Int32Array;
}

/**
 * @throws INPUT_INVALID for a wrong type, shape or value; INPUT_TOO_LONG for more tokens than the model has positions
 */
export function readInputs(inputs: ModelInputs, config: AlbertConfig): Batch {
  if (typeof inputs !== "object" || inputs === null)
    throw invalid(`inputs are ${show(inputs)}, expected an object with input_ids`);
  // null counts as not given, as transformers.js and Python code passes it.
  const { input_ids, inputs_embeds, attention_mask, token_type_ids, position_ids } = inputs;
  if (isGiven(input_ids) === isGiven(inputs_embeds)) {
    throw invalid("expected either input_ids or inputs_embeds, and not both");
  }
  let ids: Int32Array | undefined;
  let embeds: Float32Array | undefined;
  let dims: readonly number[];
  if (isGiven(input_ids)) {
    const read = readIntegers(input_ids, "input_ids", config.vocab_size, "vocab_size");
    ids = read.data;
    dims = read.dims;
  } else {
    const read = readFloats(inputs_embeds, "inputs_embeds");
    if (read.dims.length !== 3 || read.dims[2] !== config.embedding_size) {
      throw invalid(
        `inputs_embeds has dims [${read.dims}], expected [texts, tokens, embedding_size = ${config.embedding_size}]`,
      );
    }
    embeds = read.data;
    dims = read.dims.slice(0, 2);
  }
  const [B, T] = dims as [number, number];
  if (B === 0 || T === 0)
    throw invalid(`the input has dims [${dims}]: expected at least one text of at least one token`);
  const most = config.max_position_embeddings;
  if (T > most && !isGiven(position_ids)) {
    throw new RobertalbertError(
      "INPUT_TOO_LONG",
      `the input has ${T} tokens, the model has ${most} positions (max_position_embeddings): truncate it (tokenizer option truncation: true) or split it`,
    );
  }

  const mask = isGiven(attention_mask)
    ? spread(attention_mask, "attention_mask", B, T, 2, "2: it holds 0 and 1 only")
    : undefined;
  const visible = mask === undefined ? new Uint8Array(B * T).fill(1) : Uint8Array.from(mask);
  const types = isGiven(token_type_ids)
    ? spread(token_type_ids, "token_type_ids", B, T, config.type_vocab_size, "type_vocab_size")
    : new Int32Array(B * T);
  return { B, T, ids, embeds, visible, types, positions: readPositions(position_ids, ids, B, T, config) };
}

/** Transformers' AlbertEmbeddings counts every column; RobertaEmbeddings counts what is not padding, from padding_idx + 1. */
function readPositions(
  given: IntegerInput | "roberta" | null | undefined,
  ids: Int32Array | undefined,
  B: number,
  T: number,
  config: AlbertConfig,
): Int32Array {
  const most = config.max_position_embeddings;
  if (!isGiven(given)) return Int32Array.from({ length: B * T }, (_, i) => i % T);
  if (given !== "roberta") {
    if (typeof given === "string")
      throw invalid(`position_ids is ${show(given)}, expected integers or the word "roberta"`);
    return spread(given, "position_ids", B, T, most, "max_position_embeddings");
  }
  const padding = config.pad_token_id ?? 0;
  const positions = new Int32Array(B * T);
  for (let b = 0; b < B; b++) {
    let position = padding;
    for (let i = b * T; i < (b + 1) * T; i++)
      positions[i] = ids !== undefined && ids[i] === padding ? padding : ++position;
    if (position >= most) {
      throw new RobertalbertError(
        "INPUT_TOO_LONG",
        `position_ids "roberta": text ${b} of ${T} tokens needs position ${position}, the model has ${most} (max_position_embeddings): truncate to ${most - padding - 1} tokens`,
      );
    }
  }
  return positions;
}

/** Reads [B, T] or, spread over all texts, [1, T]. */
function spread(value: IntegerInput, name: string, B: number, T: number, below: number, limitName: string): Int32Array {
  const { data, dims } = readIntegers(value, name, below, limitName);
  if (dims[1] !== T || (dims[0] !== B && dims[0] !== 1)) {
    throw invalid(`${name} has dims [${dims}], expected [${B}, ${T}] as the input has`);
  }
  if (dims[0] === B) return data;
  const all = new Int32Array(B * T);
  for (let b = 0; b < B; b++) all.set(data, b * T);
  return all;
}

function readIntegers(
  value: IntegerInput,
  name: string,
  below: number,
  limitName: string,
): { data: Int32Array; dims: number[] } {
  const { flat, dims } = flatten(value, name);
  if (dims.length === 1) dims.unshift(1);
  if (dims.length !== 2) throw invalid(`${name} has dims [${dims}], expected [texts, tokens]`);
  const data = new Int32Array(flat.length);
  for (let i = 0; i < flat.length; i++) {
    const v = flat[i];
    const n = typeof v === "bigint" ? Number(v) : v;
    if (typeof n !== "number" || !Number.isInteger(n) || n < 0 || n >= below) {
      const at = `text ${Math.floor(i / dims[1]!)}, token ${i % dims[1]!}`;
      throw invalid(`${name} at ${at} is ${show(v)}, expected a whole number from 0 and below ${below} (${limitName})`);
    }
    data[i] = n;
  }
  return { data, dims };
}

function readFloats(value: FloatInput | null | undefined, name: string): { data: Float32Array; dims: number[] } {
  const { flat, dims } = flatten(value, name);
  const data = new Float32Array(flat.length);
  for (let i = 0; i < flat.length; i++) {
    const v = flat[i];
    if (typeof v !== "number" || !Number.isFinite(v))
      throw invalid(`${name}, value ${i}, is ${show(v)}, expected a finite number`);
    data[i] = v;
  }
  return { data, dims };
}

function isGiven<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null;
}

/** Nested arrays or `{ data, dims }` → values in row-major order, with the shape checked. */
function flatten(value: unknown, name: string): { flat: ArrayLike<unknown>; dims: number[] } {
  if (isList(value)) {
    const dims: number[] = [];
    // No input has more than three dimensions; an array that holds itself would have no end.
    for (let level: unknown = value; isList(level) && dims.length < 4; level = level[0]) dims.push(level.length);
    if (dims.length === 1) return { flat: value, dims };
    const flat: unknown[] = [];
    collect(value, dims, 0, flat, name);
    return { flat, dims };
  }
  const { data, dims } = (value ?? {}) as { data?: ArrayLike<unknown>; dims?: readonly number[] };
  if (!isList(data) || !Array.isArray(dims)) {
    throw invalid(`${name} is ${show(value)}, expected nested arrays, a Tensor, or an object with data and dims`);
  }
  if (!dims.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw invalid(`${name} has dims [${dims.map(show)}], expected whole numbers from 0 up`);
  const size = dims.reduce((a, b) => a * b, 1);
  if (data.length !== size)
    throw invalid(`${name} has dims [${dims}], which need ${size} values, and ${data.length} values`);
  return { flat: data, dims: [...dims] };
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value);
}

function collect(value: unknown, dims: readonly number[], axis: number, flat: unknown[], name: string): void {
  if (axis === dims.length) {
    flat.push(value);
    return;
  }
  if (!isList(value) || value.length !== dims[axis]) {
    const got = isList(value) ? `${value.length} values` : show(value);
    throw invalid(
      `${name} is ragged: one part has ${got} where the first has ${dims[axis]}: pad the texts to one length (tokenizer option padding: true)`,
    );
  }
  for (let i = 0; i < value.length; i++) collect(value[i], dims, axis + 1, flat, name);
}

function invalid(message: string): RobertalbertError {
  return new RobertalbertError("INPUT_INVALID", message);
}
