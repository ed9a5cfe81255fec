// The command with a model from the hub: fetched, from the cache, and not there.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tinyModel } from "../support/checkpoint.ts";
import { finished, start } from "../support/command.ts";
import { etagOf, type HubServer, startHub } from "../support/hub-server.ts";

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

it("is fetched by several processes at once, and after one that was killed in the middle", async () => {
  const dir = join(cache, "busy");
  const begin = () => start(["info", "--json", "maker/tiny"], { HF_ENDPOINT: hub.url, HF_HUB_CACHE: dir });
  const big = hub.repositories.get("maker/tiny")!.files["model.safetensors"]!;
  const blobs = join(dir, "models--maker--tiny", "blobs");

  const killed = begin();
  const half = new Promise<void>((resolve) => {
    hub.onFile = (name, bytes, request, response) => {
      if (name !== "model.safetensors" || request.headers.range === "bytes=0-0") return false;
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, bytes.length >> 1));
      setTimeout(resolve, 200);
      return true;
    };
  });
  const ended = finished(killed);
  await half;
  killed.kill("SIGKILL");
  expect((await ended).code).toBe(null);
  expect(await readdir(blobs)).toContainEqual(expect.stringMatching(/\.incomplete$/));
  expect(await readdir(blobs)).not.toContain(etagOf(big));

  hub.onFile = () => false;
  const all = await Promise.all([begin(), begin(), begin()].map(finished));
  for (const one of all) expect(one).toMatchObject({ code: 0, stderr: "" });
  expect(new Uint8Array(await readFile(join(blobs, etagOf(big))))).toEqual(big);
});
