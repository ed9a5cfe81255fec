// What the rest of the package knows of files: named byte ranges that can be read. Nothing here touches a disk or network.

/** One open file. `read` may be called in any order; `close` ends it. */
export interface ReadableFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Reads exactly `lengthBytes` from `offsetBytes`. The result may be a view: do not write into it. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Where a model's files come from: a folder, an object of name → bytes, later a URL or the hub. */
export interface FileSource {
  /** For messages and `_name_or_path`: the folder's path, or "files in memory". */
  readonly name: string;
  /** Opens a file, or gives undefined when there is none of that name. */
  open(fileName: string): Promise<ReadableFile | undefined>;
}

/** A file to be written, its bytes in pieces of any size. */
export interface FileToWrite {
  readonly name: string;
  chunks(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** A text as a file. */
export function textFile(name: string, text: string): FileToWrite {
  return { name, chunks: () => [new TextEncoder().encode(text)] };
}

/** Options of every `from_pretrained` that concern where files come from. */
export interface LoadOptions {
  progress_callback?: (event: ProgressEvent) => void;
  signal?: AbortSignal;
}

/** transformers.js's progress events. */
export type ProgressEvent =
  | { status: "initiate" | "download" | "done"; name: string; file: string }
  | { status: "progress"; name: string; file: string; progress: number; loaded: number; total: number }
  | { status: "ready"; task: string; model: string };

/** What `from_pretrained` takes: a folder (path or file: URL), or the files themselves. */
export type ModelLocation =
  | string
  | URL
  | Record<string, Uint8Array | ArrayBuffer>
  | Map<string, Uint8Array | ArrayBuffer>;
