// A folder on disk as a file source, its files read by position; loaded only where there are folders.
import type { Dirent } from "node:fs";
import { RobertalbertError } from "../errors.ts";
import { env } from "./env.ts";
import { checkFileName } from "./file-name.ts";
import type { FileSource, ReadableFile } from "./files.ts";

/**
 * @param location a path or a file: URL; a relative path is tried from the working directory, then from `env.localModelPath`
 * @returns undefined when neither is a folder
 */
export async function folderSource(location: string): Promise<FileSource | undefined> {
  const { fs } = await nodeModules();
  for (const place of await placesOf(location)) {
    if (isFolder(fs, place))
      return { name: place, open: (fileName) => openFile(place, fileName), list: () => listFolder(place) };
  }
  return undefined;
}

/** Where a folder of that name is looked for. */
export async function placesOf(location: string): Promise<string[]> {
  const { path, url } = await nodeModules();
  const place = /^file:/i.test(location) ? url.fileURLToPath(location) : location;
  return path.isAbsolute(place) ? [place] : [place, path.join(env.localModelPath, place)];
}

/** As FileSource.list wants it: names, folders with a slash. */
async function listFolder(path: string): Promise<string[]> {
  const { fs } = await nodeModules();
  const entries = await called<Dirent[]>((done) => fs.readdir(path, { withFileTypes: true }, done));
  return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
}

/** The bytes of a file: URL. @throws FILE_NOT_FOUND, FILE_UNREADABLE */
export async function readFileBytes(url: URL): Promise<Uint8Array> {
  const node = await nodeModules();
  try {
    return await called<Uint8Array>((done) => node.fs.readFile(url, done));
  } catch (cause) {
    throw unreadable(node.url.fileURLToPath(url), cause);
  }
}

function isFolder(fs: NodeModules["fs"], path: string): boolean {
  try {
    return fs.statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * A file of a folder by its name, undefined when there is none. Only reading goes through Node's threads: finding and opening would
 * wait for them longer than it takes (measured: a folder is open after 1.8 ms instead of 2.4).
 * @throws FILE_INVALID, FILE_UNREADABLE
 */
export async function openFile(folder: string, fileName: string): Promise<ReadableFile | undefined> {
  checkFileName(fileName, folder);
  const node = await nodeModules();
  const { fs } = node;
  const path = node.path.join(folder, fileName);
  let file: number;
  try {
    // Asked first: an error from opening what is not there takes Node 0.4 ms to make.
    if (!fs.statSync(path, { throwIfNoEntry: false })) return undefined;
    file = fs.openSync(path, "r");
  } catch (cause) {
    throw unreadable(path, cause);
  }
  const info = fs.fstatSync(file);
  if (info.isFile()) return new OpenFile(fs, fileName, info.size, path, file);
  fs.closeSync(file);
  throw new RobertalbertError("FILE_UNREADABLE", `${path} is no file`);
}

/** Its number is the system's, which gives it to another file once it is closed: nothing may be read by it from then on. */
class OpenFile implements ReadableFile {
  readonly name: string;
  readonly sizeBytes: number;
  private readonly fs: NodeModules["fs"];
  private readonly path: string;
  private readonly file: number;
  private readonly reads = new Set<Promise<unknown>>();
  private isOpen = true;

  constructor(fs: NodeModules["fs"], name: string, sizeBytes: number, path: string, file: number) {
    this.fs = fs;
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.path = path;
    this.file = file;
  }

  async read(offsetBytes: number, lengthBytes: number, into = new Uint8Array(lengthBytes)): Promise<Uint8Array> {
    if (!this.isOpen) throw new RobertalbertError("FILE_UNREADABLE", `${this.path} is closed`);
    const reading = this.readAll(offsetBytes, into);
    this.reads.add(reading);
    await reading.finally(() => this.reads.delete(reading));
    return into;
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await Promise.allSettled(this.reads);
    this.fs.closeSync(this.file);
  }

  private async readAll(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const got = await called<number>((done) =>
        this.fs.read(this.file, bytes, at, bytes.length - at, offsetBytes + at, done),
      ).catch((cause) => {
        throw unreadable(this.path, cause);
      });
      if (got === 0)
        throw new RobertalbertError(
          "FILE_UNREADABLE",
          `${this.path} ended at byte ${offsetBytes + at}: it was cut short while being read`,
        );
      at += got;
    }
  }
}

export interface NodeModules {
  fs: typeof import("node:fs");
  path: typeof import("node:path");
  url: typeof import("node:url");
}

/**
 * Not by `import` where there is another way, and not node:fs/promises: either makes Node load streams and more, which takes longer
 * than to read a tokenizer's files (measured: node:fs 4 ms, node:fs/promises 2, node:path and node:url 1).
 * @throws where there is no file system
 */
export async function nodeModules(): Promise<NodeModules> {
  const { process } = globalThis;
  if (process?.getBuiltinModule) {
    const [fs, path, url] = [
      process.getBuiltinModule("node:fs"),
      process.getBuiltinModule("node:path"),
      process.getBuiltinModule("node:url"),
    ];
    return { fs, path, url };
  }
  const [fs, path, url] = await Promise.all([import("node:fs"), import("node:path"), import("node:url")]);
  return { fs, path, url };
}

/** A function of node:fs as a promise. */
function called<Value>(start: (done: (error: Error | null, value?: Value) => void) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as Value)));
  });
}

function unreadable(path: string, cause: unknown): RobertalbertError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new RobertalbertError(
    code === "ENOENT" ? "FILE_NOT_FOUND" : "FILE_UNREADABLE",
    `${path} cannot be read: ${message}`,
    { cause },
  );
}
