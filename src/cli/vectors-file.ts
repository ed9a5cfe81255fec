// A file of vectors that grows row by row, .npy or JSON lines; what an interrupted run left half written is cut off.
import { type FileHandle, open } from "node:fs/promises";
import { RobertalbertError } from "../errors.ts";
import { UsageError } from "./command.ts";

export interface VectorsFile {
  /** Rows that it had when it was opened. */
  readonly rows: number;
  append(text: string, vector: Float32Array): Promise<void>;
  /** Writes what is left, and for .npy the number of rows. */
  close(): Promise<void>;
}

/** Rows are written together when they are this many bytes. */
const FLUSH_BYTES = 1 << 16;
/** The header's length, with room for any number of rows, so that it can be written anew in place. */
const NPY_HEADER_BYTES = 128;

/**
 * Opens a file for more rows, or makes it.
 * @param width numbers of a vector
 * @throws UsageError for another ending; FILE_UNWRITABLE; FILE_INVALID when the file is not what its ending says, or has vectors of another width
 */
export async function openVectors(path: string, width: number): Promise<VectorsFile> {
  const isNpy = path.endsWith(".npy");
  if (!isNpy && !/\.(jsonl|ndjson)$/.test(path))
    throw new UsageError(`--output is ${JSON.stringify(path)}, expected a name that ends in .npy or .jsonl`);
  const handle = await openOrMake(path);
  try {
    const { size } = await handle.stat();
    const { rows, end } = isNpy ? await readNpy(handle, path, size, width) : await readLines(handle, path, size, width);
    await handle.truncate(end);
    return isNpy ? npyFile(new Writer(handle, path, end), rows, width) : linesFile(new Writer(handle, path, end), rows);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A row of JSON lines. Nine digits give back every 32-bit float exactly. */
export function jsonLine(text: string, vector: Float32Array): string {
  return `${JSON.stringify({ text, embedding: Array.from(vector, (v) => Number(v.toPrecision(9))) })}\n`;
}

async function openOrMake(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r+").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return open(path, "wx+");
      throw error;
    });
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): RobertalbertError {
  const message = `--output ${path} cannot be written: ${(cause as Error).message}`;
  return new RobertalbertError("FILE_UNWRITABLE", message, { cause });
}

function linesFile(writer: Writer, rows: number): VectorsFile {
  return {
    rows,
    append: (text, vector) => writer.add(Buffer.from(jsonLine(text, vector))),
    close: () => writer.close(),
  };
}

function npyFile(writer: Writer, rows: number, width: number): VectorsFile {
  let count = rows;
  return {
    rows,
    append(_text, vector) {
      count++;
      return writer.add(Buffer.from(vector.buffer.slice(vector.byteOffset, vector.byteOffset + vector.byteLength)));
    },
    close: () => writer.close(() => npyHeader(count, width)),
  };
}

class Writer {
  private readonly handle: FileHandle;
  private readonly path: string;
  private end: number;
  private parts: Buffer[] = [];
  private bytes = 0;

  constructor(handle: FileHandle, path: string, end: number) {
    this.handle = handle;
    this.path = path;
    this.end = end;
  }

  async add(part: Buffer): Promise<void> {
    this.parts.push(part);
    this.bytes += part.length;
    if (this.bytes >= FLUSH_BYTES) await this.flush();
  }

  /** @param header written over the file's beginning, last of all */
  async close(header?: () => Uint8Array): Promise<void> {
    try {
      await this.flush();
      if (header) await this.write(header(), 0);
    } finally {
      await this.handle.close();
    }
  }

  private async flush(): Promise<void> {
    const all = Buffer.concat(this.parts);
    this.parts = [];
    this.bytes = 0;
    await this.write(all, this.end);
    this.end += all.length;
  }

  /** All of it: a single write may take less, on a disk that fills up. */
  private async write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; )
        at += (await this.handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
  }
}

/** NumPy's format 1.0, little-endian float32 [rows][width]. */
function npyHeader(rows: number, width: number): Buffer {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${width}), }`;
  const header = Buffer.alloc(NPY_HEADER_BYTES, " ");
  header.write("\u0093NUMPY\u0001\u0000", "latin1");
  header.writeUInt16LE(NPY_HEADER_BYTES - 10, 8);
  header.write(dictionary, 10, "latin1");
  header.write("\n", NPY_HEADER_BYTES - 1);
  return header;
}

/** Rows by the file's size: an interrupted run has not written their number. */
async function readNpy(
  handle: FileHandle,
  path: string,
  size: number,
  width: number,
): Promise<{ rows: number; end: number }> {
  if (size === 0) {
    await handle.write(npyHeader(0, width), 0, NPY_HEADER_BYTES, 0);
    return { rows: 0, end: NPY_HEADER_BYTES };
  }
  const header = Buffer.alloc(NPY_HEADER_BYTES);
  await handle.read(header, 0, NPY_HEADER_BYTES, 0);
  const shape = /'shape': \(\d+, (\d+)\)/.exec(header.toString("latin1"));
  if (!shape || !header.equals(npyHeader(Number(/\((\d+),/.exec(shape[0])![1]), Number(shape[1])))) {
    throw new RobertalbertError(
      "FILE_INVALID",
      `--output ${path} is no .npy file that this command wrote: name another`,
    );
  }
  if (Number(shape[1]) !== width) throw otherWidth(path, Number(shape[1]), width);
  const rows = Math.floor((size - NPY_HEADER_BYTES) / (4 * width));
  return { rows, end: NPY_HEADER_BYTES + rows * 4 * width };
}

/** Counts whole lines, in blocks: the file may be large. */
async function readLines(
  handle: FileHandle,
  path: string,
  size: number,
  width: number,
): Promise<{ rows: number; end: number }> {
  const block = Buffer.alloc(1 << 20);
  let rows = 0;
  let end = 0;
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(block, 0, block.length, at);
    for (let i = block.indexOf(10); i >= 0 && i < bytesRead; i = block.indexOf(10, i + 1)) {
      rows++;
      end = at + i + 1;
    }
    at += bytesRead;
    if (bytesRead === 0) break;
  }
  if (rows > 0) await checkFirstLine(handle, path, width);
  else if (size > 0)
    throw new RobertalbertError("FILE_INVALID", `--output ${path} has no whole line: remove it, or name another`);
  return { rows, end };
}

async function checkFirstLine(handle: FileHandle, path: string, width: number): Promise<void> {
  for await (const line of handle.readLines({ start: 0, autoClose: false })) {
    let embedding: unknown;
    try {
      embedding = (JSON.parse(line) as { embedding?: unknown }).embedding;
    } catch {
      // Falls through: what is not JSON has no embedding.
    }
    if (!Array.isArray(embedding))
      throw new RobertalbertError("FILE_INVALID", `--output ${path} has lines without an embedding: name another file`);
    if (embedding.length !== width) throw otherWidth(path, embedding.length, width);
    return;
  }
}

function otherWidth(path: string, got: number, width: number): RobertalbertError {
  return new RobertalbertError(
    "FILE_INVALID",
    `--output ${path} has vectors of ${got} numbers, this model and its options give ${width}: name another file`,
  );
}
