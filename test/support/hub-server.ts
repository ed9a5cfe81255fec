// The Hugging Face hub on this machine, as far as @huggingface/hub and Python's huggingface_hub ask for models: revisions, trees in
// pages, files of Git, and large files that redirect to another host.
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { sendFile, startServer, type TestServer } from "./http-server.ts";

export interface Repository {
  commit: string;
  files: Record<string, Uint8Array>;
  /** Branches and tags; main is always there. */
  revisions?: Record<string, string>;
  /** Whether a token is wanted. */
  isPrivate?: boolean;
}

export interface HubServer {
  url: string;
  /** Requests to the hub and to the host of large files, in order. */
  log: string[];
  repositories: Map<string, Repository>;
  /** Answers a request for a file instead of the server itself; false leaves it to that. */
  onFile: (name: string, bytes: Uint8Array, request: IncomingMessage, response: ServerResponse) => boolean;
  /** The same for questions about revisions and trees. */
  onApi: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** What the tree says of a file, for lies. */
  describe: (entry: TreeEntry) => TreeEntry;
  close(): Promise<void>;
}

export interface TreeEntry {
  type: string;
  path: string;
  size: number;
  oid: string;
  lfs?: { oid: string; size: number; pointerSize: number };
}

export const TOKEN = "hf_test";
/** Files from this size on are large files. */
const LFS_BYTES = 10_000;
/** Entries of a page of the tree: few, so that there are several. */
const PAGE = 2;

const git = (bytes: Uint8Array) => createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
/** What names a file's content, here and in the cache. */
export const etagOf = (bytes: Uint8Array) => (bytes.length >= LFS_BYTES ? sha256(bytes) : git(bytes));

export async function startHub(): Promise<HubServer> {
  const log: string[] = [];
  const blobs = new Map<string, [string, Uint8Array]>();
  const note = (request: IncomingMessage, place: string) => {
    const { range, authorization } = request.headers;
    log.push([place, request.method, request.url, range, authorization && "token"].filter(Boolean).join(" "));
  };
  // Another origin, as the hub's own: tokens must not get there.
  const store = await startServer((request, response) => {
    note(request, "store");
    const [name, bytes] = blobs.get(request.url?.slice(1) ?? "") ?? ["", undefined];
    if (!bytes) return void response.writeHead(404).end();
    if (!hub.onFile(name, bytes, request, response)) sendFile(request, response, bytes, { etag: '"store"' });
  });
  // By another name: Python follows redirects on the same host by itself.
  const storeUrl = store.url.replace("127.0.0.1", "localhost");
  const front: TestServer = await startServer((request, response) => {
    note(request, "hub");
    const path = decodeURIComponent(new URL(request.url ?? "", front.url).pathname);
    const isApi = path.startsWith("/api/");
    if (isApi && hub.onApi(request, response)) return;
    const [, id, kind, rest] = /^(?:\/api\/models)?\/(.+?)\/(revision|tree|resolve)\/(.+)$/.exec(path) ?? [];
    const repository = hub.repositories.get(id ?? "");
    const fail = (status: number, code: string, error: string) => {
      response.writeHead(status, { "content-type": "application/json", "x-error-code": code });
      response.end(JSON.stringify({ error }));
    };
    if (!repository || !rest) return fail(401, "RepoNotFound", "Invalid username or password.");
    if (repository.isPrivate && request.headers.authorization !== `Bearer ${TOKEN}`)
      return fail(403, "GatedRepo", "Access to this model is restricted.");
    const commits = { main: repository.commit, [repository.commit]: repository.commit, ...repository.revisions };
    const [revision, ...names] = kind === "resolve" ? splitRevision(rest, commits) : [rest];
    const commit = commits[revision ?? ""];
    if (commit === undefined) return fail(404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    if (kind === "revision") {
      response.writeHead(200, { "content-type": "application/json" });
      return void response.end(
        JSON.stringify({ _id: "1", id, sha: commit, private: false, gated: false, lastModified: "2026-01-01" }),
      );
    }
    if (kind === "tree") return sendTree(repository, request, response);
    return sendResolved(names.join("/"), repository, request, response);
  });

  function sendTree(repository: Repository, request: IncomingMessage, response: ServerResponse): void {
    const folders = new Set<string>();
    const entries: TreeEntry[] = [];
    for (const [path, bytes] of Object.entries(repository.files)) {
      const isLarge = bytes.length >= LFS_BYTES;
      const lfs = isLarge ? { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } : undefined;
      if (path.includes("/") && !path.startsWith("..")) folders.add(path.split("/")[0]!);
      else entries.push(hub.describe({ type: "file", path, size: bytes.length, oid: git(bytes), ...(lfs && { lfs }) }));
    }
    for (const path of folders) entries.push({ type: "directory", path, size: 0, oid: git(new Uint8Array()) });
    const url = new URL(request.url ?? "", front.url);
    const from = Number(url.searchParams.get("cursor") ?? 0);
    url.searchParams.set("cursor", String(from + PAGE));
    response.writeHead(200, {
      "content-type": "application/json",
      ...(from + PAGE < entries.length && { link: `<${url.href}>; rel="next"` }),
    });
    response.end(JSON.stringify(entries.slice(from, from + PAGE)));
  }

  function sendResolved(
    name: string,
    repository: Repository,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const bytes = repository.files[name];
    const common = { "x-repo-commit": repository.commit };
    if (!bytes) return void response.writeHead(404, { ...common, "x-error-code": "EntryNotFound" }).end();
    if (bytes.length < LFS_BYTES) {
      if (request.method === "HEAD") {
        response.writeHead(200, { ...common, etag: `"${git(bytes)}"`, "content-length": bytes.length }).end();
      } else if (!hub.onFile(name, bytes, request, response)) {
        sendFile(request, response, bytes, { ...common, etag: `"${git(bytes)}"` });
      }
      return;
    }
    const key = sha256(bytes);
    blobs.set(key, [name, bytes]);
    const linked = { "x-linked-size": String(bytes.length), "x-linked-etag": `"${key}"` };
    response.writeHead(302, { ...common, ...linked, location: `${storeUrl}/${key}` }).end();
  }

  const hub: HubServer = {
    url: front.url,
    log,
    repositories: new Map(),
    onFile: () => false,
    onApi: () => false,
    describe: (entry) => entry,
    close: async () => {
      await Promise.all([front.close(), store.close()]);
    },
  };
  return hub;
}

/** Revisions may have slashes. */
function splitRevision(rest: string, commits: Record<string, string>): string[] {
  const revision = Object.keys(commits).find((name) => rest.startsWith(`${name}/`)) ?? rest.split("/")[0]!;
  return [revision, rest.slice(revision.length + 1)];
}
