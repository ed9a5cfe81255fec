// Values that do not lie one after another in the file (a transposed or sliced view that torch.save kept as it was) → row-major bytes.
import type { ReadableFile } from "../hub/files.ts";

/** Read together with what lies between when that is at most this often the wanted bytes: fewer, longer reads. */
const MOST_WASTE = 2;
/** Always worth one read. */
const SMALL_BYTES = 1 << 14;

/**
 * @param strides values between neighbours of each dimension, from 0 up
 * @param width bytes of a value
 */
export async function readStrided(
  file: ReadableFile,
  offsetBytes: number,
  shape: readonly number[],
  strides: readonly number[],
  width: number,
): Promise<Uint8Array> {
  const out = new Uint8Array(shape.reduce((a, b) => a * b, width));
  if (out.length === 0) return out;
  // Dimensions from the widest step to the narrowest, each with its step in the file and in the result.
  const dims = shape.map((size, i) => ({
    size,
    from: strides[i]! * width,
    to: shape.slice(i + 1).reduce((a, b) => a * b, width),
  }));
  dims.sort((a, b) => b.from - a.from);

  const fill = async (dim: number, from: number, to: number): Promise<void> => {
    const rest = dims.slice(dim);
    const spanBytes = rest.reduce((sum, { size, from: step }) => sum + (size - 1) * step, width);
    const wantedBytes = rest.reduce((product, { size }) => product * size, width);
    if (rest.length === 0 || spanBytes <= Math.max(MOST_WASTE * wantedBytes, SMALL_BYTES)) {
      scatter(out, to, await file.read(from, spanBytes), 0, rest, width);
      return;
    }
    const { size, from: step, to: outStep } = rest[0]!;
    for (let i = 0; i < size; i++) await fill(dim + 1, from + i * step, to + i * outStep);
  };
  await fill(0, offsetBytes, 0);
  return out;
}

interface Dimension {
  size: number;
  from: number;
  to: number;
}

function scatter(
  out: Uint8Array,
  to: number,
  bytes: Uint8Array,
  from: number,
  dims: readonly Dimension[],
  width: number,
): void {
  const [dim, ...rest] = dims;
  if (dim === undefined) {
    for (let i = 0; i < width; i++) out[to + i] = bytes[from + i]!;
    return;
  }
  for (let i = 0; i < dim.size; i++) {
    if (rest.length > 0) scatter(out, to + i * dim.to, bytes, from + i * dim.from, rest, width);
    else for (let j = 0; j < width; j++) out[to + i * dim.to + j] = bytes[from + i * dim.from + j]!;
  }
}
