// The other direction of safetensors.ts: named tensors → the bytes of a file, streamed, so that no file is ever whole in memory.
import { RobertalbertError, show } from "../errors.ts";
import { DTYPE_BYTES } from "./entry.ts";

/** A tensor to be written. */
export interface TensorSource {
  name: string;
  /** F32, F16, I8, …, as the format names it. */
  dtype: string;
  shape: readonly number[];
  /** Its little-endian bytes in row-major order, in pieces of any size. Called once, when the tensor's turn has come. */
  chunks(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** A tensor whose values are in memory already. */
export function tensorOf(
  name: string,
  dtype: string,
  shape: readonly number[],
  values: ArrayBufferView<ArrayBufferLike>,
): TensorSource {
  return {
    name,
    dtype,
    shape,
    chunks: () => [new Uint8Array(values.buffer, values.byteOffset, values.byteLength)],
  };
}

/**
 * The bytes of a safetensors file, piece by piece: pass them to a file or a response.
 * Tensors lie in the order given. The format has no holes between them: give those of wide dtypes first, or sizes that keep
 * the next one aligned; the first starts at a multiple of 8 bytes.
 * @param metadata the header's `__metadata__`; Transformers wants `{ format: "pt" }`
 * @throws TENSOR_INVALID for an unknown dtype, a name given twice, or a tensor whose pieces are not as long as its shape says
 */
export async function* writeSafetensors(
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  yield headerBytes(tensors, metadata);
  for (const tensor of tensors) {
    const expected = sizeBytes(tensor);
    let written = 0;
    for await (const chunk of tensor.chunks()) {
      written += chunk.length;
      if (written > expected) break;
      yield chunk;
    }
    if (written !== expected) {
      const got = written > expected ? `more than ${expected}` : `${written}`;
      throw invalid(tensor, `gave ${got} bytes, its shape [${tensor.shape}] of ${tensor.dtype} needs ${expected}`);
    }
  }
}

/** Bytes of the whole file, header included. @throws as writeSafetensors */
export function safetensorsBytes(
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>> = {},
): number {
  return tensors.reduce((sum, tensor) => sum + sizeBytes(tensor), headerBytes(tensors, metadata).length);
}

/** Length, then JSON padded with blanks to a multiple of 8, as the Rust library writes it. */
function headerBytes(tensors: readonly TensorSource[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set("__metadata__", metadata);
  let at = 0;
  for (const tensor of tensors) {
    if (header.has(tensor.name) || tensor.name === "__metadata__") throw invalid(tensor, "has a name that is taken");
    const end = at + sizeBytes(tensor);
    header.set(tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [at, end] });
    at = end;
  }
  const json = new TextEncoder().encode(
    `{${[...header].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`,
  );
  const bytes = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 8), true);
  bytes.set(json, 8);
  return bytes;
}

function sizeBytes(tensor: TensorSource): number {
  const width = DTYPE_BYTES[tensor.dtype];
  if (width === undefined)
    throw invalid(tensor, `has dtype ${show(tensor.dtype)}, expected one of ${Object.keys(DTYPE_BYTES).join(", ")}`);
  return tensor.shape.reduce((a, b) => a * b, width);
}

function invalid(tensor: TensorSource, message: string): RobertalbertError {
  return new RobertalbertError("TENSOR_INVALID", `tensor ${show(tensor.name)} ${message}`);
}
