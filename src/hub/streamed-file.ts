// A file that arrives as one stream: read on as far as is asked for, kept as long as it may be asked for again.
import { RobertalbertError } from "../errors.ts";
import type { ByteRange, ReadableFile } from "./files.ts";

/** A stream that does not say how long it is may not fill the memory. */
const MOST_BYTES = 2 ** 31;

interface Chunk {
  start: number;
  bytes: Uint8Array;
}

/**
 * @param stream anything that gives bytes piece by piece
 * @param sizeBytes how long it will be; undefined reads all of it now
 * @throws FILE_UNREADABLE, and whatever the stream throws
 */
export async function streamedFile(
  name: string,
  stream: AsyncIterable<Uint8Array>,
  sizeBytes: number | undefined,
): Promise<ReadableFile> {
  const buffer = new StreamBuffer(name, stream, sizeBytes);
  const size = sizeBytes ?? (await buffer.readToEnd());
  return {
    name,
    sizeBytes: size,
    read: (offsetBytes, lengthBytes, into) => buffer.read(offsetBytes, lengthBytes, into),
    readOnce: (ranges) => buffer.keepOnly(ranges),
    close: () => buffer.cancel(),
  };
}

/** The bytes of a web stream. Safari has no asynchronous iteration of its own. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Not awaited: a cloned Response's stream is cancelled only when its twin is too.
    reader.cancel().catch(() => undefined);
  }
}

/** The other way round: pieces as a web stream, each taken when it is asked for. */
export function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => {
        await source.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

class StreamBuffer {
  private readonly name: string;
  private readonly source: AsyncIterator<Uint8Array>;
  private readonly sizeBytes: number | undefined;
  private chunks: Chunk[] = [];
  /** Bytes that came so far, kept or not. */
  private arrivedBytes = 0;
  /** What will still be read; undefined: anything may be. */
  private wanted: { start: number; end: number }[] | undefined;
  /** Reads wait for one another: the stream has one position. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(name: string, stream: AsyncIterable<Uint8Array>, sizeBytes: number | undefined) {
    this.name = name;
    this.source = stream[Symbol.asyncIterator]();
    this.sizeBytes = sizeBytes;
  }

  read(offsetBytes: number, lengthBytes: number, into?: Uint8Array): Promise<Uint8Array> {
    const result = this.queue.then(async () => {
      const end = offsetBytes + lengthBytes;
      while (this.arrivedBytes < end) {
        if (await this.pull()) continue;
        throw this.unreadable(`ended at byte ${this.arrivedBytes} of ${this.sizeBytes}: it was cut short`);
      }
      const bytes = this.copy(offsetBytes, end, into);
      this.letGo(offsetBytes, end);
      return bytes;
    });
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** Reads all; returns how much that is. */
  async readToEnd(): Promise<number> {
    while (await this.pull()) {
      if (this.arrivedBytes > MOST_BYTES) {
        await this.cancel();
        throw this.unreadable(`is longer than ${MOST_BYTES} bytes and does not say how long`);
      }
    }
    return this.arrivedBytes;
  }

  keepOnly(ranges: readonly ByteRange[]): void {
    this.wanted = ranges
      .map(({ offsetBytes, lengthBytes }) => ({ start: offsetBytes, end: offsetBytes + lengthBytes }))
      .sort((a, b) => a.start - b.start);
    this.chunks = this.chunks.filter((chunk) => this.isWanted(chunk));
  }

  async cancel(): Promise<void> {
    this.chunks = [];
    this.wanted = [];
    await this.source.return?.();
  }

  /** Takes one more chunk; false at the end. */
  private async pull(): Promise<boolean> {
    const { done, value } = await this.source.next();
    if (done) return false;
    if (!ArrayBuffer.isView(value)) throw this.unreadable(`gave ${typeof value} instead of bytes`);
    const chunk = { start: this.arrivedBytes, bytes: value };
    this.arrivedBytes += value.byteLength;
    if (this.sizeBytes !== undefined && this.arrivedBytes > this.sizeBytes)
      throw this.unreadable(`is longer than the ${this.sizeBytes} bytes that were announced`);
    if (this.isWanted(chunk)) this.chunks.push(chunk);
    return true;
  }

  private isWanted({ start, bytes }: Chunk): boolean {
    return this.wanted?.some((range) => range.start < start + bytes.byteLength && range.end > start) ?? true;
  }

  private copy(start: number, end: number, into?: Uint8Array): Uint8Array {
    const parts = this.chunks.filter((chunk) => chunk.start < end && chunk.start + chunk.bytes.byteLength > start);
    const cut = ({ start: at, bytes }: Chunk) => bytes.subarray(Math.max(start - at, 0), end - at);
    const held = parts.reduce((sum, part) => sum + cut(part).byteLength, 0);
    if (held !== end - start) throw this.unreadable(`has been read already: open it again`);
    if (parts.length === 1) return cut(parts[0]!);
    const out = into ?? new Uint8Array(end - start);
    for (const part of parts) out.set(cut(part), Math.max(part.start - start, 0));
    return out;
  }

  private letGo(start: number, end: number): void {
    if (this.wanted === undefined) return;
    this.wanted = this.wanted.flatMap((range) => {
      if (range.start >= end || range.end <= start) return [range];
      return [
        { start: range.start, end: start },
        { start: end, end: range.end },
      ].filter((rest) => rest.start < rest.end);
    });
    this.chunks = this.chunks.filter((chunk) => this.isWanted(chunk));
  }

  private unreadable(message: string): RobertalbertError {
    return new RobertalbertError("FILE_UNREADABLE", `${this.name} ${message}`);
  }
}
