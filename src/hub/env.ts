// Settings for the whole process, as transformers.js has them; only those that have an effect here.

export const env = {
  /** Where a model named by a relative path is looked for when it is not found from the working directory. */
  localModelPath: "./models/",
  /** Whether a name may be a folder; `false` goes to the hub at once. */
  allowLocalModels: true,
  /** Whether anything may be fetched; `false` is `local_files_only` for every call. */
  allowRemoteModels: true,
  /** The Hugging Face hub, or a mirror. Default: the environment's HF_ENDPOINT, else https://huggingface.co. */
  remoteHost: variable("HF_ENDPOINT") ?? "https://huggingface.co",
  /**
   * Where files from the hub are kept, in the layout that Python's huggingface_hub shares. Default (null): the environment's
   * HF_HUB_CACHE, HF_HOME/hub or XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub.
   */
  cacheDir: null as string | null,
  /** Where there is no file system but a Cache API, as in browsers: whether files from the hub are kept there. */
  useBrowserCache: true,
  /** Replaces the global fetch: for a proxy, or other headers. */
  fetch: null as typeof fetch | null,
  /** A request is given up after so many attempts without a byte more; any byte starts the count anew. */
  fetchAttempts: 4,
  /** Before the second attempt; doubled before each further one. A server's Retry-After counts instead. */
  fetchDelaySeconds: 0.5,
  /** A server that sends nothing for so long has gone away. */
  fetchStallSeconds: 30,
};

/** An environment variable that is not empty, where there are any. Deno refuses to say without --allow-env: then there is none. */
export function variable(name: string): string | undefined {
  try {
    return (globalThis as { process?: { env?: Record<string, string> } }).process?.env?.[name] || undefined;
  } catch {
    return undefined;
  }
}
