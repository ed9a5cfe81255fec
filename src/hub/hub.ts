// A model on the Hugging Face hub as a file source: each file when it is first opened, from the cache where it is there.
import { RobertalbertError, show } from "../errors.ts";
import type { HubCache } from "./cache.ts";
import { env, variable } from "./env.ts";
import { checkFileName } from "./file-name.ts";
import type { FileSource, LoadOptions, ReadableFile } from "./files.ts";
import { HubApi, type HubFile, isCommit } from "./hub-api.ts";
import type { Report } from "./progress.ts";
import { streamedFile } from "./streamed-file.ts";
import { resumed, throwIfAborted } from "./transfer.ts";

/** As huggingface_hub checks it. */
export function isHubId(text: string): boolean {
  return text.length <= 96 && /^(\w[\w.-]*\/)?\w[\w.-]*$/.test(text) && !/--|\.\.|[.-]$|[.-]\/|\.git$/.test(text);
}

/**
 * @param id "OWNER/NAME" or "NAME", checked by isHubId
 * @param report is told of what is fetched; a file that is in the cache is opened without a word
 * @throws OPTION_INVALID, FILE_NOT_FOUND when the model or revision is unknown, ACCESS_DENIED, NETWORK_FAILED, DEPENDENCY_MISSING,
 *   FILE_INVALID when a server's bytes are wrong, FILE_UNWRITABLE, ABORTED; the same later, when a file is opened
 */
export async function hubSource(id: string, options: LoadOptions, report: Report): Promise<FileSource> {
  const { revision = "main", signal, cache_dir } = options;
  if (typeof revision !== "string" || !/^\w[\w./-]*$/.test(revision) || revision.includes(".."))
    throw new RobertalbertError(
      "OPTION_INVALID",
      `revision is ${show(revision)}, expected a branch, a tag or a commit`,
    );
  const isOffline = (options.local_files_only ?? false) || !env.allowRemoteModels;
  const cache = await openCache(cache_dir, id);
  if (isOffline && cache === undefined)
    throw new RobertalbertError("OPTION_INVALID", "local_files_only needs a cache, which this runtime lacks");
  const api = new HubApi(id, checkToken(options.token ?? variable("HF_TOKEN")), signal);
  const commit = await findCommit(id, revision, api, cache, isOffline);

  let listing: Promise<Map<string, HubFile | undefined>> | undefined;
  const filesAt = () => {
    listing ??= api.filesAt(commit.id);
    return listing;
  };

  return {
    name: id,
    ...(commit.isOffline && { advice: "only the hub's cache was looked in: load it once with a connection" }),
    async open(fileName): Promise<ReadableFile | undefined> {
      checkFileName(fileName, id);
      throwIfAborted(signal, id);
      const cached = await cache?.open(commit.id, fileName);
      if (cached || commit.isOffline) return cached;
      const file = (await filesAt()).get(fileName);
      if (file === undefined) return undefined;
      const chunks = (fromBytes: number) =>
        resumed(
          (from, connection) => api.open(commit.id, fileName, from, connection),
          fromBytes,
          file.sizeBytes,
          `${id}: ${fileName}`,
          signal,
        );
      const streamed = () => streamedFile(fileName, chunks(0), file.sizeBytes);
      if (cache === undefined) return streamed();
      const progress = report.start(id, fileName, file.sizeBytes);
      await cache.add(commit.id, fileName, file, chunks, progress.at);
      progress.done();
      return report.reported((await cache.open(commit.id, fileName)) ?? (await streamed()));
    },
    list: async () => (commit.isOffline ? cache!.list(commit.id) : [...(await filesAt()).keys()]),
  };
}

/** The commit that is used, and whether only what is in the cache can be had of it. */
async function findCommit(
  id: string,
  revision: string,
  api: HubApi,
  cache: HubCache | undefined,
  isOffline: boolean,
): Promise<{ id: string; isOffline: boolean }> {
  if (isCommit(revision)) return { id: revision, isOffline };
  const known = await cache?.commitOf(revision);
  if (isOffline) {
    if (known !== undefined) return { id: known, isOffline };
    throw new RobertalbertError(
      "FILE_NOT_FOUND",
      `${show(id)}, revision ${show(revision)}, is neither a folder nor in ${cache!.place}: load it once without local_files_only`,
    );
  }
  try {
    const commit = await api.commitOf(revision);
    if (commit !== known) await cache?.rememberCommit(revision, commit);
    return { id: commit, isOffline };
  } catch (error) {
    // As huggingface_hub: without a connection, what was there last time.
    const { code } = error as RobertalbertError;
    if (known !== undefined && (code === "NETWORK_FAILED" || code === "DEPENDENCY_MISSING"))
      return { id: known, isOffline: true };
    throw error;
  }
}

/** On disk, or else in the browser; undefined where there is neither. */
async function openCache(folder: string | null | undefined, id: string): Promise<HubCache | undefined> {
  const disk = await import("./cache-folder.ts").catch(() => undefined);
  if (disk) return new disk.ModelCache(disk.cacheFolder(folder), id);
  const { caches } = globalThis as { caches?: CacheStorage };
  if (!caches || !env.useBrowserCache) return undefined;
  return new (await import("./browser-cache.ts")).BrowserCache(caches, id);
}

function checkToken(token: string | undefined): string | undefined {
  if (token === undefined || (typeof token === "string" && token.startsWith("hf_"))) return token;
  throw new RobertalbertError("OPTION_INVALID", 'token is not one of the hub\'s, which begin with "hf_"');
}
