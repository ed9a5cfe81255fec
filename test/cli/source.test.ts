// The command with a model from the hub: fetched, from the cache, and not there.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tinyModel } from "../support/checkpoint.ts";
import { finished, start } from "../support/command.ts";
import { type HubServer, startHub } from "../support/hub-server.ts";

let hub: HubServer;
let cache: string;

beforeAll(async () => {
  hub = await startHub();
  cache = await mkdtemp(join(tmpdir(), "robertalbert-cli-"));
  const { files } = await tinyModel();
  const commit = "0123456789abcdef0123456789abcdef01234567";
  hub.repositories.set("maker/tiny", { commit, files, revisions: { v2: commit } });
});
afterAll(async () => {
  await hub.close();
  await rm(cache, { recursive: true });
});

const run = (...args: string[]) => finished(start(args, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache }));

it("fetches a model once; --offline uses what is there, --revision another state", async () => {
  const absent = await run("info", "maker/tiny", "--offline");
  expect(absent).toMatchObject({ code: 1, stdout: "" });
  expect(absent.stderr).toMatch(/^robertalbert: no model folder "maker\/tiny".*local_files_only\n$/);

  const first = await run("info", "--json", "maker/tiny");
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(first.stdout)).toMatchObject({ model: "maker/tiny", config: { vocab_size: 61 } });
  const asked = hub.log.length;
  expect(await run("info", "--json", "maker/tiny", "--offline")).toEqual(first);
  expect(hub.log.length).toBe(asked);
  expect(await run("info", "--json", "maker/tiny", "--revision", "v2")).toEqual(first);
  expect((await run("info", "maker/tiny", "--revision", "v3")).stderr).toContain('revision "v3"');
});
