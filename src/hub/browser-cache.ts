// The hub's files in the Cache API, where there is no file system: browsers, Workers. The same questions as ModelCache answers
// (cache-folder.ts), but for going on after a cut: the Cache API knows no parts.
import { RobertalbertError, show } from "../errors.ts";
import type { Fetcher, HubCache } from "./cache.ts";
import { env } from "./env.ts";
import type { ReadableFile } from "./files.ts";
import { type HubFile, isCommit } from "./hub-api.ts";
import { chunksOf, streamedFile, streamOf } from "./streamed-file.ts";
import { lengthOf } from "./transfer.ts";

const NAME = "robertalbert";

export class BrowserCache implements HubCache {
  readonly place = `the browser's cache ${show(NAME)}`;
  private readonly base: string;
  private readonly storage: CacheStorage;

  constructor(storage: CacheStorage, id: string) {
    this.storage = storage;
    this.base = `${env.remoteHost.replace(/\/+$/, "")}/${id}`;
  }

  async commitOf(revision: string): Promise<string | undefined> {
    const commit = await (await this.match(`refs/${revision}`))?.text();
    return commit !== undefined && isCommit(commit) ? commit : undefined;
  }

  async rememberCommit(revision: string, commit: string): Promise<void> {
    await this.put(`refs/${revision}`, new Response(commit));
  }

  async open(commit: string, fileName: string): Promise<ReadableFile | undefined> {
    const response = await this.match(`resolve/${commit}/${fileName}`);
    if (!response?.body) return undefined;
    return streamedFile(fileName, chunksOf(response.body), lengthOf(response));
  }

  async list(commit: string): Promise<string[]> {
    const start = this.url(`resolve/${commit}/`);
    const keys = await (await this.storage.open(NAME)).keys();
    return keys.flatMap(({ url }) => (url.startsWith(start) ? [decodeURIComponent(url.slice(start.length))] : []));
  }

  /** Keeps a file, if the browser lets us: it may also be full. @throws FILE_INVALID, and what `fetcher` throws */
  async add(
    commit: string,
    fileName: string,
    file: HubFile,
    fetcher: Fetcher,
    onBytes: (bytes: number) => void,
  ): Promise<void> {
    let at = 0;
    let failure: unknown;
    async function* counted() {
      try {
        for await (const chunk of fetcher(0)) {
          at += chunk.byteLength;
          yield chunk;
          onBytes(at);
        }
      } catch (error) {
        failure = error;
        throw error;
      }
    }
    const path = `resolve/${commit}/${fileName}`;
    const headers = { "content-length": String(file.sizeBytes), "content-type": "application/octet-stream" };
    await this.put(path, new Response(streamOf(counted()) as BodyInit, { headers }));
    if (failure !== undefined) throw failure;
    const kept = await this.match(path);
    if (kept === undefined || (await hashOf(new Uint8Array(await kept.arrayBuffer()), file)) === file.etag) return;
    await (await this.storage.open(NAME)).delete(this.url(path));
    const message = `${show(fileName)} came with other bytes than its hash ${file.etag} says: a proxy or the server changes it`;
    throw new RobertalbertError("FILE_INVALID", message);
  }

  private url(path: string): string {
    return `${this.base}/${path.split("/").map(encodeURIComponent).join("/")}`;
  }

  private async match(path: string): Promise<Response | undefined> {
    return (await this.storage.open(NAME)).match(this.url(path));
  }

  private async put(path: string, response: Response): Promise<void> {
    // No room, or private browsing: then nothing is kept.
    await (await this.storage.open(NAME)).put(this.url(path), response).catch(() => undefined);
  }
}

/** The hash that an etag is (hub-api.ts), as hexadecimal digits. */
async function hashOf(bytes: Uint8Array<ArrayBuffer>, { etag }: HubFile): Promise<string> {
  let hashed = bytes;
  if (etag.length === 40) {
    const head = new TextEncoder().encode(`blob ${bytes.length}\0`);
    hashed = new Uint8Array(head.length + bytes.length);
    hashed.set(head);
    hashed.set(bytes, head.length);
  }
  const digest = await crypto.subtle.digest(etag.length === 64 ? "SHA-256" : "SHA-1", hashed);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
