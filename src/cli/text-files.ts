// Files that are named on the command line, as the streams of bytes that training reads; "-" is standard input.
import { constants, createReadStream } from "node:fs";
import { access, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { RobertalbertError } from "../errors.ts";
import { type Io, UsageError } from "./command.ts";

export interface TextFiles {
  files: (AsyncIterable<Uint8Array> & { readonly name: string })[];
  /** Of all together; undefined where nobody knows. */
  bytes: number | undefined;
}

const PIECE_BYTES = 1 << 18;

/**
 * Nothing is opened before it is read: there may be more files than a process may have open.
 * @throws UsageError for "-" twice; FILE_NOT_FOUND, FILE_UNREADABLE, before anything is read, for each path that will not do
 */
export async function textFiles(paths: readonly string[], io: Io): Promise<TextFiles> {
  if (paths.filter((path) => path === "-").length > 1)
    throw new UsageError('"-" is standard input, and can be read once');
  let bytes: number | undefined = 0;
  for (const path of paths) {
    const size = path === "-" ? undefined : await sizeOf(path);
    bytes = bytes === undefined || size === undefined ? undefined : bytes + size;
  }
  const files = paths.map((path) => {
    const name = path === "-" ? "standard input" : path;
    const open = () => (path === "-" ? io.stdin : createReadStream(path, { highWaterMark: PIECE_BYTES }));
    return { name, [Symbol.asyncIterator]: () => pieces(name, open()) };
  });
  return { files, bytes };
}

/** Undefined for what is no plain file: a pipe, a device. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const info = await stat(path);
    if (info.isFile()) await access(path, constants.R_OK);
    if (!info.isDirectory()) return info.isFile() ? info.size : undefined;
  } catch (cause) {
    throw unreadable(path, cause);
  }
  throw new RobertalbertError("FILE_UNREADABLE", `${path} is a folder: name the files in it`);
}

async function* pieces(name: string, stream: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

function unreadable(name: string, cause: unknown): RobertalbertError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const isAbsent = code === "ENOENT" || code === "ENOTDIR";
  return new RobertalbertError(
    isAbsent ? "FILE_NOT_FOUND" : "FILE_UNREADABLE",
    isAbsent ? `there is no file ${name}` : `${name} cannot be read: ${message}`,
    { cause },
  );
}
