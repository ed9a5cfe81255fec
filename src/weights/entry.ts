// A tensor of a checkpoint: what it is and where its values lie. Nothing of it is read yet.
import type { ReadableFile } from "../hub/files.ts";

export interface TensorEntry {
  name: string;
  /** F32, F16, …, as safetensors names it. */
  dtype: string;
  shape: readonly number[];
  /** Values between neighbours of each dimension. Absent: row-major without gaps. */
  strides?: readonly number[];
  file: ReadableFile;
  /** Where the first value is; all are little-endian. */
  offsetBytes: number;
  /** Bytes of its values: their number times the width of one, also where strides spread or repeat them. */
  lengthBytes: number;
  /** Of a q8 file's matrix, whose dtype is Q8: its values are panels of bytes, each row of `shape` with a scale, F32. */
  scales?: TensorEntry;
}

/** Bytes of one value. */
export const DTYPE_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
};
