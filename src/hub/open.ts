// From what the caller passes to a file source, with progress and abort around every read.
import { RobertalbertError, show } from "../errors.ts";
import type { FileSource, LoadOptions, ModelLocation, ReadableFile } from "./files.ts";
import { memorySource } from "./memory.ts";

/**
 * @param location a folder's path, a file: URL, or an object or Map of file name → bytes
 * @throws FILE_NOT_FOUND, INPUT_INVALID
 */
export async function openSource(location: ModelLocation, options: LoadOptions = {}): Promise<FileSource> {
  if (typeof location === "string" || Object.prototype.toString.call(location) === "[object URL]") {
    const { folderSource } = await import("./folder.ts");
    return watched(await folderSource(location as string | URL), options);
  }
  if (typeof location === "object" && location !== null)
    return watched(memorySource(location as Exclude<ModelLocation, string | URL>), options);
  throw new RobertalbertError(
    "INPUT_INVALID",
    `the model is ${show(location)}, expected a folder's path, a file: URL, or an object of file name → bytes`,
  );
}

/** The whole of a file, undefined when there is none of that name. */
export async function readWhole(source: FileSource, fileName: string): Promise<Uint8Array | undefined> {
  const file = await source.open(fileName);
  if (file === undefined) return undefined;
  try {
    return await file.read(0, file.sizeBytes);
  } finally {
    await file.close();
  }
}

/**
 * A parsed JSON file, undefined when there is none of that name.
 * @throws FILE_INVALID when it is no JSON
 */
export async function readJson(source: FileSource, fileName: string): Promise<unknown> {
  const bytes = await readWhole(source, fileName);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new RobertalbertError(
      "FILE_INVALID",
      `${source.name}: ${fileName} is no JSON (${(cause as Error).message})`,
      { cause },
    );
  }
}

/** Reports what is read in transformers.js's events, and ends with ABORTED once the signal fires. */
function watched(source: FileSource, { progress_callback: report, signal }: LoadOptions): FileSource {
  if (!report && !signal) return source;
  const check = () => {
    if (signal?.aborted)
      throw new RobertalbertError("ABORTED", `loading ${source.name} was aborted by its signal`, {
        cause: signal.reason,
      });
  };
  return {
    name: source.name,
    async open(fileName): Promise<ReadableFile | undefined> {
      check();
      const file = await source.open(fileName);
      if (file === undefined) return undefined;
      const event = { name: source.name, file: fileName };
      report?.({ status: "initiate", ...event });
      report?.({ status: "download", ...event });
      const total = file.sizeBytes;
      let loaded = 0;
      return {
        name: file.name,
        sizeBytes: total,
        async read(offset, length) {
          check();
          const bytes = await file.read(offset, length);
          loaded = Math.min(total, loaded + length);
          report?.({ status: "progress", ...event, progress: total ? (100 * loaded) / total : 100, loaded, total });
          return bytes;
        },
        async close() {
          await file.close();
          report?.({ status: "done", ...event });
        },
      };
    },
  };
}
