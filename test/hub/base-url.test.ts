// Models from any web server: what a folder holds, streamed; over cuts, busy servers and servers that know no ranges.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { env } from "../../src/hub/env.ts";
import type { ProgressEvent } from "../../src/hub/files.ts";
import { AutoModel } from "../../src/model/auto.ts";
import type { Tensor } from "../../src/tensor.ts";
import { type TinyModel, tinyModel } from "../support/checkpoint.ts";
import { expectError } from "../support/expect-error.ts";
import { type Handler, sendCut, sendFile, startServer, type TestServer } from "../support/http-server.ts";

let tiny: TinyModel;
let expected: number[];
let server: TestServer;
const before = { ...env };

const fileOf = (url: string | undefined) => tiny.files[new URL(url ?? "", "http://x").pathname.split("/").at(-1)!];
const plain: Handler = (request, response) => {
  const bytes = fileOf(request.url);
  if (bytes) sendFile(request, response, bytes, { etag: '"1"' });
  else response.writeHead(404).end();
};

beforeAll(async () => {
  tiny = await tinyModel("AlbertModel", { vocab_size: 2000 });
  server = await startServer(plain);
  expected = await run(tiny.files);
});
afterAll(() => server.close());
afterEach(() => {
  Object.assign(env, before, { fetchDelaySeconds: 0.005, fetchStallSeconds: 2 });
  server.handle = plain;
  server.log.length = 0;
});
Object.assign(env, { fetchDelaySeconds: 0.005, fetchStallSeconds: 2 });

async function run(location: Parameters<typeof AutoModel.from_pretrained>[0], options = {}): Promise<number[]> {
  const model = await AutoModel.from_pretrained(location, options);
  const { last_hidden_state } = await model({ input_ids: [[2, 5, 7, 3]] });
  await model.dispose();
  return [...((last_hidden_state as Tensor).data as Float32Array)];
}

/** Changes the answers for the weights only. */
const weights = (handle: Handler): Handler => {
  return (request, response, log) =>
    request.url?.includes("model.safetensors") ? handle(request, response, log) : plain(request, response, log);
};

describe("a base URL", () => {
  it.each([
    ["with a slash", "/models/tiny/"],
    ["without", "/models/tiny"],
    ["with a query that each file needs", "/models/tiny?key=1"],
  ])("%s", async (_, path) => {
    expect(await run(server.url + path)).toEqual(expected);
    expect(await run(new URL(server.url + path))).toEqual(expected);
    const query = path.includes("?") ? "?key=1" : "";
    expect(server.log.slice(0, 2)).toEqual([
      `GET /models/tiny/config.json${query}`,
      `GET /models/tiny/model.safetensors${query}`,
    ]);
  });

  it("that redirects", async () => {
    server.handle = (request, response, log) => {
      if (request.url?.startsWith("/old/"))
        response.writeHead(302, { location: request.url.replace("old", "new") }).end();
      else return plain(request, response, log);
    };
    expect(await run(`${server.url}/old`)).toEqual(expected);
  });

  it("of a server that compresses", async () => {
    const { gzipSync } = await import("node:zlib");
    server.handle = (request, response) => {
      const bytes = fileOf(request.url);
      if (!bytes) return void response.writeHead(404).end();
      const body = gzipSync(bytes);
      response.writeHead(200, { "content-encoding": "gzip", "content-length": body.length });
      response.end(body);
    };
    expect(await run(server.url)).toEqual(expected);
  });

  it("of a server that does not say how long a file is", async () => {
    server.handle = (request, response) => {
      const bytes = fileOf(request.url);
      if (!bytes) return void response.writeHead(404).end();
      response.writeHead(200);
      response.write(bytes.subarray(0, 100));
      response.end(bytes.subarray(100));
    };
    expect(await run(server.url)).toEqual(expected);
  });

  it("is cut again and again: each transfer goes on where the last one ended", async () => {
    server.handle = weights((request, response) =>
      sendCut(request, response, fileOf(request.url)!, 20_000, { etag: '"1"' }),
    );
    expect(await run(server.url)).toEqual(expected);
    const ranges = server.log.filter((line) => line.includes("bytes="));
    expect(ranges.length).toBeGreaterThan(1);
    const starts = ranges.map((line) => Number(/bytes=(\d+)-/.exec(line)![1]));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(new Set(starts).size).toBe(starts.length);
  });

  it("is cut by a server that knows no ranges", async () => {
    let cuts = 2;
    server.handle = weights((request, response) => {
      const bytes = fileOf(request.url)!;
      const sent = cuts-- > 0 ? 30_000 : bytes.length;
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, sent), () =>
        sent < bytes.length ? setTimeout(() => response.destroy(), 5) : response.end(),
      );
    });
    expect(await run(server.url)).toEqual(expected);
  });

  it("changes between two transfers", async () => {
    let version = 0;
    server.handle = weights((request, response) =>
      sendCut(request, response, fileOf(request.url)!, 20_000, { etag: `"${++version}"` }),
    );
    await expectError(() => run(server.url), "FILE_UNREADABLE", "changed", "model.safetensors");
  });

  it.each([429, 500, 502, 503, 504, 408])("answers %i twice, then the file", async (status) => {
    let left = 2;
    server.handle = weights((request, response, log) =>
      left-- > 0 ? void response.writeHead(status).end() : plain(request, response, log),
    );
    expect(await run(server.url)).toEqual(expected);
  });

  it("waits as long as Retry-After says", async () => {
    let first: number | undefined;
    server.handle = weights((request, response, log) => {
      if (first !== undefined) return plain(request, response, log);
      first = performance.now();
      response.writeHead(429, { "retry-after": "1" }).end();
    });
    await run(server.url);
    expect(performance.now() - first!).toBeGreaterThan(990);
  });

  it.each([
    [401, "ACCESS_DENIED", "token"],
    [403, "ACCESS_DENIED", "token"],
    [400, "NETWORK_FAILED", "400"],
    [429, "NETWORK_FAILED", "too many requests"],
    [503, "NETWORK_FAILED", "try again later"],
  ] as const)("answers %i for good", async (status, code, name) => {
    server.handle = weights((_, response) => void response.writeHead(status).end());
    await expectError(() => run(server.url), code, "model.safetensors", String(status), name);
  });

  it("has no config.json, no weights, or answers everything with its page", async () => {
    server.handle = (_, response) => void response.writeHead(404).end();
    await expectError(() => run(server.url), "FILE_NOT_FOUND", "config.json");
    server.handle = (_, response) =>
      void response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<!doctype html>");
    await expectError(() => run(server.url), "FILE_NOT_FOUND", "config.json");
    server.handle = weights((_, response) => void response.writeHead(404).end());
    await expectError(() => run(server.url), "FILE_NOT_FOUND", "model.safetensors");
  });

  it("falls silent: another connection goes on", async () => {
    env.fetchStallSeconds = 0.1;
    let stalls = 2;
    server.handle = weights((request, response) => {
      const bytes = fileOf(request.url)!;
      if (stalls-- <= 0) return sendFile(request, response, bytes);
      const start = Number(/bytes=(\d+)/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const headers = {
        "content-length": bytes.length - start,
        "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
      };
      response.writeHead(start > 0 ? 206 : 200, headers);
      response.write(bytes.subarray(start, start + 20_000));
    });
    expect(await run(server.url)).toEqual(expected);
  });

  it("never answers", async () => {
    env.fetchStallSeconds = 0.05;
    server.handle = () => undefined;
    await expectError(() => run(server.url), "NETWORK_FAILED", "nothing for 0.05 s");
    expect(server.log.length).toBe(env.fetchAttempts);
  });

  it("is slow, and arrives", async () => {
    server.handle = weights(async (request, response) => {
      const bytes = fileOf(request.url)!;
      response.writeHead(200, { "content-length": bytes.length });
      for (let at = 0; at < bytes.length; at += 8192) {
        response.write(bytes.subarray(at, at + 8192));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      response.end();
    });
    expect(await run(server.url)).toEqual(expected);
  });

  it("is nobody", async () => {
    const gone = await startServer(plain);
    await gone.close();
    await expectError(() => run(gone.url), "NETWORK_FAILED", gone.url);
  });

  it("has a config.json of gigabytes: it is not read", async () => {
    let closed: Promise<unknown> | undefined;
    server.handle = (_, response) => {
      closed = new Promise((resolve) => response.on("close", resolve));
      response.writeHead(200, { "content-length": 5e9 }).write("{");
    };
    await expectError(() => run(server.url), "FILE_INVALID", "config.json", "5000000000 bytes");
    await closed;
  });

  it("tells of its progress, file by file and in all", async () => {
    const events: ProgressEvent[] = [];
    await run(server.url, { progress_callback: (event: ProgressEvent) => events.push(event) });
    const name = `${server.url}/`;
    const file = "model.safetensors";
    const own = events.filter((event) => "file" in event && event.file === file);
    expect(own.slice(0, 2)).toEqual([
      { status: "initiate", name, file },
      { status: "download", name, file },
    ]);
    const total = tiny.files[file]!.length;
    expect(own.at(-2)).toEqual({ status: "progress", name, file, progress: 100, loaded: total, total });
    expect(own.at(-1)).toEqual({ status: "done", name, file });
    const last = events.filter((event) => event.status === "progress_total").at(-1)!;
    const size = (n: string) => ({ loaded: tiny.files[n]!.length, total: tiny.files[n]!.length });
    expect(last).toMatchObject({ progress: 100, files: { "config.json": size("config.json"), [file]: size(file) } });
  });

  it("is left alone when the signal fires, and the connection ends", async () => {
    const controller = new AbortController();
    let closed: Promise<unknown> | undefined;
    server.handle = weights((request, response) => {
      closed = new Promise((resolve) => response.on("close", resolve));
      response.writeHead(200, { "content-length": fileOf(request.url)!.length });
      response.write(fileOf(request.url)!.subarray(0, 5000));
      setTimeout(() => controller.abort(), 20);
    });
    await expectError(() => run(server.url, { signal: controller.signal }), "ABORTED", server.url);
    await closed;
    server.log.length = 0;
    await expectError(() => run(server.url, { signal: AbortSignal.abort() }), "ABORTED", server.url);
    expect(server.log).toEqual([]);
  });

  it("is reached through env.fetch", async () => {
    const seen: string[] = [];
    env.fetch = (url, init) => {
      seen.push(String(url));
      return fetch(String(url).replace("http://models.invalid", server.url), init);
    };
    expect(await run("http://models.invalid/tiny")).toEqual(expected);
    expect(seen).toContain("http://models.invalid/tiny/config.json");
  });
});
