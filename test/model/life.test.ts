// A model over time: calls at once, abort, dispose, a living event loop, and memory that neither grows nor leaks.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlbertModel } from "../../src/model/albert.ts";
import { AutoModel, AutoModelForMaskedLM } from "../../src/model/auto.ts";
import type { AlbertForMaskedLM } from "../../src/model/masked-lm.ts";
import type { Tensor } from "../../src/tensor.ts";
import { describeBuilds } from "../support/builds.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { expectError } from "../support/expect-error.ts";
import { collectGarbage, heldBytes } from "../support/memory.ts";
import { randomFrom } from "../support/random.ts";

/** A forward pass of 256 tokens is 11 Gflop here: many turns of the event loop. */
const MIDDLE = {
  vocab_size: 500,
  embedding_size: 64,
  hidden_size: 384,
  num_attention_heads: 6,
  num_hidden_layers: 12,
  num_hidden_groups: 1,
  intermediate_size: 1536,
  max_position_embeddings: 512,
};
const ids = (length: number, seed = 1): number[] => {
  const random = randomFrom(seed);
  return Array.from({ length }, () => Math.floor(random() * 500));
};
const long = { input_ids: [ids(256)] };
const short = { input_ids: [ids(5)] };

describe("calls over time", () => {
  let files: Record<string, Uint8Array>;
  let model: AlbertModel;
  beforeAll(async () => {
    files = (await tinyModel("AlbertModel", MIDDLE)).files;
    model = await AutoModel.from_pretrained(files);
  });
  afterAll(() => model.dispose());

  it("calls made at once give what they give one after another, in order", async () => {
    const inputs = [short, { input_ids: [ids(60, 2), ids(60, 3)] }, { input_ids: [ids(17, 4)] }, short];
    const alone = [];
    for (const input of inputs) alone.push(await model(input));
    const order: number[] = [];
    const together = await Promise.all(
      inputs.map(async (input, i) => {
        const output = await model(input);
        order.push(i);
        return output;
      }),
    );
    expect(together).toEqual(alone);
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it("a bad call among good ones fails alone", async () => {
    const calls = await Promise.allSettled([model(short), model({ input_ids: [[9999]] }), model(short)]);
    expect(calls.map((call) => call.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("the event loop turns during one long call", async () => {
    expect(await turnsDuring(() => model(long))).toBeGreaterThanOrEqual(3);
  });

  it("the event loop turns during the computing of all logits", async () => {
    const sizes = {
      ...MIDDLE,
      vocab_size: 120_000,
      num_hidden_layers: 1,
      hidden_size: 64,
      intermediate_size: 64,
      num_attention_heads: 1,
    };
    const wide = await AutoModelForMaskedLM.from_pretrained((await tinyModel("AlbertForMaskedLM", sizes)).files);
    // 512 · 120,000 · 64 · 2 = 7.9 Gflop in the decoder, nearly nothing in the layers.
    expect(await turnsDuring(() => wide({ input_ids: [ids(512)] }))).toBeGreaterThanOrEqual(1);
    await wide.dispose();
  });

  it("the event loop turns during many short calls", async () => {
    // Each is far below what gives a turn by itself.
    expect(await turnsDuring(() => Promise.all(Array.from({ length: 60 }, () => model(short))))).toBeGreaterThanOrEqual(
      1,
    );
  });

  it("a signal ends a running call at once, and the model goes on", async () => {
    const expected = await model(short);
    const controller = new AbortController();
    const start = performance.now();
    await model(long);
    const whole = performance.now() - start;
    const aborted = model({ input_ids: Array.from({ length: 10 }, () => ids(256)) }, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 1);
    const from = performance.now();
    await expectError(() => aborted, "ABORTED", "signal");
    expect(performance.now() - from).toBeLessThan(5 * whole); // ten times as much work was asked for
    await aborted.catch((error: Error) => expect((error.cause as Error).message).toBe("enough"));
    expect(await model(short)).toEqual(expected);
  });

  it("a signal ends a call that waits its turn, and one that fired before refuses the call", async () => {
    const controller = new AbortController();
    const order: string[] = [];
    const first = model(long).then(() => order.push("first"));
    const second = model(long, { signal: controller.signal }).catch(() => order.push("second"));
    const third = model(short).then(() => order.push("third"));
    controller.abort();
    await Promise.all([first, second, third]);
    expect(order).toEqual(["second", "first", "third"]);
    await expectError(() => model(short, { signal: controller.signal }), "ABORTED");
    await expectError(() => model({ ...short, signal: AbortSignal.abort() } as never), "ABORTED");
  });

  it("a signal that outlives its calls gathers no listeners", async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener: add, removeEventListener: remove } = signal;
    signal.addEventListener = (...args: unknown[]) => {
      listeners++;
      add.apply(signal, args as never);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      listeners--;
      remove.apply(signal, args as never);
    };
    for (let i = 0; i < 5; i++) await model(short, { signal });
    expect(listeners).toBe(0);
  });

  it("loading ends with its signal too", async () => {
    await expectError(() => AutoModel.from_pretrained(files, { signal: AbortSignal.abort() }), "ABORTED");
  });

  it("dispose during a call rejects it, those behind it and later ones, and may be repeated", async () => {
    const other = await AutoModel.from_pretrained(files);
    const running = other(long);
    const waiting = other(short);
    const outcomes = Promise.allSettled([running, waiting]);
    await new Promise((resolve) => setTimeout(resolve, 1));
    await other.dispose();
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "DISPOSED" } });
    await expectError(() => other(short), "DISPOSED", "from_pretrained");
    expect(other.memory_bytes).toBe(0);
    await other.dispose();
    await other[Symbol.asyncDispose]();
    expect(await model(short)).toEqual(await model(short));
  });

  it("tensors own their data: no views of wasm memory, unchanged by later calls and by dispose", async () => {
    const other = await AutoModel.from_pretrained(files);
    const output = await other(short, { output_hidden_states: true, output_attentions: true });
    const tensors = [...Object.values(output)].flat() as Tensor[];
    expect(tensors.length).toBe(2 + 13 + 12);
    const copies = tensors.map((tensor) => tensor.data.slice());
    for (const { data } of tensors) expect(data.buffer.byteLength).toBe(data.byteLength);
    await other({ input_ids: [ids(40, 9)] });
    await other.dispose();
    expect(tensors.map((tensor) => tensor.data)).toEqual(copies);
  });
});

/** How often a timer gets its turn while `work` is under way. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await new Promise((resolve) => setTimeout(resolve, 5));
  turns = 0;
  await work();
  clearInterval(timer);
  return turns;
}

describe("memory", () => {
  it("does not grow over 1,000 calls of mixed lengths and kinds", async () => {
    const model = await AutoModelForMaskedLM.from_pretrained(
      (await tinyModel("AlbertForMaskedLM", { max_position_embeddings: 512 })).files,
    );
    const random = randomFrom(3);
    const call = (length: number, B: number, kind: number) => {
      const input_ids = Array.from({ length: B }, () => Array.from({ length }, () => Math.floor(random() * 61)));
      if (kind === 0)
        return model.top_tokens({ input_ids }, { output_rows: input_ids.map(() => [0, length - 1]), top_k: 3 });
      return model({ input_ids }, { output_hidden_states: kind === 1 });
    };
    // Mostly short ones, as in life, but any length from 1 to 512.
    const mixed = async (count: number) => {
      for (let i = 0; i < count; i++)
        await call(1 + Math.floor(512 * random() ** 4), 1 + Math.floor(random() * 3), Math.floor(random() * 3));
    };
    for (const kind of [0, 1, 2]) await call(512, 1, kind);
    await mixed(100);
    const [wasm, held] = [model.memory_bytes, await heldBytes()];
    await mixed(1000);
    expect(model.memory_bytes).toBe(wasm);
    expect((await heldBytes()) - held).toBeLessThan(2e6);
    await model.dispose();
  });

  it("does not grow either over calls that fail, and calls that are aborted", async () => {
    const model = await AutoModel.from_pretrained((await tinyModel("AlbertModel")).files);
    const bad = () => model({ input_ids: [[5, 99]] }).catch(() => undefined);
    const aborted = () => {
      const controller = new AbortController();
      const call = model({ input_ids: [[5, 6]] }, { signal: controller.signal }).catch(() => undefined);
      controller.abort();
      return call;
    };
    await Promise.all([bad(), aborted()]);
    const [wasm, held] = [model.memory_bytes, await heldBytes()];
    for (let i = 0; i < 500; i++) await Promise.all([bad(), aborted()]);
    expect(model.memory_bytes).toBe(wasm);
    expect((await heldBytes()) - held).toBeLessThan(2e6);
    await model.dispose();
  });

  it("does not hold the files that it was loaded from", async () => {
    const load = async () => {
      const { files } = await tinyModel("AlbertModel");
      return { model: await AutoModel.from_pretrained(files), bytes: new WeakRef(files["model.safetensors"]!) };
    };
    const { model, bytes } = await load();
    await collectGarbage();
    expect(bytes.deref()).toBeUndefined();
    expect(model.loading_info).toEqual({ missing_keys: [], unexpected_keys: [] });
    await model.dispose();
  });

  it("is given back by dispose, also while the disposed model is still referred to", async () => {
    const { files } = await tinyModel("AlbertModel", { ...MIDDLE, vocab_size: 20_000 });
    const models = [];
    const memories: WeakRef<WebAssembly.Memory>[] = [];
    for (let i = 0; i < 8; i++) {
      const model = await AutoModel.from_pretrained(files);
      await model(short);
      const { encoder } = (model as unknown as { loaded: { encoder: { kernels: { memory: WebAssembly.Memory } } } })
        .loaded;
      memories.push(new WeakRef(encoder.kernels.memory));
      expect(model.memory_bytes).toBeGreaterThan(10e6);
      await model.dispose();
      models.push(model);
    }
    await collectGarbage();
    expect(memories.filter((memory) => memory.deref() !== undefined).length).toBeLessThanOrEqual(1); // the last may still lie on the stack
    expect(models.every((model) => model.memory_bytes === 0)).toBe(true);
  });
});

describeBuilds("full-size memory", (build) => {
  const MiB = 2 ** 20;
  const FULL = {
    vocab_size: 50265,
    embedding_size: 128,
    hidden_size: 768,
    num_attention_heads: 12,
    num_hidden_layers: 1, // one layer's weights are all there are
    num_hidden_groups: 1,
    intermediate_size: 3072,
    max_position_embeddings: 514,
    type_vocab_size: 1,
  };
  const words = (length: number) => Array.from({ length }, (_, t) => 5 + t);

  it("AutoModel: weights + 40 MiB at 512 tokens, and for a batch of 32 × 128", async () => {
    const { files, values } = await tinyModel("AlbertModel", FULL);
    const model = await AutoModel.from_pretrained(files, { build });
    expect(model.build).toBe(build);
    await model({ input_ids: [words(512)] });
    expect(model.memory_bytes).toBeLessThanOrEqual(bytesOf(values) + 40 * MiB);
    await model({ input_ids: Array.from({ length: 32 }, () => words(128)) });
    expect(model.memory_bytes).toBeLessThanOrEqual(bytesOf(values) + 40 * MiB);
    await model.dispose();
  });

  it("fill-mask with one mask, and all logits: weights + 40 MiB at 512 tokens", async () => {
    const { files, values } = await tinyModel("AlbertForMaskedLM", FULL);
    const model: AlbertForMaskedLM = await AutoModelForMaskedLM.from_pretrained(files, { build });
    expect(model.build).toBe(build);
    await model.top_tokens({ input_ids: [words(512)] }, { output_rows: [[7]], top_k: 5 });
    expect(model.memory_bytes).toBeLessThanOrEqual(bytesOf(values) + 40 * MiB);
    await model({ input_ids: [words(512)] });
    expect(model.memory_bytes).toBeLessThanOrEqual(bytesOf(values) + 40 * MiB);
    await model.dispose();
  });

  function bytesOf(values: ReadonlyMap<string, Float32Array>): number {
    return [...values.values()].reduce((sum, v) => sum + v.byteLength, 0);
  }
});
