// From what the caller passes to a file source; and whole files out of one.
import { type ErrorCode, RobertalbertError, show } from "../errors.ts";
import { env } from "./env.ts";
import type { FileSource, LoadOptions, ModelLocation } from "./files.ts";
import { memorySource } from "./memory.ts";
import { Report } from "./progress.ts";

/**
 * @param location a folder's path or file: URL; an http(s) URL of one; "OWNER/NAME" on the Hugging Face hub; or an object or
 *   Map of file name → contents. A name that may be both is a folder if there is one
 * @throws FILE_NOT_FOUND, INPUT_INVALID, and what hubSource throws
 */
export async function openSource(location: ModelLocation, options: LoadOptions = {}): Promise<FileSource> {
  const report = new Report(options);
  return report.watch(await find(location, options, report), options.signal);
}

async function find(location: ModelLocation, options: LoadOptions, report: Report): Promise<FileSource> {
  if (typeof location === "string" || Object.prototype.toString.call(location) === "[object URL]") {
    const text = String(location);
    // What needs a network is loaded when it is needed: most models lie in a folder, and starting is to be quick.
    if (/^https?:/i.test(text)) return (await import("./base-url.ts")).urlSource(text, options);
    return findNamed(text, options, report);
  }
  if (typeof location === "object" && location !== null)
    return memorySource(location as Exclude<ModelLocation, string | URL>);
  throw new RobertalbertError(
    "INPUT_INVALID",
    `the model is ${show(location)}, expected a folder's path, a URL, an id on the Hugging Face hub, or an object of file name → contents`,
  );
}

/** Codes of errors behind which a mistyped folder may stand. */
const NOT_FOUND = new Set<ErrorCode>(["FILE_NOT_FOUND", "ACCESS_DENIED", "NETWORK_FAILED", "DEPENDENCY_MISSING"]);

/** A folder, or else a model on the hub. */
async function findNamed(text: string, options: LoadOptions, report: Report): Promise<FileSource> {
  const isUrl = /^file:/i.test(text);
  let tried = "";
  if (env.allowLocalModels || isUrl) {
    const disk = await loadFolders();
    const source = await disk?.folderSource(text);
    if (source) return source;
    if (disk) tried = ` (no folder at ${(await disk.placesOf(text)).map(show).join(" and ")})`;
  }
  const { hubSource, isHubId } = await import("./hub.ts");
  if (!isUrl && isHubId(text)) {
    return hubSource(text, options, report).catch((error: RobertalbertError) => {
      if (!tried || !NOT_FOUND.has(error.code)) throw error;
      throw new RobertalbertError(error.code, `no model folder ${show(text)} here, and on the hub: ${error.message}`, {
        cause: error,
      });
    });
  }
  throw new RobertalbertError(
    "FILE_NOT_FOUND",
    `no model folder ${show(text)}${tried}: pass the path of a folder with config.json, a URL of one, or an id on the Hugging Face hub as OWNER/NAME`,
  );
}

/** What opens folders, undefined where there is no file system. */
async function loadFolders(): Promise<typeof import("./folder.ts") | undefined> {
  try {
    const folders = await import("./folder.ts");
    await folders.nodeModules();
    return folders;
  } catch {
    return undefined;
  }
}

/** Configurations, vocabularies, indexes: the largest known have some 30 MB, and parsed they take several times that. */
const MOST_WHOLE_BYTES = 1 << 27;

/**
 * The whole of a file that is no weights, undefined when there is none of that name.
 * @throws FILE_INVALID when it is far too large for one
 */
export async function readWhole(source: FileSource, fileName: string): Promise<Uint8Array | undefined> {
  const file = await source.open(fileName);
  if (file === undefined) return undefined;
  try {
    if (file.sizeBytes > MOST_WHOLE_BYTES) {
      const message = `${source.name}: ${fileName} has ${file.sizeBytes} bytes, at most ${MOST_WHOLE_BYTES} are read`;
      throw new RobertalbertError("FILE_INVALID", message);
    }
    return await file.read(0, file.sizeBytes);
  } finally {
    await file.close();
  }
}

/**
 * A parsed JSON file, undefined when there is none of that name.
 * @throws FILE_INVALID when it is no JSON
 */
export async function readJson(source: FileSource, fileName: string): Promise<unknown> {
  const bytes = await readWhole(source, fileName);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new RobertalbertError(
      "FILE_INVALID",
      `${source.name}: ${fileName} is no JSON (${(cause as Error).message})`,
      { cause },
    );
  }
}
