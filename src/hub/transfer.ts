// HTTP for large files over bad connections: attempts with growing pauses, a watch for servers that fall silent, and going on
// where a cut transfer ended.
import { RobertalbertError } from "../errors.ts";
import { env } from "./env.ts";
import { chunksOf } from "./streamed-file.ts";

/** Statuses that may be gone next time. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);
const MOST_DELAY_SECONDS = 60;

/**
 * `fetch` (or `env.fetch`) that asks again when the network or the server fails for a moment.
 * @returns any response that is final, and a transient one if it stays
 * @throws NETWORK_FAILED when there is no answer, ABORTED
 */
export async function patientFetch(url: string | URL, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    let wait = env.fetchDelaySeconds * 2 ** (attempt - 1);
    const connection = new AbortController();
    try {
      const request = (env.fetch ?? fetch)(url, { ...init, signal: either(signal, connection.signal) });
      const response = await untilStall(request);
      if (!TRANSIENT.has(response.status) || attempt >= env.fetchAttempts) return response;
      wait = retryAfterSeconds(response) ?? wait;
      connection.abort();
    } catch (cause) {
      connection.abort();
      throwIfAborted(signal, url);
      if (attempt >= env.fetchAttempts || isHopeless(cause)) throw networkFailed(url, cause);
    }
    await pause(wait, signal);
    throwIfAborted(signal, url);
  }
}

/** Answers to questions are short: more is no answer. */
const MOST_ANSWER_BYTES = 1 << 26;

/**
 * The same with the body read, over another connection when one is cut or falls silent within it: for short answers.
 * @throws NETWORK_FAILED, FILE_INVALID when it is too long for one, ABORTED
 */
export async function patientAnswer(url: string | URL, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const connection = new AbortController();
    try {
      const response = await patientFetch(url, init, either(signal, connection.signal));
      const body = await readAll(response, url);
      return new Response(body.length > 0 ? body : null, { status: response.status, headers: response.headers });
    } catch (cause) {
      throwIfAborted(signal, url);
      if (cause instanceof RobertalbertError) throw cause;
      if (attempt >= env.fetchAttempts) throw networkFailed(url, cause);
    } finally {
      connection.abort();
    }
    await pause(env.fetchDelaySeconds * 2 ** (attempt - 1), signal);
    throwIfAborted(signal, url);
  }
}

async function readAll(response: Response, url: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  if (!response.body) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const source = chunksOf(response.body);
  for (;;) {
    const { done, value } = await untilStall(source.next());
    if (done) break;
    chunks.push(value);
    length += value.byteLength;
    if (length > MOST_ANSWER_BYTES) {
      const message = `${url}: the answer is longer than ${MOST_ANSWER_BYTES} bytes`;
      throw new RobertalbertError("FILE_INVALID", message);
    }
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}

/**
 * The bytes of a remote file from `fromBytes` to the end, over as many connections as it takes.
 * @param openAt starts a transfer at that byte; its signal ends that connection
 * @param sizeBytes of the whole file; undefined when not known: the end of a stream is then the end of the file
 * @throws NETWORK_FAILED, FILE_INVALID when there are more bytes, ABORTED, and what `openAt` throws of this package's errors
 */
export async function* resumed(
  openAt: (fromBytes: number, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>,
  fromBytes: number,
  sizeBytes: number | undefined,
  what: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = fromBytes;
  let attempt = 0;
  while (sizeBytes === undefined || at < sizeBytes) {
    const connection = new AbortController();
    const before = at;
    let failure: unknown;
    try {
      const chunks = (await openAt(at, either(signal, connection.signal)))[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await untilStall(chunks.next());
        if (done) break;
        at += value.byteLength;
        if (sizeBytes !== undefined && at > sizeBytes) {
          const message = `${what} is longer than the ${sizeBytes} bytes that were announced`;
          throw new RobertalbertError("FILE_INVALID", message);
        }
        yield value;
      }
      if (sizeBytes === undefined || at >= sizeBytes) return;
      failure = new Error(`the connection ended at byte ${at} of ${sizeBytes}`);
    } catch (error) {
      throwIfAborted(signal, what);
      if (error instanceof RobertalbertError && error.code !== "NETWORK_FAILED") throw error;
      failure = error;
    } finally {
      connection.abort();
    }
    attempt = at > before ? 1 : attempt + 1;
    if (attempt >= env.fetchAttempts) throw networkFailed(what, failure);
    await pause(env.fetchDelaySeconds * 2 ** (attempt - 1), signal);
    throwIfAborted(signal, what);
  }
}

/** Leaves out the first bytes: for servers that send a file from its start whatever is asked for. */
export async function* skip(
  chunks: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (left < chunk.byteLength) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.byteLength);
  }
}

/** How long a response's body is, where that is known: not when it is compressed on the way. */
export function lengthOf(response: Response): number | undefined {
  const encoding = response.headers.get("content-encoding") ?? "identity";
  const length = response.headers.get("content-length") ?? "";
  return encoding === "identity" && /^\d+$/.test(length) ? Number(length) : undefined;
}

/** The error for a status that is final. 404 is not here: an absent file is no error. */
export function statusError(status: number, what: string): RobertalbertError {
  if (status === 401 || status === 403) {
    const message = `${what}: HTTP status ${status}; if it is private or gated, pass a \`token\` that may read it`;
    return new RobertalbertError("ACCESS_DENIED", message);
  }
  const way = status === 429 ? "too many requests: wait, or pass a `token`" : "try again later";
  return new RobertalbertError("NETWORK_FAILED", `${what}: HTTP status ${status}; ${way}`);
}

export function networkFailed(what: string | URL, cause: unknown): RobertalbertError {
  // Node's "fetch failed" has the reason inside.
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const reason = inner instanceof Error ? inner.message : String(inner);
  return new RobertalbertError("NETWORK_FAILED", `${what}: ${reason}; check the connection, or pass local_files_only`, {
    cause,
  });
}

/** No such host, or nobody listens: at the start of a load that is a machine without a connection, or a wrong name. */
function isHopeless(cause: unknown): boolean {
  const code = (cause as { cause?: { code?: unknown } }).cause?.code;
  return code === "ENOTFOUND" || code === "ECONNREFUSED";
}

/** @throws ABORTED */
export function throwIfAborted(signal: AbortSignal | undefined, what: string | URL): void {
  if (!signal?.aborted) return;
  throw new RobertalbertError("ABORTED", `loading ${what} was aborted by its signal`, { cause: signal.reason });
}

/** Fires when one of both does. */
export const either = (signal: AbortSignal | undefined, other: AbortSignal): AbortSignal =>
  signal ? AbortSignal.any([signal, other]) : other;

/** Fails a promise that takes longer than `env.fetchStallSeconds`. */
function untilStall<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stall = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`the server sent nothing for ${env.fetchStallSeconds} s`));
    timer = setTimeout(fail, env.fetchStallSeconds * 1000);
  });
  return Promise.race([promise, stall]).finally(() => clearTimeout(timer));
}

function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(seconds, MOST_DELAY_SECONDS) * 1000);
    signal?.addEventListener("abort", end);
  });
}

/** Retry-After in seconds; dates, which nobody sends, are not parsed. */
function retryAfterSeconds(response: Response): number | undefined {
  const value = response.headers.get("retry-after") ?? "";
  return /^\d+$/.test(value) ? Number(value) : undefined;
}
