// One text, many, an async iterable: the same results, in order, as they come; signals, and inputs that are none.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { FeatureExtractionPipeline } from "../../src/pipelines/feature-extraction.ts";
import { pipeline } from "../../src/pipelines/pipeline.ts";
import type { TextClassificationPipeline } from "../../src/pipelines/text-classification.ts";
import { difference, pipelineFiles } from "../support/pipeline-cases.ts";

const texts = Array.from({ length: 300 }, (_, i) => `text number ${i}${" and more".repeat(i % 7)}`);

describe("inputs", () => {
  let classify: TextClassificationPipeline;
  let embed: FeatureExtractionPipeline;
  beforeAll(async () => {
    classify = await pipeline("text-classification", pipelineFiles("classification-3"));
    embed = await pipeline("feature-extraction", pipelineFiles("feature-extraction"));
  });
  afterAll(() => Promise.all([classify.dispose(), embed.dispose()]));

  async function* endless(seen: { count: number }): AsyncGenerator<string> {
    for (;;) yield `text number ${seen.count++}`;
  }

  it("many texts give what each gives by itself, whatever shares its batch", async () => {
    const all = await classify(texts);
    for (const i of [0, 1, 57, 150, 299]) expect(difference([all[i]], await classify(texts[i]!), 1e-6)).toBeUndefined();
    const streamed = [];
    for await (const result of classify(fromArray(texts), { top_k: 1 })) streamed.push(...result);
    expect(difference(streamed, all, 1e-6)).toBeUndefined();
    const vectors = await embed(texts, { pooling: "mean" });
    expect(vectors.dims).toEqual([300, 24]);
    const one = await embed(texts[57]!, { pooling: "mean" });
    const part = vectors.data.subarray(57 * 24, 58 * 24) as Float32Array;
    expect(difference([...part], [...(one.data as Float32Array)], 1e-6)).toBeUndefined();
  });

  it("no texts give no results", async () => {
    expect(await classify([])).toEqual([]);
    expect((await embed([], { pooling: "mean" })).dims).toEqual([0, 24]);
  });

  it("texts of unequal length side by side: rows are padded with 0", async () => {
    const { dims, data } = await embed(["a b c d e f", "a"]);
    const short = await embed("a");
    expect(dims).toEqual([2, dims[1], 24]);
    const second = (data as Float32Array).subarray(dims[1]! * 24);
    expect(Array.from(second.subarray(0, short.size))).toEqual(Array.from(short.data as Float32Array));
    expect(second.subarray(short.size).every((v) => v === 0)).toBe(true);
  });

  it("an endless source: results come while it goes on, what is read ahead is bounded, and it is closed in the end", async () => {
    const seen = { count: 0 };
    const source = endless(seen);
    let results = 0;
    for await (const _ of classify(source)) if (++results === 1000) break;
    expect(seen.count).toBeLessThan(1000 + 2048);
    expect((await source.next()).done).toBe(true);
  });

  it("a slow source gets each result before it gives the next text", async () => {
    const answered: string[] = [];
    async function* slow() {
      for (const text of ["one", "two", "three"]) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(answered.length).toBe(["one", "two", "three"].indexOf(text));
        yield text;
      }
    }
    for await (const [result] of classify(slow())) answered.push(result!.label);
    expect(answered.length).toBe(3);
  });

  it("a source's own error comes through; a bad text in the middle is named", async () => {
    async function* failing() {
      yield "one";
      throw new Error("the disk is gone");
    }
    await expect(consume(classify(failing()))).rejects.toThrow("the disk is gone");
    await expect(classify(["one", 2 as unknown as string])).rejects.toMatchObject({ code: "INPUT_INVALID" });
    for (const bad of [undefined, null, 5, {}, [null], ["a", undefined]]) {
      await expect(classify(bad as unknown as string), String(bad)).rejects.toMatchObject({ code: "INPUT_INVALID" });
      await expect(embed(bad as unknown as string), String(bad)).rejects.toMatchObject({ code: "INPUT_INVALID" });
    }
    expect(await classify("still usable")).toHaveLength(1);
  });

  it("an aborted call ends with ABORTED, before and during the work", async () => {
    await expect(classify("x", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
    const controller = new AbortController();
    let results = 0;
    const run = async () => {
      for await (const _ of embed(endless({ count: 0 }), { signal: controller.signal, pooling: "mean" }))
        if (++results === 10) controller.abort();
    };
    await expect(run()).rejects.toMatchObject({ code: "ABORTED" });
    expect(await classify("still usable")).toHaveLength(1);
  });

  it("an abort is heard while the source is silent", async () => {
    async function* silent() {
      yield "one";
      await new Promise(() => undefined);
    }
    const controller = new AbortController();
    const run = async () => {
      for await (const _ of classify(silent(), { signal: controller.signal })) setTimeout(() => controller.abort(), 5);
    };
    await expect(run()).rejects.toMatchObject({ code: "ABORTED" });
    expect(await classify("still usable")).toHaveLength(1);
  });

  it("options that cannot be are refused before anything is computed", async () => {
    const call = vi.spyOn(classify.model, "_call");
    const refused = { code: "OPTION_INVALID" };
    await expect(classify("x", { top_k: 0 })).rejects.toMatchObject(refused);
    await expect(classify("x", { function_to_apply: "tanh" as "none" })).rejects.toMatchObject(refused);
    await expect(classify("x", { on_too_long: "ignore" as "error" })).rejects.toMatchObject(refused);
    await expect(classify("x", { max_length: 129 })).rejects.toMatchObject(refused);
    await expect(classify("x", { max_length: 1.5 })).rejects.toMatchObject(refused);
    expect(call).not.toHaveBeenCalled();
    call.mockRestore();
    await expect(embed("x", { pooling: "max" as "mean" })).rejects.toMatchObject(refused);
    await expect(embed("x", { truncate_dim: 25 })).rejects.toMatchObject(refused);
  });
});

async function* fromArray<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

async function consume(results: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of results);
}
