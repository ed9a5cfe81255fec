// Models out of memory: every form in which runtimes hand out bytes gives the same model, and streams are let go as they are read.
import { beforeAll, describe, expect, it } from "vitest";
import type { FileValue } from "../../src/hub/files.ts";
import { memorySource } from "../../src/hub/memory.ts";
import { AutoModel, AutoModelForMaskedLM } from "../../src/model/auto.ts";
import type { Tensor } from "../../src/tensor.ts";
import { type TinyModel, tinyModel } from "../support/checkpoint.ts";
import { expectError } from "../support/expect-error.ts";
import { collectGarbage } from "../support/memory.ts";

let tiny: TinyModel;
let expected: number[];

beforeAll(async () => {
  tiny = await tinyModel("AlbertModel");
  expected = await run(tiny.files);
});

async function run(files: Record<string, FileValue> | Map<string, FileValue>): Promise<number[]> {
  const model = await AutoModel.from_pretrained(files);
  const { last_hidden_state } = await model({ input_ids: [[2, 5, 7, 3]] });
  await model.dispose();
  return [...((last_hidden_state as Tensor).data as Float32Array)];
}

type Bytes = Uint8Array<ArrayBuffer>;
const blob = (bytes: Bytes) => new Blob([bytes]);
const response = (bytes: Bytes) => new Response(bytes, { headers: { "content-length": String(bytes.length) } });
/** In pieces of odd sizes. */
const stream = (bytes: Bytes) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 777) controller.enqueue(bytes.slice(at, at + 777));
      controller.close();
    },
  });

const forms: [string, (bytes: Bytes) => FileValue][] = [
  ["Uint8Array", (bytes) => bytes],
  ["a view at an odd address", (bytes) => new Uint8Array([0, ...bytes]).subarray(1)],
  ["ArrayBuffer", (bytes) => bytes.slice().buffer],
  ["Buffer", (bytes) => Buffer.from(bytes)],
  ["DataView", (bytes) => new DataView(bytes.buffer) as unknown as FileValue],
  ["Blob", blob],
  ["File", (bytes) => new File([bytes], "x")],
  ["Response with a length", response],
  ["Response without a length", (bytes) => new Response(stream(bytes) as BodyInit)],
  ["a clone of a Response", (bytes) => response(bytes).clone()],
  ["ReadableStream", stream],
  ["function", (bytes) => () => bytes],
  ["function of a Response", (bytes) => () => response(bytes)],
  ["async function of a stream", (bytes) => async () => stream(bytes)],
];

describe.each(forms)("%s", (_, wrap) => {
  const wrapped = () => Object.entries(tiny.files).map(([name, bytes]) => [name, wrap(bytes)] as const);

  it("in an object", async () => expect(await run(Object.fromEntries(wrapped()))).toEqual(expected));
  it("in a Map", async () => expect(await run(new Map(wrapped()))).toEqual(expected));
});

describe("a Response or stream", () => {
  const once = () => {
    const files: Record<string, FileValue> = {};
    for (const [name, bytes] of Object.entries(tiny.files)) files[name] = response(bytes);
    return files;
  };

  it("may be asked for config.json again and again, but for its weights once", async () => {
    const files = once();
    expect(await run(files)).toEqual(expected);
    await expectError(() => AutoModel.from_pretrained(files), "INPUT_INVALID", "model.safetensors", "function");
  });

  it("out of a function serves as many models as are wanted", async () => {
    const files: Record<string, FileValue> = {};
    for (const [name, bytes] of Object.entries(tiny.files)) files[name] = () => response(bytes);
    expect([await run(files), await run(files)]).toEqual([expected, expected]);
  });

  it("that somebody else has read is an error", async () => {
    const read = response(tiny.files["config.json"]!);
    await read.text();
    const files = { ...tiny.files, "config.json": read };
    await expectError(() => AutoModel.from_pretrained(files), "INPUT_INVALID", "config.json", "read already");
  });

  it.each([
    [404, "FILE_NOT_FOUND", "config.json"],
    [403, "ACCESS_DENIED", "403"],
    [500, "NETWORK_FAILED", "500"],
  ] as const)("of status %i", async (status, code, name) => {
    const files = { ...tiny.files, "config.json": new Response("no", { status }) };
    await expectError(() => AutoModel.from_pretrained(files), code, name);
  });

  it("that is shorter or longer than it says is an error", async () => {
    const bytes = tiny.files["model.safetensors"]!;
    const lying = (length: number) => new Response(bytes, { headers: { "content-length": String(length) } });
    const load = (length: number) => AutoModel.from_pretrained({ ...tiny.files, "model.safetensors": lying(length) });
    await expectError(() => load(bytes.length + 1), "FILE_INVALID", "safetensors");
    await expectError(() => load(bytes.length - 1), "FILE_UNREADABLE", "model.safetensors is longer");
  });

  it("that breaks off is an error that says where", async () => {
    const bytes = tiny.files["model.safetensors"]!;
    const cut = new Response(bytes.slice(0, -100), { headers: { "content-length": String(bytes.length) } });
    const files = { ...tiny.files, "model.safetensors": cut };
    await expectError(() => AutoModel.from_pretrained(files), "FILE_UNREADABLE", "cut short");
  });

  it("is never whole in memory: what is read is let go", async () => {
    const { files } = await tinyModel("AlbertForMaskedLM", { vocab_size: 200_000 });
    const bytes = files["model.safetensors"]!;
    const alive = new Set<number>();
    const registry = new FinalizationRegistry<number>((at) => alive.delete(at));
    const pieceBytes = 65536;
    let at = 0;
    let mostAlive = 0;
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      if (at >= bytes.length) return controller.close();
      const piece = bytes.slice(at, at + pieceBytes);
      registry.register(piece, at);
      alive.add(at);
      at += pieceBytes;
      if (alive.size % 8 === 0) await collectGarbage();
      mostAlive = Math.max(mostAlive, alive.size);
      controller.enqueue(piece);
    };
    const headers = { "content-length": String(bytes.length) };
    const body = new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 }) as BodyInit;
    const model = await AutoModelForMaskedLM.from_pretrained({
      ...files,
      "model.safetensors": new Response(body, { headers }),
    });
    await model.dispose();
    expect(at).toBeGreaterThanOrEqual(bytes.length);
    // Blocks of rows of 1 MB are read at a time, the file has 6.
    expect(mostAlive * pieceBytes).toBeLessThan(bytes.length * 0.6);
  });
});

it("names the file whose value holds no bytes", async () => {
  await expectError(() => memorySource({ "a.bin": Promise.resolve() as never }), "INPUT_INVALID", '"a.bin"');
  for (const value of ["text", 5, true, {}, [1, 2]]) {
    await expectError(() => memorySource({ "a.bin": value as never }), "INPUT_INVALID", '"a.bin"');
    const later = memorySource({ "a.bin": () => value as never });
    await expectError(() => later.open("a.bin"), "INPUT_INVALID", '"a.bin"');
  }
});

it("takes a function that gives nothing as an absent file, and hands on what it throws", async () => {
  const source = memorySource({ a: () => undefined, b: async () => null, c: () => Promise.reject(new Error("quota")) });
  expect([await source.open("a"), await source.open("b"), await source.open("__proto__")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  await expect(source.open("c")).rejects.toThrow("quota");
});
