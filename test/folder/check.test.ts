// check: a good folder passes, and each thing that can be wrong with one is found and named.
import { beforeAll, describe, expect, it } from "vitest";
import { checkFolder } from "../../src/folder/check.ts";
import type { Finding } from "../../src/folder/finding.ts";
import { newFolder } from "../../src/folder/init.ts";
import { tensorOf, writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { converted } from "../support/converted.ts";
import { readTensorsOf } from "../support/golden.ts";
import { BYTES_TOKENIZER, inMemory } from "../support/new-folder.ts";
import { describeShared } from "../support/shared.ts";

type Files = Record<string, Uint8Array>;
type Json = Record<string, unknown>;

const utf8 = (text: string) => new TextEncoder().encode(text);
const parsed = (bytes: Uint8Array | undefined) => JSON.parse(new TextDecoder().decode(bytes)) as Json;

describe("checkFolder", () => {
  let good: Files;
  beforeAll(async () => {
    const size = "hidden=32,layers=2,heads=2,intermediate=48,embedding=16";
    good = await inMemory((await newFolder({ size, tokenizer: BYTES_TOKENIZER, weights: true })).files);
  });

  const withJson = (name: string, changes: Json): Files => ({
    ...good,
    [name]: utf8(JSON.stringify({ ...parsed(good[name]), ...changes })),
  });

  const without = (...names: string[]): Files =>
    Object.fromEntries(Object.entries(good).filter(([name]) => !names.includes(name)));

  /** The folder with its tensors changed. */
  async function withTensors(change: (tensors: Map<string, { shape: readonly number[]; data: Float32Array }>) => void) {
    const tensors = readTensorsOf(good["model.safetensors"]!);
    change(tensors);
    const sources = [...tensors].map(([name, { shape, data }]) => tensorOf(name, "F32", shape, data));
    return {
      ...good,
      ...(await inMemory([{ name: "model.safetensors", chunks: () => writeSafetensors(sources, { format: "pt" }) }])),
    };
  }

  const bad = ({ findings }: { findings: Finding[] }) => findings.filter(({ status }) => status !== "ok");

  it("has nothing to say against what init makes", async () => {
    const report = await checkFolder(good);
    expect(bad(report)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.findings.map(({ about }) => about)).toEqual(["config", "tokenizer", "weights", "positions"]);
  });

  it("takes an unfinished folder for what it is", async () => {
    const report = await checkFolder(without("model.safetensors", "tokenizer.json", "vocab.json", "merges.txt"));
    expect(report.ok).toBe(true);
    expect(bad(report).map(({ about, status }) => `${about} ${status}`)).toEqual([
      "tokenizer warning",
      "weights warning",
    ]);
  });

  it.each<[string, Finding["about"], Json, RegExp]>([
    ["a key off the recipe", "config", { layer_norm_eps: 1e-5 }, /layer_norm_eps is 0.00001, the recipe has 1e-12/],
    ["ALBERT's activation", "config", { hidden_act: "gelu_new" }, /hidden_act/],
    ["ALBERT's positions", "config", { max_position_embeddings: 512 }, /max_position_embeddings is 512/],
    ["heads that do not divide", "config", { num_attention_heads: 5 }, /no multiple of num_attention_heads/],
    ["groups that do not divide", "config", { num_hidden_layers: 3, num_hidden_groups: 2 }, /num_hidden_groups 2/],
    ["another model", "config", { model_type: "bert" }, /model_type/],
    ["fewer rows than tokens", "tokenizer", { vocab_size: 200 }, /261 tokens, config.json's vocab_size is 200/],
    ["another padding", "tokenizer", { pad_token_id: 0 }, /pad_token_id is 0 in config.json/],
    ["no bos", "tokenizer", { bos_token_id: null }, /bos_token_id is null/],
    ["other shapes", "weights", { intermediate_size: 64 }, /shape/],
    ["a class of another model", "config", { architectures: ["BertForMaskedLM"] }, /"BertForMaskedLM", no class/],
    ["another class", "weights", { architectures: ["AlbertForTokenClassification"] }, /needs classifier/],
  ])("finds %s", async (_, about, changes, message) => {
    const report = await checkFolder(withJson("config.json", changes));
    expect(report.ok).toBe(false);
    const failed = bad(report).filter((f) => f.status === "failed" && f.about === about);
    expect(failed.map((f) => f.message).join("\n")).toMatch(message);
    expect(failed.filter((f) => !f.advice)).toEqual([]);
  });

  it("warns of what the trainer may choose", async () => {
    const report = await checkFolder(withJson("config.json", { hidden_dropout_prob: 0 }));
    expect(report.ok).toBe(true);
    expect(bad(report)).toMatchObject([{ about: "config", status: "warning" }]);
    const unnamed = await checkFolder(withJson("config.json", { architectures: undefined }));
    expect(bad(unnamed)).toMatchObject([{ about: "config", status: "warning", message: /architectures/ }]);
  });

  it("finds a tokenizer that AutoTokenizer would not take for RoBERTa's", async () => {
    const report = await checkFolder(withJson("tokenizer_config.json", { tokenizer_class: "AlbertTokenizer" }));
    expect(bad(report)).toMatchObject([{ about: "tokenizer", status: "failed", message: /AlbertTokenizer/ }]);
    const unnamed = await checkFolder(without("tokenizer_config.json"));
    expect(bad(unnamed)).toMatchObject([{ about: "tokenizer", message: /no tokenizer_config\.json/ }]);
  });

  it("finds tokenizer files that contradict each other", async () => {
    const vocab = parsed(good["vocab.json"]);
    const report = await checkFolder(withJson("vocab.json", { a: vocab.b, b: vocab.a }));
    expect(bad(report)).toMatchObject([
      { about: "tokenizer", message: /token \d+ is "a" in tokenizer.json, "b" in vocab/ },
    ]);
  });

  it("warns where the tokenizer lets more tokens pass than there are positions", async () => {
    const files = { ...withJson("tokenizer_config.json", { model_max_length: 514 }) };
    expect(bad(await checkFolder(files))).toEqual([]);
    const report = await checkFolder(withJson("tokenizer_config.json", { model_max_length: 515 }));
    expect(bad(report)).toMatchObject([{ about: "positions", status: "warning", message: /515 tokens pass.*514/ }]);
    for (const model_max_length of [1e30, undefined]) {
      const none = await checkFolder(withJson("tokenizer_config.json", { model_max_length }));
      expect(bad(none)).toMatchObject([{ about: "positions", status: "warning", message: /no limit/ }]);
    }
    const rows512 = parsed(withJson("config.json", { max_position_embeddings: 512 })["config.json"]);
    const both = {
      ...withJson("tokenizer_config.json", { model_max_length: 514 }),
      "config.json": utf8(JSON.stringify(rows512)),
    };
    expect((await checkFolder(both)).findings.find(({ about }) => about === "positions")).toMatchObject({
      status: "warning",
      message: /514 tokens pass, the model has 512/,
    });
  });

  it("finds missing, unexpected and damaged tensors, all of them", async () => {
    const dense = "predictions.dense.weight";
    const norm = "predictions.LayerNorm.weight";
    const missing = await checkFolder(await withTensors((t) => t.delete(dense)));
    expect(bad(missing)).toMatchObject([
      { about: "weights", status: "failed", message: expect.stringContaining(dense) },
    ]);
    const extra = await checkFolder(
      await withTensors((t) => t.set("pooler.weight", { shape: [1], data: Float32Array.of(1) })),
    );
    expect(bad(extra)).toMatchObject([{ about: "weights", message: expect.stringContaining("pooler.weight") }]);
    const damaged = await checkFolder(
      await withTensors((t) => {
        t.get(dense)!.data[5] = Number.NaN;
        t.get(norm)!.data[0] = Number.POSITIVE_INFINITY;
      }),
    );
    expect(bad(damaged).map(({ message }) => message)).toEqual([
      expect.stringMatching(/predictions\.dense\.weight" is NaN at index 5/),
      expect.stringMatching(/predictions\.LayerNorm\.weight" is Infinity at index 0/),
    ]);
  });

  it("says what is no JSON or cut short", async () => {
    const cut = (name: string) => ({ ...good, [name]: good[name]!.subarray(0, 100) });
    for (const [name, about] of [
      ["config.json", "config"],
      ["tokenizer.json", "tokenizer"],
      ["model.safetensors", "weights"],
    ] as const) {
      const report = await checkFolder(cut(name));
      expect(bad(report), name).toMatchObject([{ about, status: "failed", message: expect.stringContaining(name) }]);
    }
    expect(bad(await checkFolder({}))).toMatchObject([{ about: "config", status: "failed" }]);
  });

  it("gives no advice beside what the message says to do", async () => {
    const quantized = (await converted(good, "q8"))["model.q8.safetensors"]!;
    const [finding] = bad(await checkFolder({ ...good, "model.safetensors": quantized }));
    expect(finding).toMatchObject({ about: "weights", message: expect.stringContaining("rename it to") });
    expect(finding).not.toHaveProperty("advice");
  });

  it("throws for a folder that is not there", async () => {
    await expect(checkFolder("/nowhere/at/all")).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
  });
});

describeShared("check on the demonstration models", (shared) => {
  it.each(["fill-mask", "spam"])("passes %s", async (name) => {
    const report = await checkFolder(`${shared}models/${name}`);
    expect(report.findings.filter(({ status }) => status === "failed")).toEqual([]);
  });
});
