// The hub without its optional package, and without a file system.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { env } from "../../src/hub/env.ts";
import { AutoModel } from "../../src/model/auto.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { expectError } from "../support/expect-error.ts";
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
    "file system",
  );
  vi.doUnmock("../../src/hub/cache-folder.ts");
});

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
