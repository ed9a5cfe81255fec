// Values that do not lie one after another in the file (a transposed or sliced view that torch.save kept as it was) → row-major bytes.
import type { ReadableFile } from "../hub/files.ts";

/** What a read costs beside its bytes, in bytes: some 30 µs at some 2 GB/s. What lies between is read too where that is cheaper … */
const READ_COST_BYTES = 1 << 16;
/** … and fits here. */
const MOST_SPAN_BYTES = 1 << 24;

interface Dimension {
  size: number;
  /** Values between neighbours in the file. */
  from: number;
  /** And in the result. */
  to: number;
}

/**
 * @param strides values between neighbours of each dimension, from 0 up
 * @param width bytes of a value: 1, 2, 4 or 8
 */
export async function readStrided(
  file: ReadableFile,
  offsetBytes: number,
  shape: readonly number[],
  strides: readonly number[],
  width: number,
): Promise<Uint8Array> {
  const length = shape.reduce((a, b) => a * b, 1);
  const out = valuesOf(new Uint8Array(length * width), width);
  if (length === 0) return bytesOf(out);
  const dims: Dimension[] = shape.map((size, i) => ({
    size,
    from: strides[i]!,
    to: shape.slice(i + 1).reduce((a, b) => a * b, 1),
  }));
  // The widest step outside: what is read together lies together.
  dims.sort((a, b) => b.from - a.from);

  const fill = async (dim: number, from: number, to: number): Promise<void> => {
    const rest = dims.slice(dim);
    const spanBytes = rest.reduce((sum, { size, from: step }) => sum + (size - 1) * step, 1) * width;
    const wantedBytes = rest.reduce((product, { size }) => product * size, width);
    const reads = rest[0]?.size ?? 1;
    const isCheap = spanBytes <= wantedBytes + reads * READ_COST_BYTES && spanBytes <= MOST_SPAN_BYTES;
    if (rest.length === 0 || isCheap || spanBytes <= wantedBytes) {
      const bytes = await file.read(offsetBytes + from * width, spanBytes);
      scatter(out, to, valuesOf(bytes, width), 0, rest);
      return;
    }
    const { size, from: step, to: outStep } = rest[0]!;
    for (let i = 0; i < size; i++) await fill(dim + 1, from + i * step, to + i * outStep);
  };
  await fill(0, 0, 0);
  return bytesOf(out);
}

type Values = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** Bits of values in an array of their width; what they mean does not matter here. */
function valuesOf(bytes: Uint8Array, width: number): Values {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  if (width === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (width === 4) return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return width === 8
    ? new Float64Array(buffer, byteOffset, byteLength / 8)
    : new Uint8Array(buffer, byteOffset, byteLength);
}

const bytesOf = (values: Values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function scatter(out: Values, to: number, values: Values, from: number, dims: readonly Dimension[]): void {
  const [dim, ...rest] = dims;
  if (dim === undefined) {
    out[to] = values[from]!;
    return;
  }
  for (let i = 0; i < dim.size; i++) {
    if (rest.length > 0) scatter(out, to + i * dim.to, values, from + i * dim.from, rest);
    else out[to + i * dim.to] = values[from + i * dim.from]!;
  }
}
