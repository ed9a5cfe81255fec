// The hub's cache on disk, in the layout of Python's huggingface_hub, so that both use what either has fetched:
//   models--OWNER--NAME/refs/REVISION               the commit of a branch or tag
//   models--OWNER--NAME/blobs/ETAG                  contents, named by their hash
//   models--OWNER--NAME/snapshots/COMMIT/FILE   →   ../../blobs/ETAG
// A file is fetched beside its blob and takes its name only when size and hash are right. A cut transfer goes on next time.
import { createHash, type Hash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, sep } from "node:path";
import { RobertalbertError, show } from "../errors.ts";
import type { Fetcher, HubCache } from "./cache.ts";
import { env, variable } from "./env.ts";
import type { ReadableFile } from "./files.ts";
import { openFile } from "./folder.ts";
import { type HubFile, isCommit } from "./hub-api.ts";

/** A transfer whose file has not grown for so long has been abandoned by its process. */
const ABANDONED_MS = 120_000;
/** What a transfer of ours that ended by itself leaves: free to take at once. */
const CUT = ".cut.incomplete";

/** @param folder the caller's choice; default: env.cacheDir, then as Python chooses */
export function cacheFolder(folder: string | null | undefined): string {
  const home = variable("HF_HOME") ?? join(variable("XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "huggingface");
  return folder ?? env.cacheDir ?? variable("HF_HUB_CACHE") ?? variable("HUGGINGFACE_HUB_CACHE") ?? join(home, "hub");
}

export class ModelCache implements HubCache {
  /** models--OWNER--NAME */
  private readonly folder: string;
  private readonly root: string;

  /** @param id checked by the caller: letters, digits, "-", "_", ".", at most one "/" */
  constructor(root: string, id: string) {
    this.root = root;
    this.folder = join(root, `models--${id.replace("/", "--")}`);
  }

  get place(): string {
    return this.folder;
  }

  async commitOf(revision: string): Promise<string | undefined> {
    try {
      const commit = (await readFile(join(this.folder, "refs", revision), "utf8")).trim();
      return isCommit(commit) ? commit : undefined;
    } catch {
      return undefined;
    }
  }

  async rememberCommit(revision: string, commit: string): Promise<void> {
    const path = join(this.folder, "refs", revision);
    await this.writing(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      await replace(path, (temporary) => writeFile(temporary, commit));
    });
  }

  /**
   * A file of a commit, undefined when it is not there.
   * @throws FILE_UNREADABLE when it is a link that leads out of the cache
   */
  async open(commit: string, fileName: string): Promise<ReadableFile | undefined> {
    const snapshot = join(this.folder, "snapshots", commit);
    const path = join(snapshot, fileName);
    let target: string;
    try {
      target = await realpath(path);
    } catch {
      return undefined;
    }
    // Python's shared blobs lie elsewhere in the cache; a model's folder may itself be a link to another disk.
    const homes = await Promise.all([realpath(this.root), realpath(this.folder)]);
    if (!homes.some((home) => target.startsWith(home + sep))) {
      const message = `${path} leads out of the cache, to ${target}: delete it, it will be fetched again`;
      throw new RobertalbertError("FILE_UNREADABLE", message);
    }
    return openFile(snapshot, fileName);
  }

  async list(commit: string): Promise<string[]> {
    return readdir(join(this.folder, "snapshots", commit)).catch(() => []);
  }

  /**
   * Makes sure that a file of a commit is there, whole.
   * @param onBytes is told how many bytes are there
   * @throws FILE_INVALID when the bytes are not those of its hash, FILE_UNWRITABLE, and what `fetcher` throws
   */
  async add(
    commit: string,
    fileName: string,
    file: HubFile,
    fetcher: Fetcher,
    onBytes: (bytes: number) => void,
  ): Promise<void> {
    const blob = join(this.folder, "blobs", file.etag);
    const path = join(this.folder, "snapshots", commit, fileName);
    await this.writing(blob, () => mkdir(dirname(blob), { recursive: true }));
    const size = await sizeOf(blob);
    if (size !== file.sizeBytes) await this.download(blob, fileName, file, fetcher, onBytes);
    await this.writing(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      await replace(path, (temporary) => link(join("..", "..", "blobs", file.etag), blob, temporary));
    });
  }

  private async download(
    blob: string,
    fileName: string,
    file: HubFile,
    fetcher: Fetcher,
    onBytes: (bytes: number) => void,
  ): Promise<void> {
    const mine = `${blob}.${randomUUID().slice(0, 8)}.incomplete`;
    await claimAbandoned(blob, mine);
    // What an earlier transfer left may be wrong: then once more from the start.
    for (let isLast = false; ; isLast = true) {
      if (await this.fetchInto(mine, blob, file, fetcher, onBytes)) break;
      await rm(mine, { force: true });
      if (isLast)
        throw new RobertalbertError(
          "FILE_INVALID",
          `${show(fileName)} came with other bytes than its hash ${file.etag} says, twice: a proxy or the server changes it`,
        );
    }
    await this.writing(blob, () => rename(mine, blob));
  }

  /** Appends what is missing. Returns whether the whole is right. */
  private async fetchInto(
    path: string,
    blob: string,
    file: HubFile,
    fetcher: Fetcher,
    onBytes: (bytes: number) => void,
  ): Promise<boolean> {
    const { hash, sizeBytes: start } = await hashSoFar(path, file);
    const handle = await this.writing(path, () => open(path, "a"));
    let at = start;
    onBytes(at);
    try {
      for await (const chunk of fetcher(start)) {
        hash.update(chunk);
        await this.writing(path, () => handle.writeFile(chunk));
        at += chunk.byteLength;
        onBytes(at);
      }
      await this.writing(path, () => handle.datasync());
    } catch (error) {
      await handle.close();
      // Errors of the bytes themselves leave nothing worth keeping.
      if ((error as RobertalbertError).code === "FILE_INVALID") await rm(path, { force: true });
      else await rename(path, blob + CUT).catch(() => undefined);
      throw error;
    }
    await handle.close();
    return at === file.sizeBytes && hash.digest("hex") === file.etag;
  }

  /** Runs something that writes; its errors say what to do. */
  private async writing<T>(path: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      const message = `the cache cannot be written: ${path}: ${(cause as Error).message}; pass a cache_dir that can be written`;
      throw new RobertalbertError("FILE_UNWRITABLE", message, { cause });
    }
  }
}

/** The hash that an etag is: SHA-256, or Git's SHA-1 of "blob SIZE\0" and the content. */
function startHash({ etag, sizeBytes }: HubFile): Hash {
  return etag.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${sizeBytes}\0`);
}

async function hashSoFar(path: string, file: HubFile): Promise<{ hash: Hash; sizeBytes: number }> {
  const sizeBytes = await sizeOf(path);
  const hash = startHash(file);
  if (sizeBytes === undefined) return { hash, sizeBytes: 0 };
  if (sizeBytes > file.sizeBytes) {
    await rm(path);
    return { hash, sizeBytes: 0 };
  }
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return { hash, sizeBytes };
}

/** Takes over what a transfer of this blob left, by renaming it: of several processes one succeeds. */
async function claimAbandoned(blob: string, mine: string): Promise<void> {
  const folder = dirname(blob);
  const prefix = blob.slice(folder.length + 1);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !name.endsWith(".incomplete")) continue;
    const path = join(folder, name);
    const isFree = name.endsWith(CUT) || (await ageMs(path)) > ABANDONED_MS;
    if (!isFree) continue;
    const isMine = await rename(path, mine).then(
      () => true,
      () => false,
    );
    if (isMine) return;
  }
}

async function ageMs(path: string): Promise<number> {
  const info = await stat(path).catch(() => undefined);
  return info ? Date.now() - info.mtimeMs : 0;
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

/** A link, or a copy where links are not allowed (Windows without developer mode). */
async function link(relativeTarget: string, target: string, path: string): Promise<void> {
  try {
    await symlink(relativeTarget, path);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "ENOSYS"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    await copyFile(target, path);
  }
}

/** Makes a file under a name of its own and moves it to its place at once. */
async function replace(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  await make(temporary);
  await rename(temporary, path);
}
