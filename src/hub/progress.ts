// transformers.js's progress events, around what is read and what is fetched.
import type { FileSource, LoadOptions, ProgressEvent, ReadableFile } from "./files.ts";
import { throwIfAborted } from "./transfer.ts";

type Files = Record<string, { loaded: number; total: number }>;

/** Of one load, or of several with the same callback: a pipeline loads a tokenizer and a model. */
const filesOf = new WeakMap<object, Map<string, Files>>();

export class Report {
  private readonly callback: ((event: ProgressEvent) => void) | undefined;
  /** Files whose progress was told while they were fetched: reading them is no news. */
  private readonly told = new WeakSet<ReadableFile>();

  constructor(options: LoadOptions) {
    this.callback = options.progress_callback ?? undefined;
  }

  /** Tells that a file of `total` bytes begins; then call `at` with the bytes that are there, and `done`. */
  start(name: string, file: string, total: number): { at(loaded: number): void; done(): void } {
    this.callback?.({ status: "initiate", name, file });
    this.callback?.({ status: "download", name, file });
    let loaded = 0;
    const at = (bytes: number) => {
      loaded = Math.min(bytes, total);
      this.callback?.({ status: "progress", name, file, progress: percent(loaded, total), loaded, total });
      this.total(name, file, loaded, total);
    };
    return {
      at,
      done: () => {
        if (loaded < total) at(total);
        this.callback?.({ status: "done", name, file });
      },
    };
  }

  /** Marks a file as told. */
  reported(file: ReadableFile | undefined): ReadableFile | undefined {
    if (file) this.told.add(file);
    return file;
  }

  /** Tells of every file that is read from a source, and ends with ABORTED once the signal fires. */
  watch(source: FileSource, signal: AbortSignal | undefined): FileSource {
    if (!this.callback && !signal) return source;
    return {
      ...source,
      open: async (fileName) => {
        throwIfAborted(signal, source.name);
        const file = await source.open(fileName);
        if (file === undefined) return undefined;
        const progress = this.told.has(file) ? undefined : this.start(source.name, fileName, file.sizeBytes);
        let loaded = 0;
        return {
          ...file,
          async read(offset, length, into) {
            throwIfAborted(signal, source.name);
            const bytes = await file.read(offset, length, into);
            loaded += length;
            progress?.at(loaded);
            return bytes;
          },
          async close() {
            await file.close();
            progress?.done();
          },
        };
      },
    };
  }

  private total(name: string, file: string, loaded: number, total: number): void {
    if (!this.callback) return;
    const byName = filesOf.get(this.callback) ?? new Map<string, Files>();
    filesOf.set(this.callback, byName);
    const files = byName.get(name) ?? {};
    byName.set(name, files);
    files[file] = { loaded, total };
    const sum = (key: "loaded" | "total") => Object.values(files).reduce((bytes, each) => bytes + each[key], 0);
    const [all, of] = [sum("loaded"), sum("total")];
    const copy = Object.fromEntries(Object.entries(files).map(([key, value]) => [key, { ...value }]));
    this.callback({ status: "progress_total", name, progress: percent(all, of), loaded: all, total: of, files: copy });
  }
}

const percent = (loaded: number, total: number): number => (total > 0 ? (100 * loaded) / total : 100);
