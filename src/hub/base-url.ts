// A file source over http(s): the files of a folder on any server, each streamed, none kept on disk.
import { RobertalbertError } from "../errors.ts";
import { checkFileName } from "./file-name.ts";
import type { FileSource, LoadOptions, ReadableFile } from "./files.ts";
import { chunksOf, streamedFile } from "./streamed-file.ts";
import { either, lengthOf, patientFetch, resumed, skip, statusError } from "./transfer.ts";

/** @param base the folder's URL, with or without a slash at the end; its query is kept for each file */
export function urlSource(base: string | URL, { signal }: LoadOptions): FileSource {
  const folder = new URL(base);
  if (!folder.pathname.endsWith("/")) folder.pathname += "/";
  return { name: folder.href, open: (fileName) => openUrl(folder, fileName, signal) };
}

async function openUrl(
  folder: URL,
  fileName: string,
  signal: AbortSignal | undefined,
): Promise<ReadableFile | undefined> {
  checkFileName(fileName, folder.href);
  const url = new URL(folder);
  url.pathname += encodeURIComponent(fileName);
  const firstConnection = new AbortController();
  const first = await patientFetch(url, {}, either(signal, firstConnection.signal));
  // A single-page app's server answers any path with its page.
  const isPage = first.headers.get("content-type")?.startsWith("text/html") ?? false;
  if (first.status === 404 || first.status === 410 || (first.ok && isPage)) {
    await first.body?.cancel();
    return undefined;
  }
  if (!first.ok) throw statusError(first.status, url.href);
  const sizeBytes = lengthOf(first);
  const tag = first.headers.get("etag");

  let unused: Response | undefined = first;
  const openAt = async (fromBytes: number, connection: AbortSignal): Promise<AsyncIterable<Uint8Array>> => {
    if (unused && fromBytes === 0) {
      const response = unused;
      unused = undefined;
      connection.addEventListener("abort", () => firstConnection.abort());
      return bodyOf(response);
    }
    const headers = { range: `bytes=${fromBytes}-`, ...(tag && !tag.startsWith("W/") && { "if-range": tag }) };
    const response = await patientFetch(url, sizeBytes === undefined ? {} : { headers }, connection);
    if (!response.ok) throw statusError(response.status, url.href);
    if (response.headers.get("etag") !== tag)
      throw new RobertalbertError("FILE_UNREADABLE", `${url.href} changed while it was being read: load again`);
    if (response.status === 206) return bodyOf(response);
    return skip(bodyOf(response), fromBytes);
  };
  const file = await streamedFile(fileName, resumed(openAt, 0, sizeBytes, url.href, signal), sizeBytes);
  return {
    ...file,
    async close() {
      await file.close();
      firstConnection.abort(); // nobody may have read of it
    },
  };
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body) yield* chunksOf(response.body);
}
