// Safetensors files in memory: made of tensors, and taken apart and put together again with something wrong.
import { type TensorSource, tensorOf, writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { collected } from "./bytes.ts";

/** The bytes of a file with these tensors. */
export function safetensorsFile(
  tensors: readonly TensorSource[],
  metadata?: Record<string, string>,
): Promise<Uint8Array<ArrayBuffer>> {
  return collected(writeSafetensors(tensors, metadata));
}

export interface RawTensor {
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}

export interface RawFile {
  metadata: Record<string, string>;
  tensors: Map<string, RawTensor>;
}

/** A safetensors file by a plain reading of its header. */
export function takeApart(file: Uint8Array): RawFile {
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const { __metadata__: metadata = {}, ...header } = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + headerBytes)),
  ) as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  const tensors = Object.entries(header).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => {
      const bytes = new Uint8Array(file.subarray(8 + headerBytes + from, 8 + headerBytes + to));
      return [name, { dtype, shape: [...shape], bytes }] as [string, RawTensor];
    },
  );
  return { metadata: { ...metadata } as unknown as Record<string, string>, tensors: new Map(tensors) };
}

export function putTogether({ metadata, tensors }: RawFile): Promise<Uint8Array> {
  const sources = [...tensors].map(([name, { dtype, shape, bytes }]) => tensorOf(name, dtype, shape, bytes));
  return safetensorsFile(sources, metadata);
}
