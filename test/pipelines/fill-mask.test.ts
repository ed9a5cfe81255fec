// The fill-mask pipeline on the shipped model: Transformers' own answers (test/golden/fill_mask.py), call forms, errors, life.
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AutoModelForMaskedLM } from "../../src/model/auto.ts";
import type { AlbertForMaskedLM } from "../../src/model/masked-lm.ts";
import type { FillMaskOptions, FillMaskPipeline, FillMaskResult } from "../../src/pipelines/fill-mask.ts";
import { pipeline } from "../../src/pipelines/pipeline.ts";
import type { Tensor } from "../../src/tensor.ts";
import { describeBuilds } from "../support/builds.ts";
import { expectError } from "../support/expect-error.ts";

const folder = new URL("../../models/fill-mask/", import.meta.url);
const golden = JSON.parse(readFileSync(new URL("../golden/fill-mask.json", import.meta.url), "utf8")) as {
  calls: { text: string | string[]; top_k?: number; targets?: string | string[]; result: unknown }[];
};
const FRANCE = "The capital of France is <mask>.";

describeBuilds("fill-mask as Transformers answers", (build) => {
  let fill: FillMaskPipeline;
  beforeAll(async () => {
    fill = await pipeline("fill-mask", folder, { build });
    expect(fill.model.build).toBe(build);
  });
  afterAll(() => fill.dispose());

  for (const { text, result, ...options } of golden.calls) {
    it(JSON.stringify({ text, ...options }), async () => {
      const [actual, expected] = [await fill(text as string, options), result].map(flatten) as [
        FillMaskResult[],
        FillMaskResult[],
      ];
      expect(actual.map(({ score: _, ...rest }) => rest)).toEqual(expected.map(({ score: _, ...rest }) => rest));
      actual.forEach(({ score }, i) => {
        expect(Math.abs(score - expected[i]!.score)).toBeLessThan(1e-5);
      });
      expect(depthOf(await fill(text as string, options))).toEqual(depthOf(result));
    });
  }
});

/** All results, in order. */
function flatten(value: unknown): FillMaskResult[] {
  return Array.isArray(value) ? value.flatMap(flatten) : [value as FillMaskResult];
}

function depthOf(value: unknown): unknown {
  return Array.isArray(value) ? value.map(depthOf) : 0;
}

describe("fill-mask", () => {
  let fill: FillMaskPipeline;
  beforeAll(async () => {
    fill = await pipeline("fill-mask");
  });
  afterAll(() => fill.dispose());

  it("without a model takes the one that ships, and knows Paris", async () => {
    const answers = (await fill(FRANCE)) as FillMaskResult[];
    expect(answers).toHaveLength(5);
    expect(Object.keys(answers[0]!).sort()).toEqual(["score", "sequence", "token", "token_str"]);
    expect(answers[0]!.token_str).toBe(" Paris");
    expect(answers.map((a) => a.score)).toEqual(answers.map((a) => a.score).sort((a, b) => b - a));
  });

  it("gives what the model's logits say", async () => {
    const model = await AutoModelForMaskedLM.from_pretrained(folder);
    const inputs = fill.tokenizer(FRANCE);
    const logits = (await model({ ...inputs })).logits as Tensor;
    const row = (inputs.input_ids.tolist() as bigint[][])[0]!.map(Number).indexOf(fill.tokenizer.mask_token_id!);
    const V = logits.dims[2]!;
    const values = [...(logits.data as Float32Array).subarray(row * V, (row + 1) * V)];
    const greatest = Math.max(...values);
    const sum = values.reduce((total, v) => total + Math.exp(v - greatest), 0);
    const all = (await fill(FRANCE, { top_k: V + 5 })) as FillMaskResult[];
    expect(all).toHaveLength(V);
    expect(new Set(all.map((a) => a.token)).size).toBe(V);
    for (const { token, score } of all)
      expect(Math.abs(score - Math.exp(values[token]! - greatest) / sum)).toBeLessThan(1e-6);
    expect(all.reduce((total, a) => total + a.score, 0)).toBeCloseTo(1, 4);
    await model.dispose();
  });

  it("an array gives a list for each text, also an array of one; a batch gives what single calls give", async () => {
    const texts = [FRANCE, "Water is <mask>.", `${"A very long story. ".repeat(30)}The sky is <mask>.`, "<mask>"];
    const single: FillMaskResult[][] = [];
    for (const text of texts) single.push((await fill(text)) as FillMaskResult[]);
    const batch = (await fill(texts)) as FillMaskResult[][];
    expect(batch.map((list) => list.map((a) => a.token))).toEqual(single.map((list) => list.map((a) => a.token)));
    batch.flat().forEach((answer, i) => {
      expect(Math.abs(answer.score - single.flat()[i]!.score)).toBeLessThan(1e-5);
    });
    expect(await fill([FRANCE])).toEqual([await fill(FRANCE)]);
    expect(await fill([])).toEqual([]);
  });

  it("a text longer than the model is cut behind, and its mask still answered", async () => {
    const text = `The capital of France is <mask>. ${"It goes on and on. ".repeat(400)}`;
    const answers = (await fill(text, { top_k: 2 })) as FillMaskResult[];
    expect(answers).toHaveLength(2);
    await expectError(() => fill("It goes on. ".repeat(400) + FRANCE), "INPUT_INVALID", "<mask>", "first 5");
    expect(await fill(FRANCE)).toHaveLength(5);
  });

  it("targets keep the scores that they have among all", async () => {
    const all = (await fill(FRANCE, { top_k: 8192 })) as FillMaskResult[];
    const some = (await fill(FRANCE, { targets: [" London", " Paris", " Berlin"], top_k: 2 })) as FillMaskResult[];
    expect(some).toHaveLength(2);
    for (const answer of some) expect(all).toContainEqual(answer);
    expect(some[0]!.token_str).toBe(" Paris");
    expect(await fill(FRANCE, { targets: [" Rome", " Rome", "ĠRome"] })).toHaveLength(1);
  });

  const bad: [string, unknown, FillMaskOptions | Record<string, unknown>, string, string[]][] = [
    ["no mask", "Nothing is asked here.", {}, "INPUT_INVALID", ["<mask>", "Nothing is asked"]],
    ["an empty text", "", {}, "INPUT_INVALID", ['""', "<mask>"]],
    ["one text of several without mask", [FRANCE, "none"], {}, "INPUT_INVALID", ['"none"', "<mask>"]],
    ["undefined", undefined, {}, "INPUT_INVALID", ["undefined"]],
    ["a number", 5, {}, "INPUT_INVALID", ["5"]],
    ["a number among texts", [FRANCE, 5], {}, "INPUT_INVALID", ["5", "string"]],
    ["top_k 0", FRANCE, { top_k: 0 }, "OPTION_INVALID", ["top_k", "0"]],
    ["top_k as text", FRANCE, { top_k: "3" }, "OPTION_INVALID", ["top_k", '"3"']],
    ["no targets", FRANCE, { targets: [] }, "OPTION_INVALID", ["targets", "array of 0"]],
    ["a target that is no word", FRANCE, { targets: [7] }, "OPTION_INVALID", ["target is 7", "a string"]],
    ["a target without its blank", FRANCE, { targets: "Rome" }, "OPTION_INVALID", ['try " Rome"']],
    ["an empty target", FRANCE, { targets: "" }, "OPTION_INVALID", ['""', "0 tokens"]],
    [
      "a target of several tokens",
      FRANCE,
      { targets: " Constantinople was" },
      "OPTION_INVALID",
      ["Constantinople", "tokens", "expected one"],
    ],
  ];
  for (const [name, text, options, code, names] of bad) {
    it(`refuses ${name}, and stays usable`, async () => {
      await expectError(() => fill(text as string, options as FillMaskOptions), code as never, ...names);
      expect(((await fill(FRANCE, { top_k: 1 })) as FillMaskResult[])[0]!.token_str).toBe(" Paris");
    });
  }

  it("takes null for no options", async () => {
    const other = await pipeline("fill-mask", null, null);
    expect(await other(FRANCE, null as never)).toEqual(await fill(FRANCE));
    await other.dispose();
  });

  it("takes targets also where the tokenizer has no unk_token", async () => {
    const files = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder))]));
    for (const name of ["tokenizer_config.json", "special_tokens_map.json"]) {
      const { unk_token: _, ...rest } = JSON.parse(files[name]!.toString()) as Record<string, unknown>;
      files[name] = Buffer.from(JSON.stringify(rest));
    }
    const other = await pipeline("fill-mask", files);
    expect(other.tokenizer.unk_token_id).toBeUndefined();
    const targets = [" Rome", "ĠParis"];
    expect(await other(FRANCE, { targets })).toEqual(await fill(FRANCE, { targets }));
    await expectError(() => other(FRANCE, { targets: "Constantinople" }), "OPTION_INVALID", "Constantinople");
    await other.dispose();
  });

  it("ends with its signal, and after dispose", async () => {
    await expectError(() => fill(FRANCE, { signal: AbortSignal.abort() }), "ABORTED");
    const other = await pipeline("fill-mask", folder);
    const running = other([FRANCE, FRANCE]);
    const refused = expectError(() => running, "DISPOSED");
    await other.dispose();
    await refused;
    await expectError(() => other(FRANCE), "DISPOSED");
  });
});

describe("pipeline", () => {
  it("refuses a task that is none, naming those that are", async () => {
    await expectError(() => pipeline("text-generation" as never), "OPTION_INVALID", "text-generation", "fill-mask");
    await expectError(() => pipeline("toString" as never), "OPTION_INVALID", "toString");
    await expectError(() => pipeline(undefined as never), "OPTION_INVALID", "undefined");
  });

  it("refuses a folder that is not there, and a model of another kind", async () => {
    await expectError(() => pipeline("fill-mask", "./nowhere"), "FILE_NOT_FOUND", "nowhere");
  });

  it("takes files in memory, and the shipped model for null", async () => {
    const files = Object.fromEntries(
      readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(new URL(name, folder)))]),
    );
    const events: unknown[] = [];
    const fill = await pipeline("fill-mask", files, { progress_callback: (event) => events.push(event) });
    const shipped = await pipeline("fill-mask", null);
    expect(await fill(FRANCE)).toEqual(await shipped(FRANCE));
    expect(events.at(-1)).toEqual({ status: "ready", task: "fill-mask", model: "files in memory" });
    expect((fill.model as AlbertForMaskedLM).config.vocab_size).toBe(8192);
    await fill.dispose();
    await shipped.dispose();
  });

  it("tells its progress in transformers.js's events: each file's from initiate to done, ready at the end", async () => {
    const events: { status: string; file?: string; loaded?: number; total?: number; progress?: number }[] = [];
    const fill = await pipeline("fill-mask", folder, { progress_callback: (event) => events.push(event) });
    await fill.dispose();
    expect(events.at(-1)).toMatchObject({ status: "ready", task: "fill-mask" });
    expect(events.filter((e) => e.status === "ready")).toHaveLength(1);
    const weights = events.filter((e) => e.file === "model.safetensors");
    expect(weights[0]!.status).toBe("initiate");
    expect(weights[1]!.status).toBe("download");
    expect(weights.at(-1)!.status).toBe("done");
    const steps = weights.filter((e) => e.status === "progress");
    expect(steps.length).toBeGreaterThan(5);
    expect(steps.map((e) => e.loaded)).toEqual(steps.map((e) => e.loaded).sort((a, b) => a! - b!));
    expect(steps.at(-1)).toMatchObject({ progress: 100, loaded: steps[0]!.total });
    for (const file of new Set(events.flatMap((e) => e.file ?? []))) {
      const own = events.filter((e) => e.file === file).map((e) => e.status);
      expect(own.filter((s) => s === "initiate").length, file).toBe(own.filter((s) => s === "done").length);
    }
  });
});
