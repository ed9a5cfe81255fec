// What the rest of the package knows of files: named byte ranges that can be read. Nothing here touches a disk or network.

/** One open file. `read` may be called in any order; `close` ends it. */
export interface ReadableFile {
  readonly name: string;
  readonly sizeBytes: number;
  /**
   * Reads exactly `lengthBytes` from `offsetBytes`. The result may be a view: do not write into it.
   * @param into memory of that length in which the bytes may be put to spare a copy; the result is then `into` itself
   */
  read(offsetBytes: number, lengthBytes: number, into?: Uint8Array): Promise<Uint8Array>;
  /**
   * A promise of the reader: from now on only these ranges are read, each byte once. What came over a network in one stream is
   * then let go as it is read. Absent where nothing is kept anyway.
   */
  readOnce?(ranges: readonly ByteRange[]): void;
  close(): Promise<void>;
}

/** Bytes `offsetBytes` … `offsetBytes + lengthBytes - 1` of a file. */
export interface ByteRange {
  offsetBytes: number;
  lengthBytes: number;
}

/** Where a model's files come from: a folder, the hub, a URL, an object of name → bytes. */
export interface FileSource {
  /** For messages and `_name_or_path`: the folder's path, the hub's id, the URL, or "files in memory". */
  readonly name: string;
  /** Opens a file, or gives undefined when there is none of that name. */
  open(fileName: string): Promise<ReadableFile | undefined>;
  /** What to do about absent files, where that is not to look for them. */
  readonly advice?: string;
  /** Names of the files and, with a slash behind, of the sub-folders: for messages about absent files. */
  list?(): Promise<string[]>;
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
  progress_callback?: ((event: ProgressEvent) => void) | null;
  signal?: AbortSignal;
  /** Of a model on the hub: branch, tag or commit. Default "main". */
  revision?: string;
  /** For private or gated models on the hub. Default: the environment's HF_TOKEN. */
  token?: string | null;
  /** Where files from the hub are kept. Default: `env.cacheDir`. */
  cache_dir?: string | null;
  /** Uses what is in that folder, asks nobody. Default false. */
  local_files_only?: boolean;
}

/** transformers.js's progress events. `name` is the folder, URL or id; sizes are bytes, `progress` is 0 … 100. */
export type ProgressEvent =
  | { status: "initiate" | "download" | "done"; name: string; file: string }
  | { status: "progress"; name: string; file: string; progress: number; loaded: number; total: number }
  | {
      status: "progress_total";
      name: string;
      progress: number;
      loaded: number;
      total: number;
      files: Record<string, { loaded: number; total: number }>;
    }
  | { status: "ready"; task: string; model: string };

/** Bytes in any of the forms in which runtimes hand them out. Nothing (also a Response of status 404) is an absent file. */
export type FileContents = Uint8Array | ArrayBuffer | Blob | Response | ReadableStream<Uint8Array> | null | undefined;

/**
 * A file of a model that the caller holds. A Response or stream can be read once: a function, which is called each time the
 * file is opened, serves several models.
 */
export type FileValue = FileContents | (() => FileContents | Promise<FileContents>);

/** What `from_pretrained` takes: a folder (path or file: URL), an http(s) URL of one, an id on the hub, or the files themselves. */
export type ModelLocation = string | URL | Readonly<Record<string, FileValue>> | ReadonlyMap<string, FileValue>;
