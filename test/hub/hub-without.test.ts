// The hub without its optional package, and without a file system.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { env, variable } from "../../src/hub/env.ts";
import type { ProgressEvent } from "../../src/hub/files.ts";
import { AutoModel } from "../../src/model/auto.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { expectError } from "../support/expect-error.ts";
import { sendFile } from "../support/http-server.ts";
import { type HubServer, startHub } from "../support/hub-server.ts";

let hub: HubServer;
let cache: string;
const commit = "0123456789abcdef0123456789abcdef01234567";
const before = { ...env };

beforeAll(async () => {
  hub = await startHub();
  cache = await mkdtemp(join(tmpdir(), "robertalbert-hub-"));
  const { files } = await tinyModel("AlbertModel");
  hub.repositories.set("maker/tiny", { commit, files });
  Object.assign(env, { remoteHost: hub.url, fetchDelaySeconds: 0.002, cacheDir: cache });
});
afterAll(async () => {
  Object.assign(env, before);
  await hub.close();
  await rm(cache, { recursive: true });
});

it("streams a model where there is no file system, and keeps nothing", async () => {
  vi.doMock("../../src/hub/cache-folder.ts", () => {
    throw new Error("no node:fs here");
  });
  const model = await AutoModel.from_pretrained("maker/tiny");
  await model.dispose();
  expect(hub.log.some((line) => line.includes("model.safetensors"))).toBe(true);
  await expectError(
    () => AutoModel.from_pretrained("maker/tiny", { local_files_only: true }),
    "OPTION_INVALID",
    "local_files_only",
    "cache",
  );
  vi.doUnmock("../../src/hub/cache-folder.ts");
});

/** As the Cache API is defined, as far as it is used here. */
function fakeCaches(isFull = () => false) {
  const kept = new Map<string, Response>();
  const cache = {
    match: async (url: string) => kept.get(url)?.clone(),
    put: async (url: string, response: Response) => {
      const body = await response.arrayBuffer();
      if (isFull()) throw new DOMException("no room", "QuotaExceededError");
      kept.set(url, new Response(body, { headers: response.headers }));
    },
    delete: async (url: string) => kept.delete(url),
    keys: async () => [...kept.keys()].map((url) => ({ url })),
  };
  return { kept, caches: { open: async () => cache } };
}

it("keeps files in the browser's cache where there is one: whole, right, and used without a connection", async () => {
  vi.doMock("../../src/hub/cache-folder.ts", () => {
    throw new Error("no node:fs here");
  });
  let isFull = false;
  const { kept, caches } = fakeCaches(() => isFull);
  vi.stubGlobal("caches", caches);
  try {
    await expectError(
      () => AutoModel.from_pretrained("maker/tiny", { local_files_only: true }),
      "FILE_NOT_FOUND",
      "browser",
    );
    // Wrong bytes, then a cut for good: nothing is kept.
    hub.onFile = (name, bytes, request, response) => {
      if (name !== "model.safetensors" || request.headers.range === "bytes=0-0") return false;
      sendFile(
        request,
        response,
        bytes.map((byte) => byte ^ 1),
      );
      return true;
    };
    await expectError(() => AutoModel.from_pretrained("maker/tiny"), "FILE_INVALID", "model.safetensors", "hash");
    hub.onFile = (name, _, __, response) => {
      if (name === "model.safetensors") response.writeHead(503).end();
      return name === "model.safetensors";
    };
    await expectError(() => AutoModel.from_pretrained("maker/tiny"), "NETWORK_FAILED", "model.safetensors");
    expect([...kept.keys()].some((url) => url.endsWith("model.safetensors"))).toBe(false);
    hub.onFile = () => false;

    const files: string[] = [];
    const progress_callback = (event: ProgressEvent) => {
      if (event.status === "done") files.push(event.file);
    };
    await (await AutoModel.from_pretrained("maker/tiny", { progress_callback })).dispose();
    expect(files).toEqual(["config.json", "model.safetensors"]);
    expect([...kept.keys()]).toEqual(
      ["refs/main", `resolve/${commit}/config.json`, `resolve/${commit}/model.safetensors`].map(
        (path) => `${hub.url}/maker/tiny/${path}`,
      ),
    );
    hub.log.length = 0;
    await (await AutoModel.from_pretrained("maker/tiny", { local_files_only: true })).dispose();
    expect(hub.log).toEqual([]);
    await (await AutoModel.from_pretrained("maker/tiny")).dispose();
    expect(hub.log).toHaveLength(1);

    kept.clear();
    isFull = true;
    await (await AutoModel.from_pretrained("maker/tiny")).dispose();
    expect(kept.size).toBe(0);
  } finally {
    vi.unstubAllGlobals();
    vi.doUnmock("../../src/hub/cache-folder.ts");
  }
});

it("takes an environment that may not be read (Deno without --allow-env) for an empty one", () => {
  const refusing = new Proxy(
    {},
    {
      get: (): never => {
        throw new Error("Requires env access");
      },
    },
  );
  vi.spyOn(process, "env", "get").mockReturnValue(refusing);
  expect(variable("HF_ENDPOINT")).toBeUndefined();
  vi.restoreAllMocks();
});

it("a stand-in for the files that know of Node fails to load, which means: no folders", () =>
  expectError(() => import("../../src/hub/no-folder.ts"), "FILE_NOT_FOUND", "no folders"));

it("without @huggingface/hub says how to get it, and uses what is in the cache", async () => {
  await (await AutoModel.from_pretrained("maker/tiny")).dispose();
  vi.resetModules();
  vi.doMock("@huggingface/hub", () => {
    throw new Error("Cannot find package '@huggingface/hub'");
  });
  const fresh = await import("../../src/model/auto.ts");
  const { env: freshEnv } = await import("../../src/hub/env.ts");
  Object.assign(freshEnv, env);
  await (await fresh.AutoModel.from_pretrained("maker/tiny")).dispose();
  const error = (await fresh.AutoModel.from_pretrained("maker/other").catch((e) => e)) as {
    code: string;
    message: string;
  };
  expect(error.code).toBe("DEPENDENCY_MISSING");
  expect(error.message).toContain("npm install @huggingface/hub");
  expect(error.message).toContain("maker/other");
  vi.doUnmock("@huggingface/hub");
});
