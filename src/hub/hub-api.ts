// The Hugging Face hub as far as a model needs it, through @huggingface/hub, an optional peer dependency that is loaded here
// and only when something must be asked for.
import { RobertalbertError, show } from "../errors.ts";
import { env } from "./env.ts";
import { chunksOf, streamOf } from "./streamed-file.ts";
import { networkFailed, patientAnswer, patientFetch, skip, statusError, throwIfAborted } from "./transfer.ts";

/** A file of a repository at one commit. */
export interface HubFile {
  sizeBytes: number;
  /** Names its content: SHA-256 of large files (Git LFS), else Git's own SHA-1. What Python's cache names the blob by. */
  etag: string;
}

type Library = typeof import("@huggingface/hub");

/** In a repository's main folder. */
const MOST_FILES = 10_000;
/** The names of commits and blobs become names of files: nothing else may. */
const COMMIT = /^[0-9a-f]{40}$/;
const ETAG = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

export const isCommit = (revision: string): boolean => COMMIT.test(revision);

export class HubApi {
  private readonly id: string;
  private readonly token: string | undefined;
  private readonly signal: AbortSignal | undefined;

  constructor(id: string, token: string | undefined, signal: AbortSignal | undefined) {
    this.id = id;
    this.token = token;
    this.signal = signal;
  }

  /**
   * The commit that a branch or tag stands at.
   * @throws FILE_NOT_FOUND for an unknown model or revision, ACCESS_DENIED, NETWORK_FAILED, DEPENDENCY_MISSING, ABORTED
   */
  async commitOf(revision: string): Promise<string> {
    const { modelInfo } = await this.library();
    const { sha } = await this.ask(`revision ${show(revision)}`, () =>
      modelInfo({ ...this.common(patientAnswer, this.signal), name: this.id, revision, additionalFields: ["sha"] }),
    );
    if (typeof sha === "string" && isCommit(sha)) return sha;
    throw this.odd(`commit ${show(sha)} of revision ${show(revision)}`);
  }

  /** The files in the repository's main folder by name, and names of its sub-folders with a slash. */
  async filesAt(commit: string): Promise<Map<string, HubFile | undefined>> {
    const { listFiles } = await this.library();
    return this.ask(`commit ${commit}`, async () => {
      const files = new Map<string, HubFile | undefined>();
      for await (const entry of listFiles({
        ...this.common(patientAnswer, this.signal),
        repo: this.id,
        revision: commit,
      })) {
        if (files.size >= MOST_FILES) throw this.odd(`more than ${MOST_FILES} files`);
        if (entry.type !== "file") {
          files.set(`${entry.path}/`, undefined);
          continue;
        }
        const etag = entry.lfs?.oid ?? entry.oid;
        const sizeBytes = entry.lfs?.size ?? entry.size;
        if (!ETAG.test(etag ?? "") || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
          throw this.odd(`file ${show(entry.path)} with hash ${show(etag)} and ${show(sizeBytes)} bytes`);
        files.set(entry.path, { sizeBytes, etag: etag! });
      }
      return files;
    });
  }

  /** The bytes of a file from `fromBytes` on. `connection` ends them. A stream that breaks off gives any error. */
  async open(
    commit: string,
    path: string,
    fromBytes: number,
    connection: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { downloadFile } = await this.library();
    const blob = await this.ask(show(path), () =>
      downloadFile({ ...this.common(rangedFetch, connection), repo: this.id, path, revision: commit }),
    );
    if (!blob) throw this.odd(`no file ${show(path)}, which it listed`);
    return chunksOf((fromBytes === 0 ? blob : blob.slice(fromBytes)).stream());
  }

  private async library(): Promise<Library> {
    try {
      return await import("@huggingface/hub");
    } catch (cause) {
      throw new RobertalbertError(
        "DEPENDENCY_MISSING",
        `to get ${show(this.id)} from the Hugging Face hub, install the optional package: npm install @huggingface/hub`,
        { cause },
      );
    }
  }

  private common(fetcher: typeof patientAnswer, signal: AbortSignal | undefined) {
    return {
      hubUrl: env.remoteHost.replace(/\/+$/, ""),
      ...(this.token !== undefined && { accessToken: this.token }),
      fetch: ((url, init) => fetcher(url as string | URL, init ?? {}, signal)) as typeof fetch,
    };
  }

  /** Turns the library's errors into ours. */
  private async ask<T>(what: string, question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (cause) {
      throwIfAborted(this.signal, this.id);
      if (cause instanceof RobertalbertError) throw cause;
      const status = (cause as { statusCode?: number }).statusCode;
      const where = `${show(this.id)} on ${env.remoteHost}, ${what}`;
      if (status === undefined) throw networkFailed(where, cause);
      if (status !== 404) throw statusError(status, where);
      throw new RobertalbertError("FILE_NOT_FOUND", `${where}: there is none; check the name and the revision`, {
        cause,
      });
    }
  }

  private odd(what: string): RobertalbertError {
    return new RobertalbertError(
      "FILE_INVALID",
      `${show(this.id)} on ${env.remoteHost}: the server answers with ${what}`,
    );
  }
}

/** patientFetch for servers that ignore Range: what was not asked for is left out. */
async function rangedFetch(url: string | URL, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const response = await patientFetch(url, init, signal);
  const start = Number(/^bytes=(\d+)-/.exec(new Headers(init.headers).get("range") ?? "")?.[1] ?? 0);
  if (start === 0 || response.status !== 200 || !response.body) return response;
  const body = streamOf(skip(chunksOf(response.body), start));
  return new Response(body as BodyInit, { status: 206, headers: response.headers });
}
