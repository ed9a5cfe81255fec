// safetensors files, indexes and folders that lie: each must end in one of our errors that names the culprit.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { RobertalbertError } from "../../src/errors.ts";
import { openSource } from "../../src/hub/open.ts";
import { AutoModel, AutoModelForSequenceClassification } from "../../src/model/auto.ts";
import { Checkpoint } from "../../src/weights/checkpoint.ts";
import { concat } from "../support/bytes.ts";
import { readTensors } from "../support/golden.ts";
import { describeShared } from "../support/shared.ts";
import { floats, little } from "../support/torch-files.ts";

const four = floats(1, 2, 3, 4);

/** A file with any header text, right or wrong. */
const withHeader = (header: string, data: Uint8Array = four, claimedBytes?: number | bigint) => {
  const bytes = new TextEncoder().encode(header);
  return concat(little(claimedBytes ?? bytes.length, 8), bytes, data);
};
const tensor = (dtype: unknown, shape: unknown, offsets: unknown) => ({ dtype, shape, data_offsets: offsets });
const file = (tensors: Record<string, unknown>, data?: Uint8Array) => withHeader(JSON.stringify(tensors), data);
const good = file({ a: tensor("F32", [4], [0, 16]) });

async function expectError(files: Record<string, Uint8Array>, code: string, message: RegExp): Promise<void> {
  const attempt = (async () => {
    const checkpoint = await Checkpoint.open(await openSource(files as Record<string, Uint8Array<ArrayBuffer>>));
    for (const entry of checkpoint.entries.values()) await checkpoint.readRows(entry, 0, entry.shape[0] ?? 1);
  })();
  const error = await attempt.then(
    () => Promise.reject(new Error("the files were read")),
    (error: unknown) => error as RobertalbertError,
  );
  expect(error, String(error)).toBeInstanceOf(RobertalbertError);
  expect(`${error.code}: ${error.message}`).toMatch(message);
  expect(error.code).toBe(code);
}

describe("safetensors headers that lie", () => {
  it("the file that these are made of is right", async () => {
    const checkpoint = await Checkpoint.open(await openSource({ "model.safetensors": good }));
    expect([...(await checkpoint.readRows(checkpoint.entries.get("a")!, 1, 2))]).toEqual([2, 3]);
  });

  const lies: [string, Uint8Array, RegExp][] = [
    ["nothing", new Uint8Array(0), /has 0 bytes/],
    ["seven bytes", good.subarray(0, 7), /has 7 bytes/],
    ["a header longer than the file", withHeader("{}", four, 19), /claims 19 bytes/],
    ["a header of 2^63 bytes", withHeader("{}", four, 2n ** 63n), /claims 9223372036854775808 bytes/],
    ["a header of 2^64 - 1 bytes", withHeader("{}", four, 2n ** 64n - 1n), /claims 18446744073709551615 bytes/],
    ["a header of 5 MB", withHeader(" ".repeat(5e6)), /at most 4194304/],
    ["a header cut short", withHeader('{"a":{"dtype"', four), /no JSON/],
    ["a header that is no UTF-8", concat(little(2, 8), [0xff, 0xfe], four), /no JSON/],
    ["a header nested two million deep", withHeader("[".repeat(2e6)), /no JSON/],
    ["a list for a header", withHeader("[]"), /no JSON object/],
    ["null for a header", withHeader("null"), /no JSON object/],
    ["null for a tensor", file({ a: null }), /dtype undefined/],
    ["an unknown dtype", file({ a: tensor("F31", [4], [0, 16]) }), /dtype "F31"/],
    ["a dtype out of Object.prototype", file({ a: tensor("constructor", [4], [0, 16]) }), /dtype "constructor"/],
    ["a dtype that is no string", file({ a: tensor(4, [4], [0, 16]) }), /dtype 4/],
    ["a dtype of another width", file({ a: tensor("F16", [4], [0, 16]) }), /has 16 bytes.*needs 8/],
    ["no shape", file({ a: tensor("F32", undefined, [0, 16]) }), /shape undefined/],
    ["a negative size", file({ a: tensor("F32", [-4], [0, 16]) }), /shape/],
    ["a fraction of a size", file({ a: tensor("F32", [4.5], [0, 16]) }), /shape/],
    ["a size as text", file({ a: tensor("F32", ["4"], [0, 16]) }), /shape/],
    ["a huge size", file({ a: tensor("F32", [2 ** 52], [0, 16]) }), /needs/],
    [
      "sizes whose product overflows to the right one",
      file({ a: tensor("F32", [2 ** 33, 2 ** 33], [0, 16]) }),
      /needs/,
    ],
    ["a thousand dimensions", file({ a: tensor("F32", Array(1000).fill(1), [0, 4]) }), /shape/],
    ["no offsets", file({ a: tensor("F32", [4], undefined) }), /data_offsets/],
    ["one offset", file({ a: tensor("F32", [4], [0]) }), /data_offsets/],
    ["offsets backwards", file({ a: tensor("F32", [4], [16, 0]) }), /has -16 bytes/],
    ["a negative offset", file({ a: tensor("F32", [4], [-16, 0]) }), /data_offsets/],
    ["an end beyond the file", file({ a: tensor("F32", [8], [0, 32]) }), /ends at byte 32 of 16/],
    ["a file cut short", good.subarray(0, -1), /ends at byte 16 of 15/],
    ["bytes behind the last tensor", concat(good, [0]), /tensors end at byte/],
    ["a hole", file({ a: tensor("F32", [3], [4, 16]) }), /overlap or leave a hole/],
    ["no tensors but bytes", file({}), /tensors end at byte/],
    [
      "tensors on top of each other",
      file({ a: tensor("F32", [4], [0, 16]), b: tensor("F32", [2], [8, 16]) }),
      /tensor "b".*overlap/,
    ],
    ["the same range twice", file({ a: tensor("F32", [4], [0, 16]), b: tensor("F32", [4], [0, 16]) }), /overlap/],
  ];
  for (const [name, bytes, message] of lies)
    it(name, () => expectError({ "model.safetensors": bytes }, "FILE_INVALID", message));

  const values: [string, Uint8Array, RegExp][] = [
    [
      "values that are not finite",
      file({ a: tensor("F32", [4], [0, 16]) }, floats(1, Number.NaN, 3, 4)),
      /NaN at index 1/,
    ],
    [
      "infinite halves",
      file({ a: tensor("F16", [2], [0, 4]) }, new Uint8Array([0, 0, 0, 0xfc])),
      /-Infinity at index 1/,
    ],
    ["whole numbers", file({ a: tensor("I64", [2], [0, 16]) }), /is I64/],
  ];
  for (const [name, bytes, message] of values)
    it(name, () => expectError({ "model.safetensors": bytes }, "TENSOR_INVALID", message));
});

describe("indexes that lie", () => {
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const index = (map: unknown) => ({
    "model.safetensors.index.json": json({ weight_map: map }),
    "s1.safetensors": good,
  });

  const lies: [string, Record<string, Uint8Array>, string, RegExp][] = [
    ["no JSON", { "model.safetensors.index.json": four }, "FILE_INVALID", /no JSON/],
    ["null", { "model.safetensors.index.json": json(null) }, "FILE_INVALID", /weight_map/],
    ["no map", { "model.safetensors.index.json": json({}) }, "FILE_INVALID", /weight_map/],
    ["an empty map", index({}), "FILE_INVALID", /weight_map/],
    ["a map of numbers", index({ a: 1 }), "FILE_INVALID", /weight_map/],
    ["an absent shard", index({ a: "s1.safetensors", b: "s2.safetensors" }), "FILE_NOT_FOUND", /"s2\.safetensors"/],
    [
      "a shard cut short",
      { ...index({ a: "s1.safetensors" }), "s1.safetensors": good.subarray(0, 30) },
      "FILE_INVALID",
      /s1\.safetensors/,
    ],
    [
      "a tensor in two shards",
      { ...index({ a: "s1.safetensors", b: "s2.safetensors" }), "s2.safetensors": good },
      "FILE_INVALID",
      /"a" is in s1\.safetensors and in s2\.safetensors/,
    ],
    ["no weights at all", { "config.json": json({}) }, "FILE_NOT_FOUND", /model\.safetensors, .*pytorch_model\.bin/],
  ];
  for (const [name, files, code, message] of lies) it(name, () => expectError(files, code, message));

  const root = mkdtempSync(join(tmpdir(), "robertalbert-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, "outside.safetensors"), good);

  it.each([
    ["../outside.safetensors"],
    ["..\\outside.safetensors"],
    ["sub/../../outside.safetensors"],
    [join(root, "outside.safetensors")],
    ["outside.safetensors\0.safetensors"],
    [".."],
    [""],
  ])("a shard named %j is not opened", async (name) => {
    const folder = mkdtempSync(join(root, "model-"));
    writeFileSync(join(folder, "model.safetensors.index.json"), json({ weight_map: { a: name } }));
    await expect(openSource(folder).then((source) => Checkpoint.open(source))).rejects.toMatchObject({
      code: "FILE_INVALID",
      message: expect.stringContaining("does not stay in the folder"),
    });
  });
});

describeShared("config.json and weights that disagree", (shared) => {
  const folder = `${shared}golden/models/format-f32/`;
  const files = async (change: Record<string, unknown>) => {
    const { readFileSync } = await import("node:fs");
    const config = { ...JSON.parse(readFileSync(`${folder}config.json`, "utf8")), ...change };
    return {
      "config.json": new TextEncoder().encode(JSON.stringify(config)),
      "model.safetensors": new Uint8Array(readFileSync(`${folder}model.safetensors`)),
    };
  };

  it("the folder that these are made of is right", async () => {
    expect(readTensors(`${folder}model.safetensors`).size).toBeGreaterThan(0);
    await (await AutoModel.from_pretrained(await files({}))).dispose();
  });

  it.each([
    [
      "another width",
      { hidden_size: 40, num_attention_heads: 4 },
      "TENSOR_INVALID",
      /has shape.*config\.json makes it/,
    ],
    ["another vocabulary", { vocab_size: 102 }, "TENSOR_INVALID", /word_embeddings/],
    [
      "more groups than the file has",
      { num_hidden_layers: 4, num_hidden_groups: 4 },
      "TENSOR_MISSING",
      /albert_layer_groups\.[1-3]/,
    ],
    ["more inner layers than the file has", { inner_group_num: 3 }, "TENSOR_MISSING", /albert_layers\.[12]/],
    ["a vocabulary of 2^26", { vocab_size: 2 ** 26 }, "TENSOR_INVALID", /word_embeddings/],
    ["a vocabulary beyond that", { vocab_size: 1e12 }, "CONFIG_INVALID", /vocab_size/],
    ["67 million layers", { num_hidden_layers: 2 ** 26 }, "CONFIG_INVALID", /layers/],
    ["67 million groups", { num_hidden_layers: 2 ** 26, num_hidden_groups: 2 ** 26 }, "CONFIG_INVALID", /layers/],
    ["no number of heads", { num_attention_heads: 0 }, "CONFIG_INVALID", /num_attention_heads/],
  ])("%s", async (_, change, code, message) => {
    await expect(AutoModel.from_pretrained(await files(change))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ["a label missing", { id2label: { 0: "a", 2: "c" } }],
    ["a label that is no text", { id2label: { 0: "a", 1: 2 } }],
    ["labels that are no object", { id2label: "a" }],
    ["67 million labels", { num_labels: 2 ** 26 }],
  ])("%s", async (_, change) => {
    await expect(AutoModelForSequenceClassification.from_pretrained(await files(change))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });
});
