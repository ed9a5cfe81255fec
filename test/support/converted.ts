// Converted folders in memory, and the files in them taken apart and put together again with something wrong.
import type { ModelLocation } from "../../src/hub/files.ts";
import { openSource } from "../../src/hub/open.ts";
import { type ConvertedDtype, convertFolder } from "../../src/model/convert.ts";
import { tensorOf, writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { inMemory } from "./new-folder.ts";

export type Files = Record<string, Uint8Array>;

/** What `robertalbert quantize` or `export` would write. */
export async function converted(location: ModelLocation, dtype: ConvertedDtype): Promise<Files> {
  const conversion = await convertFolder(await openSource(location, {}), dtype);
  try {
    return await inMemory(conversion.files);
  } finally {
    await conversion.close();
  }
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
      const bytes = file.slice(8 + headerBytes + from, 8 + headerBytes + to);
      return [name, { dtype, shape: [...shape], bytes }] as [string, RawTensor];
    },
  );
  return { metadata: { ...metadata } as unknown as Record<string, string>, tensors: new Map(tensors) };
}

export async function putTogether({ metadata, tensors }: RawFile): Promise<Uint8Array> {
  const sources = [...tensors].map(([name, { dtype, shape, bytes }]) => tensorOf(name, dtype, shape, bytes));
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeSafetensors(sources, metadata)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
