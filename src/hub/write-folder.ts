// Writes a folder whole or not at all: beside its place first, moved there when all of it is on the disk.
import { randomUUID } from "node:crypto";
import { rmdirSync, rmSync } from "node:fs";
import { lstat, mkdir, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { RobertalbertError, show } from "../errors.ts";
import type { FileToWrite } from "./files.ts";

export interface WriteOptions {
  /** Replaces a model folder that is there already. Default false: FILE_EXISTS. */
  force?: boolean;
  /** Called after each piece. */
  onProgress?: (fileName: string, writtenBytes: number) => void;
}

/**
 * Until the last file is written, `path` is as it was; a killed process leaves at most a folder `.NAME-writing-…` beside it.
 * Where `path` is a link to a folder, that folder is written.
 * @param files or a function that makes them: it is called when the place is known to be free and writable, so that hours of
 *   work are not lost to a mistyped path
 * @throws FILE_EXISTS when something is there (an empty folder is nothing), when `force` would replace what is no model folder, or
 *   for the working directory: replaced, it would leave the shell that stands in it nowhere;
 *   FILE_UNWRITABLE when the disk is full or may not be written to; and what the files' chunks throw
 */
export async function writeFolder(
  path: string,
  files: readonly FileToWrite[] | (() => Promise<readonly FileToWrite[]>),
  { force = false, onProgress }: WriteOptions = {},
): Promise<void> {
  const target = await realpath(path).catch(() => resolve(path));
  await checkTarget(target, force);
  const staging = join(dirname(target), `.${basename(target)}-writing-${randomUUID().slice(0, 8)}`);
  const parents: string[] = [];
  const clean = () => removeFolders(staging, parents);
  const stopListening = onSignal(clean);
  try {
    await attempt(target, async () => {
      await makeMissing(dirname(staging), parents);
      await mkdir(staging);
    });
    for (const file of typeof files === "function" ? await files() : files)
      await writeFile(join(staging, file.name), file, onProgress);
    await moveIntoPlace(staging, target, force);
  } catch (error) {
    clean();
    throw error;
  } finally {
    stopListening();
  }
}

async function checkTarget(target: string, force: boolean): Promise<void> {
  const exists = (message: string) => new RobertalbertError("FILE_EXISTS", `${target} ${message}`);
  if (target === process.cwd())
    throw exists("is the working directory: go up (cd ..) and name it from there, or name a folder in it");
  const info = await stat(target).catch(() => undefined);
  if (info === undefined) {
    if (await lstat(target).catch(() => undefined)) throw exists("is a link that leads nowhere: remove it");
    return;
  }
  if (!info.isDirectory()) throw exists("is there and no folder: name another place");
  const entries = await attempt(target, () => readdir(target, { withFileTypes: true }));
  if (entries.length === 0) return;
  if (!force) throw exists("is there already: name another folder, or replace it with --force (force: true)");
  // Whoever mistypes a path shall not lose a home folder.
  const foreign = entries.find((entry) => !entry.isFile());
  if (foreign) throw exists(`has ${show(foreign.name)}, which is no plain file: remove the folder yourself`);
  if (!entries.some((entry) => MODEL_FILE.test(entry.name)))
    throw exists("holds no model or tokenizer: remove it yourself");
}

/** What makes a folder one that may be replaced. */
const MODEL_FILE = /^(config|tokenizer|tokenizer_config|vocab)\.json$|\.safetensors$/;

async function writeFile(path: string, file: FileToWrite, onProgress: WriteOptions["onProgress"]): Promise<void> {
  const handle = await attempt(path, () => open(path, "wx"));
  try {
    let writtenBytes = 0;
    for await (const chunk of file.chunks()) {
      await attempt(path, async () => {
        for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
      });
      writtenBytes += chunk.length;
      onProgress?.(file.name, writtenBytes);
    }
    await attempt(path, () => handle.sync());
  } finally {
    await handle.close();
  }
}

/** The old folder steps aside only when the new one is complete; it comes back if that one cannot take its place. */
async function moveIntoPlace(staging: string, target: string, force: boolean): Promise<void> {
  await checkTarget(target, force); // it may have come into being meanwhile
  const aside = `${staging}-replaced`;
  const isReplaced = await rename(target, aside).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw unwritable(target, error);
    },
  );
  try {
    await rename(staging, target);
  } catch (error) {
    if (isReplaced) await rename(aside, target);
    throw unwritable(target, error);
  }
  if (isReplaced) await rm(aside, { recursive: true, force: true });
}

/**
 * Makes a folder and those above it, as far as they are missing, and adds to `made` which. Not by mkdir's own `recursive`, which never
 * returns where nothing can be made in a folder that is there, as in /proc (Node 20 to 24).
 */
async function makeMissing(path: string, made: string[]): Promise<void> {
  if (await stat(path).catch(() => undefined)) return;
  const parent = dirname(path);
  if (parent !== path) await makeMissing(parent, made);
  try {
    await mkdir(path);
    made.push(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // somebody else has made it meanwhile
  }
}

/** One with all that is in it, and those above it, the last first, if they are empty then. */
function removeFolders(folder: string, above: readonly string[]): void {
  try {
    rmSync(folder, { recursive: true, force: true });
    for (const parent of [...above].reverse()) rmdirSync(parent);
  } catch {
    // What went wrong before is to be told.
  }
}

/** Ctrl-C leaves nothing behind. Gives a function that ends the listening. */
function onSignal(clean: () => void): () => void {
  const listeners = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => {
    const listener = () => {
      clean();
      stop();
      process.kill(process.pid, signal);
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  const stop = () => {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
  return stop;
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): RobertalbertError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const advice: Record<string, string> = {
    ENOSPC: ": the disk is full, make room or name another place",
    EDQUOT: ": your quota is used up, make room or name another place",
    EACCES: ": no permission there, name another place",
    EPERM: ": no permission there, name another place",
    EBUSY: ": a disk may be mounted there, name a folder in it",
    EROFS: ": that disk is read-only, name another place",
    ENOENT: ": nothing can be made there, name another place",
    ENOTDIR: ": something above it is a file, name another place",
  };
  return new RobertalbertError(
    "FILE_UNWRITABLE",
    `${path} cannot be written (${message})${advice[code ?? ""] ?? ""}; nothing was left behind`,
    { cause },
  );
}
