// A file source over bytes that the caller already holds: edge bundles, uploads, tests.
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource, ReadableFile } from "./files.ts";

/** @throws INPUT_INVALID when a value is not bytes */
export function memorySource(
  files: Record<string, Uint8Array | ArrayBuffer> | Map<string, Uint8Array | ArrayBuffer>,
): FileSource {
  const bytesOf = new Map<string, Uint8Array>();
  for (const [name, value] of files instanceof Map ? files : Object.entries(files)) {
    const isView = ArrayBuffer.isView(value);
    if (!isView && Object.prototype.toString.call(value) !== "[object ArrayBuffer]") {
      throw new RobertalbertError(
        "INPUT_INVALID",
        `file ${show(name)} is ${show(value)}, expected a Uint8Array or ArrayBuffer`,
      );
    }
    const bytes = isView ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
    bytesOf.set(name, bytes);
  }
  return {
    name: "files in memory",
    async open(fileName): Promise<ReadableFile | undefined> {
      const bytes = bytesOf.get(fileName);
      if (bytes === undefined) return undefined;
      return {
        name: fileName,
        sizeBytes: bytes.length,
        read: async (offset, length) => bytes.subarray(offset, offset + length),
        close: async () => undefined,
      };
    },
  };
}
