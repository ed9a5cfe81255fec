// The one file outside the command that knows node:fs: a folder as a file source, read by position.
import { type FileHandle, open, readdir, readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RobertalbertError } from "../errors.ts";
import { env } from "./env.ts";
import { checkFileName } from "./file-name.ts";
import type { FileSource, ReadableFile } from "./files.ts";

/**
 * @param location a path or a file: URL; a relative path is tried from the working directory, then from `env.localModelPath`
 * @returns undefined when neither is a folder
 */
export async function folderSource(location: string): Promise<FileSource | undefined> {
  for (const place of placesOf(location)) {
    if (await isFolder(place))
      return { name: place, open: (fileName) => openFile(place, fileName), list: () => listFolder(place) };
  }
  return undefined;
}

/** Where a folder of that name is looked for. */
export function placesOf(location: string): string[] {
  const path = /^file:/i.test(location) ? fileURLToPath(location) : location;
  return isAbsolute(path) ? [path] : [path, join(env.localModelPath, path)];
}

/** As FileSource.list wants it: names, folders with a slash. */
async function listFolder(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
}

/** The bytes of a file: URL. @throws FILE_NOT_FOUND, FILE_UNREADABLE */
export async function readFileBytes(url: URL): Promise<Uint8Array> {
  try {
    return await readFile(url);
  } catch (cause) {
    throw unreadable(fileURLToPath(url), cause);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** A file of a folder by its name, undefined when there is none. @throws FILE_INVALID, FILE_UNREADABLE */
export async function openFile(folder: string, fileName: string): Promise<ReadableFile | undefined> {
  checkFileName(fileName, folder);
  const path = join(folder, fileName);
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, cause);
  }
  const info = await handle.stat();
  if (!info.isFile()) {
    await handle.close();
    throw new RobertalbertError("FILE_UNREADABLE", `${path} is no file`);
  }
  return {
    name: fileName,
    sizeBytes: info.size,
    read: (offset, length, into = new Uint8Array(length)) => readAt(handle, path, offset, into),
    close: () => handle.close(),
  };
}

async function readAt(handle: FileHandle, path: string, offsetBytes: number, bytes: Uint8Array): Promise<Uint8Array> {
  let done = 0;
  while (done < bytes.length) {
    let got: number;
    try {
      got = (await handle.read(bytes, done, bytes.length - done, offsetBytes + done)).bytesRead;
    } catch (cause) {
      throw unreadable(path, cause);
    }
    if (got === 0)
      throw new RobertalbertError(
        "FILE_UNREADABLE",
        `${path} ended at byte ${offsetBytes + done}: it was cut short while being read`,
      );
    done += got;
  }
  return bytes;
}

function unreadable(path: string, cause: unknown): RobertalbertError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new RobertalbertError(
    code === "ENOENT" ? "FILE_NOT_FOUND" : "FILE_UNREADABLE",
    `${path} cannot be read: ${message}`,
    { cause },
  );
}
