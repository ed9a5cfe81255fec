// What a caller hands to a model → one checked Batch of plain typed arrays. Nothing here touches wasm memory.
import type { AlbertConfig } from "../config/config.ts";
import { RobertalbertError, show } from "../errors.ts";

/** Nested arrays, a Tensor, or any object with `data` and `dims` (int32 or int64). One dimension is taken as one text. */
export type IntegerInput =
  | ArrayLike<number | bigint>
  | readonly IntegerInput[]
  | { data: ArrayLike<number | bigint>; dims: readonly number[] };
/** The same for floats, of three dimensions. */
export type FloatInput =
  | readonly (readonly (readonly number[])[])[]
  | { data: ArrayLike<number>; dims: readonly number[] };

export interface ModelInputs {
  /** [B, T] token ids. */
  input_ids?: IntegerInput;
  /** [B, T], 1 where a token is visible. Default: all are. */
  attention_mask?: IntegerInput;
  /** [B, T] or [1, T]. Default: 0. */
  token_type_ids?: IntegerInput;
  /** [B, T] or [1, T], or "roberta": counted from pad_token_id + 1, padding skipped. Default: 0, 1, 2, … padding included. */
  position_ids?: IntegerInput | "roberta";
  /** [B, T, E] instead of input_ids: what the word embedding would give. */
  inputs_embeds?: FloatInput;
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
  if ((inputs.input_ids === undefined) === (inputs.inputs_embeds === undefined)) {
    throw invalid("expected either input_ids or inputs_embeds, and not both");
  }
  let ids: Int32Array | undefined;
  let embeds: Float32Array | undefined;
  let dims: readonly number[];
  if (inputs.input_ids !== undefined) {
    const read = readIntegers(inputs.input_ids, "input_ids", config.vocab_size, "vocab_size");
    ids = read.data;
    dims = read.dims;
  } else {
    const read = readFloats(inputs.inputs_embeds, "inputs_embeds");
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
  if (T > most && inputs.position_ids === undefined) {
    throw new RobertalbertError(
      "INPUT_TOO_LONG",
      `the input has ${T} tokens, the model has ${most} positions (max_position_embeddings): truncate it (tokenizer option truncation: true) or split it`,
    );
  }

  const mask =
    inputs.attention_mask === undefined
      ? undefined
      : spread(inputs.attention_mask, "attention_mask", B, T, 2, "2: it holds 0 and 1 only");
  const visible = mask === undefined ? new Uint8Array(B * T).fill(1) : Uint8Array.from(mask);
  const types =
    inputs.token_type_ids === undefined
      ? new Int32Array(B * T)
      : spread(inputs.token_type_ids, "token_type_ids", B, T, config.type_vocab_size, "type_vocab_size");
  return { B, T, ids, embeds, visible, types, positions: readPositions(inputs.position_ids, ids, B, T, config) };
}

/** Transformers' AlbertEmbeddings counts every column; RobertaEmbeddings counts what is not padding, from padding_idx + 1. */
function readPositions(
  given: IntegerInput | "roberta" | undefined,
  ids: Int32Array | undefined,
  B: number,
  T: number,
  config: AlbertConfig,
): Int32Array {
  const most = config.max_position_embeddings;
  if (given === undefined) return Int32Array.from({ length: B * T }, (_, i) => i % T);
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

function readFloats(value: FloatInput | undefined, name: string): { data: Float32Array; dims: number[] } {
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

/** Nested arrays or `{ data, dims }` → values in row-major order, with the shape checked. */
function flatten(value: unknown, name: string): { flat: ArrayLike<unknown>; dims: number[] } {
  if (ArrayBuffer.isView(value))
    return { flat: value as unknown as ArrayLike<number>, dims: [(value as unknown as ArrayLike<number>).length] };
  if (Array.isArray(value)) {
    const dims: number[] = [];
    for (let level: unknown = value; isList(level); level = level[0]) dims.push(level.length);
    const flat: unknown[] = [];
    collect(value, dims, 0, flat, name);
    return { flat, dims };
  }
  const { data, dims } = (value ?? {}) as { data?: ArrayLike<unknown>; dims?: readonly number[] };
  if (data === undefined || !Array.isArray(dims)) {
    throw invalid(`${name} is ${show(value)}, expected nested arrays, a Tensor, or an object with data and dims`);
  }
  const size = dims.reduce((a, b) => a * b, 1);
  if (data.length !== size)
    throw invalid(`${name} has dims [${dims}], which need ${size} values, and ${data.length} values`);
  return { flat: data, dims: [...dims] };
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || ArrayBuffer.isView(value);
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
