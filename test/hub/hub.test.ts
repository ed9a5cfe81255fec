// Models from the Hugging Face hub, against a server on this machine that speaks its protocol: the cache that Python shares,
// transfers that are cut, wrong bytes, refusals, and everything that a hostile server or cache might try.
import { existsSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cacheFolder } from "../../src/hub/cache-folder.ts";
import { env } from "../../src/hub/env.ts";
import type { LoadOptions, ProgressEvent } from "../../src/hub/files.ts";
import { isHubId } from "../../src/hub/hub.ts";
import { AutoConfig, AutoModel } from "../../src/model/auto.ts";
import { pipeline } from "../../src/pipelines/pipeline.ts";
import type { Tensor } from "../../src/tensor.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { expectError } from "../support/expect-error.ts";
import { sendCut, sendFile } from "../support/http-server.ts";
import { etagOf, type HubServer, type Repository, startHub, TOKEN } from "../support/hub-server.ts";

const ID = "maker/tiny";
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const WEIGHTS = "model.safetensors";

let hub: HubServer;
let files: Record<string, Uint8Array<ArrayBuffer>>;
let expected: number[];
let cache: string;
const before = { ...env };

beforeAll(async () => {
  hub = await startHub();
  files = (await tinyModel("AlbertModel", { vocab_size: 2000 })).files;
  expected = await run(files);
});
afterAll(() => hub.close());
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "robertalbert-hub-"));
  Object.assign(env, { remoteHost: hub.url, fetchDelaySeconds: 0.002, fetchStallSeconds: 2, cacheDir: cache });
  hub.repositories.clear();
  hub.repositories.set(ID, { commit: COMMIT, files });
  hub.onFile = () => false;
  hub.onApi = () => false;
  hub.describe = (entry) => entry;
  hub.log.length = 0;
});
afterEach(async () => {
  Object.assign(env, before);
  await rm(cache, { recursive: true, force: true });
});

async function run(location: Parameters<typeof AutoModel.from_pretrained>[0], options: LoadOptions = {}) {
  const model = await AutoModel.from_pretrained(location, options);
  const { last_hidden_state } = await model({ input_ids: [[2, 5, 7, 3]] });
  await model.dispose();
  return [...((last_hidden_state as Tensor).data as Float32Array)];
}

/** Where transfers of large files went on. */
const resumedAt = () =>
  hub.log.flatMap((line) => {
    const start = /^store GET \S+ bytes=([1-9]\d*)-/.exec(line)?.[1];
    return start === undefined ? [] : [Number(start)];
  });
const folder = () => join(cache, "models--maker--tiny");
const blobs = async () => (existsSync(join(folder(), "blobs")) ? (await readdir(join(folder(), "blobs"))).sort() : []);
const rightBlobs = () => ["config.json", WEIGHTS].map((name) => etagOf(files[name]!)).sort();
const snapshot = (name: string) => join(folder(), "snapshots", COMMIT, name);

describe("a model on the hub", () => {
  it("is fetched once, into the layout that Python's huggingface_hub has", async () => {
    expect(await run(ID)).toEqual(expected);
    expect(await blobs()).toEqual(rightBlobs());
    expect(await readFile(join(folder(), "refs/main"), "utf8")).toBe(COMMIT);
    for (const name of ["config.json", WEIGHTS]) {
      expect(await readlink(snapshot(name))).toBe(`../../blobs/${etagOf(files[name]!)}`);
      expect(new Uint8Array(await readFile(snapshot(name)))).toEqual(files[name]);
    }
    expect(await readdir(join(folder(), "snapshots", COMMIT))).toEqual(["config.json", WEIGHTS]);
    hub.log.length = 0;
    expect(await run(ID)).toEqual(expected);
    expect(hub.log).toEqual([expect.stringContaining("/api/models/maker/tiny/revision/main")]);
  });

  it("by its commit needs no question at all once it is there", async () => {
    expect(await run(ID, { revision: COMMIT })).toEqual(expected);
    hub.log.length = 0;
    expect(await run(ID, { revision: COMMIT })).toEqual(expected);
    expect(hub.log).toEqual([]);
  });

  it.each(["v1.0", "refs/pr/1", "my-branch"])("of revision %s", async (revision) => {
    hub.repositories.get(ID)!.revisions = { [revision]: COMMIT };
    expect(await run(ID, { revision })).toEqual(expected);
    expect(await readFile(join(folder(), "refs", revision), "utf8")).toBe(COMMIT);
  });

  it("moves on when its branch does, and keeps what did not change", async () => {
    await run(ID);
    const next = "f".repeat(40);
    const config = new TextEncoder().encode(`${new TextDecoder().decode(files["config.json"])} `);
    hub.repositories.set(ID, { commit: next, files: { ...files, "config.json": config } });
    hub.log.length = 0;
    expect(await run(ID)).toEqual(expected);
    expect(hub.log.some((line) => line.startsWith("store"))).toBe(false);
    expect((await readdir(join(folder(), "snapshots"))).sort()).toEqual([COMMIT, next]);
    expect(await run(ID, { revision: COMMIT, local_files_only: true })).toEqual(expected);
  });

  it("uses a cache that Python filled, shared blobs among it", async () => {
    const shared = join(cache, "blobs", "ab");
    await mkdir(shared, { recursive: true });
    await mkdir(join(folder(), "snapshots", COMMIT), { recursive: true });
    await mkdir(join(folder(), "blobs"));
    await mkdir(join(folder(), "refs"));
    await writeFile(join(folder(), "refs/main"), COMMIT);
    await writeFile(join(shared, "abcd"), files[WEIGHTS]!);
    await symlink("../../blobs/ab/abcd", join(folder(), "blobs", etagOf(files[WEIGHTS]!)));
    await symlink(`../../blobs/${etagOf(files[WEIGHTS]!)}`, snapshot(WEIGHTS));
    await writeFile(snapshot("config.json"), files["config.json"]!);
    expect(await run(ID, { local_files_only: true })).toEqual(expected);
    expect(hub.log).toEqual([]);
    expect(await run(ID)).toEqual(expected);
    expect(hub.log.length).toBe(1);
  });

  it("that is there is used without a connection", async () => {
    await run(ID);
    env.remoteHost = "http://127.0.0.1:9";
    expect(await run(ID)).toEqual(expected);
    hub.onApi = (_, response) => {
      response.writeHead(503).end();
      return true;
    };
    env.remoteHost = hub.url;
    expect(await run(ID)).toEqual(expected);
  });

  it("with local_files_only asks nobody", async () => {
    await expectError(() => run(ID, { local_files_only: true }), "FILE_NOT_FOUND", ID, "local_files_only", cache);
    await run(ID);
    hub.log.length = 0;
    expect(await run(ID, { local_files_only: true })).toEqual(expected);
    env.allowRemoteModels = false;
    expect(await run(ID)).toEqual(expected);
    await rm(snapshot(WEIGHTS));
    await expectError(() => run(ID), "FILE_NOT_FOUND", WEIGHTS, "only the hub's cache");
    expect(hub.log).toEqual([]);
  });

  it("in another cache_dir", async () => {
    const other = join(cache, "other");
    expect(await run(ID, { cache_dir: other })).toEqual(expected);
    expect(await readdir(other)).toEqual(["models--maker--tiny"]);
  });

  it("that is private: the token goes to the hub and to nobody else", async () => {
    hub.repositories.get(ID)!.isPrivate = true;
    await expectError(() => run(ID), "ACCESS_DENIED", ID, "token");
    await expectError(() => run(ID, { token: "secret" }), "OPTION_INVALID", "hf_");
    expect(await run(ID, { token: TOKEN })).toEqual(expected);
    expect(hub.log.filter((line) => line.startsWith("store")).length).toBeGreaterThan(0);
    expect(hub.log.filter((line) => line.startsWith("store") && line.endsWith("token"))).toEqual([]);
  });

  it("takes the token of the environment", async () => {
    hub.repositories.get(ID)!.isPrivate = true;
    process.env.HF_TOKEN = TOKEN;
    try {
      expect(await run(ID)).toEqual(expected);
    } finally {
      delete process.env.HF_TOKEN;
    }
  });

  it("tells of its progress while it is fetched, and says nothing twice", async () => {
    const events: ProgressEvent[] = [];
    await run(ID, { progress_callback: (event) => events.push(event) });
    const own = events.filter((event) => "file" in event && event.file === WEIGHTS);
    const count = (status: string) => own.filter((event) => event.status === status).length;
    expect([count("initiate"), count("download"), count("done")]).toEqual([1, 1, 1]);
    expect(own[0]).toEqual({ status: "initiate", name: ID, file: WEIGHTS });
    const total = files[WEIGHTS]!.length;
    expect(own.at(-2)).toEqual({ status: "progress", name: ID, file: WEIGHTS, progress: 100, loaded: total, total });
    expect(own.at(-1)).toEqual({ status: "done", name: ID, file: WEIGHTS });
    const loaded = own.flatMap((event) => (event.status === "progress" ? [event.loaded] : []));
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
  });

  it("is fetched by several at once without harm", async () => {
    const all = await Promise.all([run(ID), run(ID), run(ID)]);
    expect(all).toEqual([expected, expected, expected]);
    expect(await blobs()).toEqual(rightBlobs());
  });

  it("gives a pipeline what a folder gives it, tokenizer and model at once", async () => {
    const shipped = new URL("../../models/fill-mask/", import.meta.url);
    const names = (await readdir(shipped)).filter((name) => name !== "README.md");
    const read = async (name: string) => [name, new Uint8Array(await readFile(new URL(name, shipped)))] as const;
    hub.repositories.set("maker/fill", {
      commit: COMMIT,
      files: Object.fromEntries(await Promise.all(names.map(read))),
    });
    const events: ProgressEvent[] = [];
    const text = "The capital of France is <mask>.";
    const fill = await pipeline("fill-mask", "maker/fill", { progress_callback: (event) => events.push(event) });
    const here = await pipeline("fill-mask", shipped);
    expect(await fill(text)).toEqual(await here(text));
    await Promise.all([fill.dispose(), here.dispose()]);
    expect(events.at(-1)).toEqual({ status: "ready", task: "fill-mask", model: "maker/fill" });
    const total = events.filter((event) => event.status === "progress_total").at(-1)!;
    expect(total).toMatchObject({ name: "maker/fill", progress: 100 });
    expect(Object.keys((total as { files: object }).files)).toEqual(
      expect.arrayContaining(["tokenizer.json", WEIGHTS]),
    );
  });

  it("is never asked for when a folder has that name", async () => {
    const here = process.cwd();
    try {
      process.chdir(cache);
      await mkdir(ID, { recursive: true });
      for (const [name, bytes] of Object.entries(files)) await writeFile(join(ID, name), bytes);
      expect(await run(ID)).toEqual(expected);
      expect(hub.log).toEqual([]);
      env.allowLocalModels = false;
      expect(await run(ID)).toEqual(expected);
      expect(hub.log.length).toBeGreaterThan(0);
    } finally {
      process.chdir(here);
    }
  });
});

describe("a transfer", () => {
  it("that is cut again and again goes on each time, in one load", async () => {
    hub.onFile = (name, bytes, request, response) => {
      if (name !== WEIGHTS || request.headers.range === "bytes=0-0") return false;
      sendCut(request, response, bytes, 20_000);
      return true;
    };
    expect(await run(ID)).toEqual(expected);
    expect(await blobs()).toEqual(rightBlobs());
    const starts = resumedAt();
    expect(starts.length).toBeGreaterThan(1);
    expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
  });

  it("that fails for good leaves no model, and the next load goes on where it ended", async () => {
    let isDown = false;
    hub.onFile = (name, bytes, request, response) => {
      if (name !== WEIGHTS || (request.headers.range === "bytes=0-0" && !isDown)) return false;
      if (isDown) response.writeHead(503).end();
      else sendCut(request, response, bytes, 20_000);
      isDown = true;
      return true;
    };
    await expectError(() => run(ID), "NETWORK_FAILED", WEIGHTS);
    expect(existsSync(snapshot(WEIGHTS))).toBe(false);
    expect(await blobs()).toEqual([etagOf(files["config.json"]!), `${etagOf(files[WEIGHTS]!)}.cut.incomplete`].sort());
    await expectError(() => run(ID, { local_files_only: true }), "FILE_NOT_FOUND", WEIGHTS);

    hub.onFile = () => false;
    hub.log.length = 0;
    expect(await run(ID)).toEqual(expected);
    expect(await blobs()).toEqual(rightBlobs());
    const starts = resumedAt();
    expect(starts).toEqual([expect.any(Number)]);
    expect(starts[0]).toBeGreaterThan(0);
  });

  it("that another process abandoned is taken over, one that goes on is not", async () => {
    await mkdir(join(folder(), "blobs"), { recursive: true });
    const blob = join(folder(), "blobs", etagOf(files[WEIGHTS]!));
    const half = files[WEIGHTS]!.subarray(0, 30_000);
    const old = `${blob}.incomplete`;
    const active = `${blob}.12345678.incomplete`;
    await writeFile(old, half);
    await writeFile(active, half);
    await utimes(old, new Date(0), new Date(0));
    expect(await run(ID)).toEqual(expected);
    expect(resumedAt()).toEqual([30_000]);
    expect(await blobs()).toEqual([...rightBlobs(), `${etagOf(files[WEIGHTS]!)}.12345678.incomplete`].sort());
  });

  it("that goes on from wrong bytes begins anew", async () => {
    await mkdir(join(folder(), "blobs"), { recursive: true });
    const left = `${join(folder(), "blobs", etagOf(files[WEIGHTS]!))}.cut.incomplete`;
    for (const wrong of [
      new Uint8Array(30_000),
      new Uint8Array(files[WEIGHTS]!.length + 5),
      new Uint8Array(files[WEIGHTS]!.length),
    ]) {
      await writeFile(left, wrong);
      expect(await run(ID)).toEqual(expected);
      expect(await blobs()).toEqual(rightBlobs());
      await rm(join(folder(), "blobs", etagOf(files[WEIGHTS]!)));
      await rm(snapshot(WEIGHTS));
    }
  });

  it.each(["config.json", WEIGHTS])("of wrong bytes never becomes %s", async (target) => {
    let wrongTimes = 1;
    hub.onFile = (name, bytes, request, response) => {
      if (name !== target || request.headers.range === "bytes=0-0" || wrongTimes-- <= 0) return false;
      const wrong = bytes.slice();
      wrong[wrong.length - 3]! ^= 1;
      sendFile(request, response, wrong);
      return true;
    };
    expect(await run(ID)).toEqual(expected);
    await rm(folder(), { recursive: true });
    wrongTimes = Number.POSITIVE_INFINITY;
    await expectError(() => run(ID), "FILE_INVALID", target, etagOf(files[target]!));
    expect(existsSync(snapshot(target))).toBe(false);
    expect((await blobs()).filter((name) => name.startsWith(etagOf(files[target]!)))).toEqual([]);
  });

  it("of more bytes than were announced is refused", async () => {
    hub.onFile = (name, bytes, request, response) => {
      if (name !== WEIGHTS || request.headers.range === "bytes=0-0") return false;
      sendFile(request, response, new Uint8Array([...bytes, 1, 2, 3]));
      return true;
    };
    await expectError(() => run(ID), "FILE_INVALID", WEIGHTS, String(files[WEIGHTS]!.length));
    expect(existsSync(snapshot(WEIGHTS))).toBe(false);
  });

  it("over a server that ignores ranges still goes on", async () => {
    let cuts = 2;
    hub.onFile = (name, bytes, request, response) => {
      if (name !== WEIGHTS || request.headers.range === "bytes=0-0") return false;
      const sent = cuts-- > 0 ? 25_000 : bytes.length;
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, sent), () => setTimeout(() => response.destroy(), 5));
      return true;
    };
    expect(await run(ID)).toEqual(expected);
    expect(await blobs()).toEqual(rightBlobs());
  });

  it("that falls silent goes on over another connection; a slow one is waited for", async () => {
    env.fetchStallSeconds = 0.15;
    let stalls = 2;
    hub.onFile = (name, bytes, request, response) => {
      if (name !== WEIGHTS || request.headers.range === "bytes=0-0") return false;
      const start = Number(/bytes=(\d+)/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(start ? 206 : 200, {
        "content-length": bytes.length - start,
        ...(start && { "content-range": range }),
      });
      if (stalls-- > 0) response.write(bytes.subarray(start, start + 20_000));
      else {
        let at = start;
        const drip = setInterval(() => {
          response.write(bytes.subarray(at, at + 8192));
          at += 8192;
          if (at < bytes.length) return;
          clearInterval(drip);
          response.end();
        }, 20);
      }
      return true;
    };
    expect(await run(ID)).toEqual(expected);
    expect(await blobs()).toEqual(rightBlobs());
  });

  it("that is aborted ends at once, leaves no model, and can go on", async () => {
    const controller = new AbortController();
    hub.onFile = (name, bytes, request, response) => {
      if (name !== WEIGHTS || request.headers.range === "bytes=0-0") return false;
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 30_000));
      setTimeout(() => controller.abort(), 50);
      return true;
    };
    await expectError(() => run(ID, { signal: controller.signal }), "ABORTED", ID);
    expect(existsSync(snapshot(WEIGHTS))).toBe(false);
    hub.onFile = () => false;
    hub.log.length = 0;
    expect(await run(ID)).toEqual(expected);
    expect(resumedAt()).toEqual([30_000]);
    await expectError(() => run(ID, { signal: AbortSignal.abort() }), "ABORTED", ID);
  });

  it.each([429, 500, 502, 503, 504])("is tried again after status %i", async (status) => {
    let left = 3;
    const busy = (_: unknown, response: { writeHead(n: number): { end(): void } }) => {
      if (left-- <= 0) return false;
      response.writeHead(status).end();
      return true;
    };
    hub.onApi = busy;
    expect(await run(ID)).toEqual(expected);
    await rm(cache, { recursive: true });
    left = 3;
    hub.onApi = () => false;
    hub.onFile = (name, _, request, response) => name === WEIGHTS && busy(request, response);
    expect(await run(ID)).toEqual(expected);
  });

  it.each(["/revision/", "/tree/"])(
    "is asked for again when the answer to %s is cut or falls silent",
    async (question) => {
      env.fetchStallSeconds = 0.1;
      const bad = (count: number, cut: boolean) => {
        let left = count;
        hub.onApi = (request, response) => {
          if (!request.url?.includes(question) || left-- <= 0) return false;
          response.writeHead(200, { "content-type": "application/json", "content-length": 1000 });
          response.write('[{"type": "file",', () => cut && setTimeout(() => response.destroy(), 5));
          return true;
        };
      };
      for (const cut of [true, false]) {
        bad(2, cut);
        expect(await run(ID)).toEqual(expected);
        await rm(folder(), { recursive: true });
      }
      bad(Number.POSITIVE_INFINITY, false);
      await expectError(() => run(ID), "NETWORK_FAILED", ID, "nothing for 0.1 s");
    },
  );

  it.each([
    [401, "ACCESS_DENIED"],
    [403, "ACCESS_DENIED"],
    [404, "FILE_NOT_FOUND"],
    [418, "NETWORK_FAILED"],
    [429, "NETWORK_FAILED"],
    [500, "NETWORK_FAILED"],
  ] as const)("of status %i for good is an error", async (status, code) => {
    hub.onApi = (_, response) => {
      response.writeHead(status, { "content-type": "text/html" }).end("<h1>no</h1>");
      return true;
    };
    await expectError(() => run(ID), code, ID, "no model folder");
    hub.onApi = () => false;
    hub.onFile = (name, _, __, response) => {
      if (name !== WEIGHTS) return false;
      response.writeHead(status).end();
      return true;
    };
    await expectError(() => run(ID), code === "FILE_NOT_FOUND" ? "FILE_NOT_FOUND" : code, WEIGHTS);
  });
});

describe("what is not there", () => {
  it("a model, a revision, a host", async () => {
    await expectError(() => run("maker/absent"), "ACCESS_DENIED", "maker/absent", "no model folder");
    await expectError(() => run(ID, { revision: "absent" }), "FILE_NOT_FOUND", "absent");
    env.remoteHost = "http://127.0.0.1:9";
    await expectError(() => run("maker/other"), "NETWORK_FAILED", "maker/other");
  });

  it("weights: ONNX files alone are no model", async () => {
    const { "config.json": config } = files;
    const only = (extra: Repository["files"]) =>
      hub.repositories.set(ID, { commit: COMMIT, files: { "config.json": config!, ...extra } });
    only({ "onnx/model.onnx": new Uint8Array(20) });
    await expectError(() => run(ID), "FILE_NOT_FOUND", "only ONNX files", WEIGHTS);
    await rm(folder(), { recursive: true });
    only({ "tf_model.h5": new Uint8Array(20) });
    await expectError(() => run(ID), "FILE_NOT_FOUND", "TensorFlow");
    await rm(folder(), { recursive: true });
    only({});
    await expectError(() => run(ID), "FILE_NOT_FOUND", "pytorch_model.bin");
    await rm(folder(), { recursive: true });
    hub.repositories.set(ID, { commit: COMMIT, files: {} });
    await expectError(() => run(ID), "FILE_NOT_FOUND", "config.json");
  });

  it("a shard", async () => {
    const index = new TextEncoder().encode(JSON.stringify({ weight_map: { a: "model-1.safetensors" } }));
    hub.repositories.set(ID, {
      commit: COMMIT,
      files: { "config.json": files["config.json"]!, "model.safetensors.index.json": index },
    });
    await expectError(() => run(ID), "FILE_NOT_FOUND", "model-1.safetensors");
  });
});

describe("hostile servers and caches", () => {
  it.each([
    ["a commit that climbs", "../../../x"],
    ["a commit that is none", "main"],
    ["no commit", undefined],
  ])("%s", async (_, sha) => {
    hub.onApi = (request, response) => {
      if (!request.url?.includes("/revision/")) return false;
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ _id: "1", id: ID, sha }));
      return true;
    };
    await expectError(() => run(ID), "FILE_INVALID", "commit");
    expect(existsSync(folder())).toBe(false);
  });

  it.each([
    ["a hash that climbs", { oid: "../../../../etc/passwd" }],
    ["no hash", { oid: undefined }],
    ["a negative size", { size: -1 }],
    ["a size beyond numbers", { size: 1e300 }],
    ["a large file's hash that climbs", { lfs: { oid: "../x", size: 5, pointerSize: 1 } }],
  ])("%s", async (_, change) => {
    hub.describe = (entry) => ({ ...entry, ...(change as object) });
    await expectError(() => run(ID), "FILE_INVALID", "answers with");
  });

  it("a tree without end", async () => {
    hub.onApi = (request, response) => {
      if (!request.url?.includes("/tree/")) return false;
      const oid = "0".repeat(40);
      const page = Array.from({ length: 1000 }, (_, i) => ({
        type: "file",
        path: `${hub.log.length}-${i}`,
        size: 1,
        oid,
      }));
      response.writeHead(200, { "content-type": "application/json", link: `<${hub.url}${request.url}>; rel="next"` });
      response.end(JSON.stringify(page));
      return true;
    };
    await expectError(() => run(ID), "FILE_INVALID", "more than 10000 files");
  });

  it("a file name that climbs is never opened, wherever it comes from", async () => {
    const index = new TextEncoder().encode(JSON.stringify({ weight_map: { a: "../../../../secret.safetensors" } }));
    hub.repositories.set(ID, {
      commit: COMMIT,
      files: {
        "config.json": files["config.json"]!,
        "model.safetensors.index.json": index,
        "../../../../secret.safetensors": files[WEIGHTS]!,
      },
    });
    await writeFile(join(cache, "secret.safetensors"), files[WEIGHTS]!);
    await expectError(() => run(ID), "FILE_INVALID", "secret.safetensors", "does not stay");
    expect(await readdir(cache)).toEqual(["models--maker--tiny", "secret.safetensors"]);
  });

  it("a link out of the cache is not followed", async () => {
    await run(ID);
    const outside = await mkdtemp(join(tmpdir(), "robertalbert-outside-"));
    try {
      await writeFile(join(outside, "secret.json"), files["config.json"]!);
      await rm(snapshot("config.json"));
      await symlink(join(outside, "secret.json"), snapshot("config.json"));
      await expectError(() => AutoConfig.from_pretrained(ID), "FILE_UNREADABLE", "leads out of the cache", outside);
      await rm(join(folder(), "blobs", etagOf(files["config.json"]!)));
      await symlink(join(outside, "secret.json"), join(folder(), "blobs", etagOf(files["config.json"]!)));
      await rm(snapshot("config.json"));
      await symlink(`../../blobs/${etagOf(files["config.json"]!)}`, snapshot("config.json"));
      await expectError(() => AutoConfig.from_pretrained(ID), "FILE_UNREADABLE", "leads out of the cache");
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it("a dangling link, a blob of the wrong size and a damaged ref are fetched anew", async () => {
    await run(ID);
    await rm(join(folder(), "blobs", etagOf(files[WEIGHTS]!)));
    expect(await run(ID)).toEqual(expected);
    await rm(snapshot(WEIGHTS));
    await writeFile(join(folder(), "blobs", etagOf(files[WEIGHTS]!)), "short");
    expect(await run(ID)).toEqual(expected);
    await writeFile(join(folder(), "refs/main"), "../../../../etc");
    await expectError(() => run(ID, { local_files_only: true }), "FILE_NOT_FOUND", "main");
    expect(await run(ID)).toEqual(expected);
    expect((await lstat(snapshot(WEIGHTS))).isSymbolicLink()).toBe(true);
  });

  it.each(["../main", "/main", "a/../../b", "a\\b", "", "a b", 5])("revision %j is refused", async (revision) => {
    await expectError(() => run(ID, { revision: revision as string }), "OPTION_INVALID", "revision");
    expect(hub.log).toEqual([]);
  });

  it("a cache that cannot be written is an error that says so", async () => {
    const file = join(cache, "file");
    await writeFile(file, "");
    await expectError(() => run(ID, { cache_dir: file }), "FILE_UNWRITABLE", file, "cache_dir");
  });
});

describe("names", () => {
  it("of models are told from paths as huggingface_hub does", () => {
    for (const id of ["gpt2", "a/b", "Foo-BAR_foo.bar123", "albert/albert-base-v2", "1/2"])
      expect([id, isHubId(id)]).toEqual([id, true]);
    for (const id of [
      "",
      "a/b/c",
      "./a",
      "../a",
      "a/",
      "/a",
      ".a",
      "-a/b",
      "a--b",
      "a..b",
      "a.git",
      "a-",
      "a b",
      "a\\b",
      "a".repeat(97),
      "C:/x",
    ])
      expect([id, isHubId(id)]).toEqual([id, false]);
  });

  it("of the cache's folder are found as Python finds them", () => {
    const names = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"];
    const saved = Object.fromEntries(names.map((name) => [name, process.env[name]]));
    env.cacheDir = null;
    try {
      for (const name of names) delete process.env[name];
      process.env.HOME = "/home/me";
      expect(cacheFolder(undefined)).toBe("/home/me/.cache/huggingface/hub");
      process.env.XDG_CACHE_HOME = "/xdg";
      expect(cacheFolder(null)).toBe("/xdg/huggingface/hub");
      process.env.HF_HOME = "/hf";
      expect(cacheFolder(null)).toBe("/hf/hub");
      process.env.HF_HUB_CACHE = "/cache";
      expect(cacheFolder(null)).toBe("/cache");
      env.cacheDir = "/env";
      expect(cacheFolder(null)).toBe("/env");
      expect(cacheFolder("/own")).toBe("/own");
    } finally {
      for (const name of names) {
        if (saved[name] === undefined) delete process.env[name];
        else process.env[name] = saved[name];
      }
    }
  });
});
