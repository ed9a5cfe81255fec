// A file source over what the caller holds: bytes, Blobs, Responses, streams, or functions that give them.
// For edge bundles, uploads, key-value stores, tests.
import { RobertalbertError, show } from "../errors.ts";
import type { ByteRange, FileContents, FileSource, FileValue, ReadableFile } from "./files.ts";
import { chunksOf, streamedFile } from "./streamed-file.ts";
import { lengthOf, statusError } from "./transfer.ts";

/** Responses and streams that were opened before: config.json is read by the tokenizer and by the model. */
const opened = new WeakMap<object, Promise<ReadableFile>>();

/** @throws INPUT_INVALID when a value is nothing that holds bytes */
export function memorySource(files: Readonly<Record<string, FileValue>> | ReadonlyMap<string, FileValue>): FileSource {
  const values = new Map<string, FileValue>(isMap(files) ? files : Object.entries(files));
  for (const [name, value] of values) if (typeof value !== "function") check(name, value);
  return {
    name: "files in memory",
    async open(fileName) {
      const value = values.get(fileName);
      const contents = typeof value === "function" ? await value() : value;
      check(fileName, contents);
      return contents === undefined || contents === null ? undefined : openContents(fileName, contents);
    },
    list: async () => [...values.keys()],
  };
}

/** By name, not instanceof: values may come from another realm, or from a polyfill. */
const kindOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);
const isMap = (value: unknown): value is ReadonlyMap<string, FileValue> => kindOf(value) === "Map";
const isBlob = (value: unknown): value is Blob => ["Blob", "File"].includes(kindOf(value));

function check(name: string, value: unknown): asserts value is FileContents {
  if (value === undefined || value === null || ArrayBuffer.isView(value) || isBlob(value)) return;
  if (["ArrayBuffer", "Response", "ReadableStream"].includes(kindOf(value))) return;
  throw new RobertalbertError(
    "INPUT_INVALID",
    `file ${show(name)} is ${show(value)}, expected a Uint8Array, ArrayBuffer, Blob, Response, ReadableStream, or a function that gives one`,
  );
}

function openContents(name: string, contents: NonNullable<FileContents>): Promise<ReadableFile | undefined> {
  if (isBlob(contents)) return Promise.resolve(openBlob(name, contents));
  if (kindOf(contents) === "Response") return openResponse(name, contents as Response);
  if (kindOf(contents) === "ReadableStream") return openStream(name, contents as ReadableStream<Uint8Array>);
  const bytes = ArrayBuffer.isView(contents)
    ? new Uint8Array(contents.buffer, contents.byteOffset, contents.byteLength)
    : new Uint8Array(contents as ArrayBuffer);
  return Promise.resolve(
    inRange({
      name,
      sizeBytes: bytes.length,
      read: async (offset, length) => bytes.subarray(offset, offset + length),
      close: async () => undefined,
    }),
  );
}

function openBlob(name: string, blob: Blob): ReadableFile {
  return inRange({
    name,
    sizeBytes: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
    close: async () => undefined,
  });
}

async function openResponse(name: string, response: Response): Promise<ReadableFile | undefined> {
  if (response.status === 404 || response.status === 410) return undefined;
  if (!response.ok) throw statusError(response.status, `${name} of files in memory (${response.url || "a Response"})`);
  return openOnce(response, name, response.body, lengthOf(response));
}

const openStream = (name: string, stream: ReadableStream<Uint8Array>) => openOnce(stream, name, stream, undefined);

/** Opens what can be read once. It stays open for the next one who asks, unless its reader has let parts of it go. */
async function openOnce(
  key: object,
  name: string,
  stream: ReadableStream<Uint8Array> | null,
  sizeBytes: number | undefined,
): Promise<ReadableFile> {
  const known = opened.get(key);
  if (known) return known;
  if (stream?.locked || (key as { bodyUsed?: boolean }).bodyUsed) throw used(name);
  const file = streamedFile(name, stream ? chunksOf(stream) : none(), stream ? sizeBytes : 0);
  let isSpent = false;
  const shared = file.then((inner) => ({
    ...inner,
    readOnce(ranges: readonly ByteRange[]) {
      isSpent = true;
      const refusal = Promise.reject(used(name));
      refusal.catch(() => undefined);
      opened.set(key, refusal);
      inner.readOnce?.(ranges);
    },
    close: async () => {
      if (isSpent) await inner.close();
    },
  }));
  opened.set(key, shared);
  return shared;
}

async function* none(): AsyncGenerator<Uint8Array> {}

function used(name: string): RobertalbertError {
  return new RobertalbertError(
    "INPUT_INVALID",
    `file ${show(name)} is a Response or stream that was read already: pass a function that gives a new one`,
  );
}

/** Readers ask for what the file has: anything else is a mistake in this package, better found than read as less. */
function inRange(file: ReadableFile): ReadableFile {
  return {
    ...file,
    read(offset, length) {
      if (offset >= 0 && length >= 0 && offset + length <= file.sizeBytes) return file.read(offset, length);
      const message = `${file.name}: bytes ${offset} to ${offset + length} of ${file.sizeBytes}`;
      return Promise.reject(new RobertalbertError("FILE_UNREADABLE", message));
    },
  };
}
