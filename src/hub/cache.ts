// What a cache of the hub's files answers: cache-folder.ts on disk, browser-cache.ts in browsers.
import type { ReadableFile } from "./files.ts";
import type { HubFile } from "./hub-api.ts";

/** The bytes of a remote file from `fromBytes` on. */
export type Fetcher = (fromBytes: number) => AsyncIterable<Uint8Array>;

/** The files of one model. */
export interface HubCache {
  /** For messages. */
  readonly place: string;
  /** The commit that a branch or tag stood at when it was last asked for. */
  commitOf(revision: string): Promise<string | undefined>;
  rememberCommit(revision: string, commit: string): Promise<void>;
  /** A file of a commit, undefined when it is not there. */
  open(commit: string, fileName: string): Promise<ReadableFile | undefined>;
  /** Names of the files of a commit that are there. */
  list(commit: string): Promise<string[]>;
  /** Fetches a file of a commit, all or nothing. `onBytes` is told how many bytes are there. */
  add(
    commit: string,
    fileName: string,
    file: HubFile,
    fetcher: Fetcher,
    onBytes: (bytes: number) => void,
  ): Promise<void>;
}
