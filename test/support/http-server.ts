// A small HTTP server on this machine for tests of what comes over a network: each request is logged and answered by a function.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  log: readonly string[],
) => void | Promise<void>;

export interface TestServer {
  url: string;
  /** "GET /path bytes=0-1" for each request. */
  log: string[];
  handle: Handler;
  close(): Promise<void>;
}

export async function startServer(handle: Handler): Promise<TestServer> {
  const log: string[] = [];
  const http = createServer((request, response) => {
    const { range } = request.headers;
    log.push(`${request.method} ${request.url}${range ? ` ${range}` : ""}`);
    Promise.resolve(server.handle(request, response, log)).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: TestServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    log,
    handle,
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
  return server;
}

/** Sends a file as servers do: whole, or the range that was asked for. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  headers: Record<string, string> = {},
): void {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  if (!match) {
    response.writeHead(200, { "content-length": bytes.length, "accept-ranges": "bytes", ...headers });
    response.end(bytes);
    return;
  }
  const start = Number(match[1]);
  const end = match[2] ? Math.min(Number(match[2]) + 1, bytes.length) : bytes.length;
  if (start >= bytes.length) {
    response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
    return;
  }
  const range = { "content-range": `bytes ${start}-${end - 1}/${bytes.length}`, "content-length": end - start };
  response.writeHead(206, { ...range, ...headers });
  response.end(bytes.subarray(start, end));
}

/** Sends only the first bytes of what was announced, then cuts the connection. */
export function sendCut(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  sentBytes: number,
  headers: Record<string, string> = {},
): void {
  const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  response.writeHead(start > 0 ? 206 : 200, {
    "content-length": bytes.length - start,
    ...(start > 0 && { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    ...headers,
  });
  response.write(bytes.subarray(start, start + sentBytes), () => setTimeout(() => response.destroy(), 5));
}
