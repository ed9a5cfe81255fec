// What a caller can do wrong with a model: each a typed error that names it, before memory is taken, and the model stays usable.
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import type { AlbertForPreTraining } from "../../src/model/albert.ts";
import { AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining } from "../../src/model/auto.ts";
import type { AlbertForMaskedLM } from "../../src/model/masked-lm.ts";
import { outputFloats } from "../../src/model/output-layout.ts";
import { Tensor } from "../../src/tensor.ts";
import { TINY_CONFIG, type TinyModel, tinyModel } from "../support/checkpoint.ts";
import { expectError } from "../support/expect-error.ts";

const self: unknown[] = [];
self.push(self);
const ok = { input_ids: [[5, 6, 7]] };
const long = [Array.from({ length: 41 }, () => 5)];

describe("calls", () => {
  let model: AlbertForPreTraining;
  let expected: unknown;
  let memoryBytes: number;
  beforeAll(async () => {
    model = await AutoModelForPreTraining.from_pretrained((await tinyModel()).files);
    expected = (await model(ok)).prediction_logits;
    memoryBytes = model.memory_bytes;
  });
  afterEach(async () => {
    expect(model.memory_bytes).toBe(memoryBytes);
    expect((await model(ok)).prediction_logits).toEqual(expected);
  });

  const cases: [string, unknown, unknown, ErrorCode, string[]][] = [
    ["no inputs", undefined, undefined, "INPUT_INVALID", ["input_ids"]],
    ["null", null, undefined, "INPUT_INVALID", ["null", "input_ids"]],
    ["nothing in them", {}, undefined, "INPUT_INVALID", ["input_ids", "inputs_embeds"]],
    ["ids and embeddings", { ...ok, inputs_embeds: [[[1]]] }, undefined, "INPUT_INVALID", ["not both"]],
    ["a string for ids", { input_ids: "5 6" }, undefined, "INPUT_INVALID", ["input_ids", '"5 6"', "nested arrays"]],
    [
      "an id as large as the vocabulary",
      { input_ids: [[5, 61]] },
      undefined,
      "INPUT_INVALID",
      ["input_ids", "text 0, token 1", "61", "vocab_size"],
    ],
    ["a negative id", { input_ids: [[5], [-1]] }, undefined, "INPUT_INVALID", ["input_ids", "text 1, token 0", "-1"]],
    ["a fraction", { input_ids: [[5.5]] }, undefined, "INPUT_INVALID", ["5.5", "whole number"]],
    ["NaN", { input_ids: [[Number.NaN]] }, undefined, "INPUT_INVALID", ["NaN"]],
    ["a huge bigint", { input_ids: [[2n ** 64n]] }, undefined, "INPUT_INVALID", ["18446744073709551616n"]],
    ["a word among ids", { input_ids: [["5"]] }, undefined, "INPUT_INVALID", ['"5"']],
    ["ragged texts", { input_ids: [[5, 6], [7]] }, undefined, "INPUT_INVALID", ["input_ids", "ragged", "padding"]],
    ["texts and a number", { input_ids: [[5], 6] }, undefined, "INPUT_INVALID", ["input_ids", "ragged"]],
    ["a number and texts", { input_ids: [5, [6]] }, undefined, "INPUT_INVALID", ["input_ids"]],
    ["three dimensions", { input_ids: [[[5]]] }, undefined, "INPUT_INVALID", ["[1,1,1]", "[texts, tokens]"]],
    ["an array that holds itself", { input_ids: self }, undefined, "INPUT_INVALID", ["input_ids"]],
    ["no text", { input_ids: [] }, undefined, "INPUT_INVALID", ["at least one"]],
    ["no token", { input_ids: [[], []] }, undefined, "INPUT_INVALID", ["[2,0]", "at least one"]],
    ["a DataView", { input_ids: new DataView(new ArrayBuffer(4)) }, undefined, "INPUT_INVALID", ["DataView"]],
    ["data without dims", { input_ids: { data: [5] } }, undefined, "INPUT_INVALID", ["data and dims"]],
    [
      "dims that do not fit the data",
      { input_ids: { data: [5, 6], dims: [1, 3] } },
      undefined,
      "INPUT_INVALID",
      ["[1,3]", "3 values", "2 values"],
    ],
    ["negative dims", { input_ids: { data: [5, 6], dims: [-1, -2] } }, undefined, "INPUT_INVALID", ["[-1,-2]"]],
    ["broken dims", { input_ids: { data: [5, 6], dims: [0.5, 4] } }, undefined, "INPUT_INVALID", ["0.5"]],
    [
      "a float Tensor with fractions",
      { input_ids: new Tensor("float32", [0.5], [1, 1]) },
      undefined,
      "INPUT_INVALID",
      ["0.5"],
    ],
    [
      "more tokens than positions",
      { input_ids: long },
      undefined,
      "INPUT_TOO_LONG",
      ["41", "40", "max_position_embeddings", "truncat"],
    ],
    [
      "more than roberta's positions",
      { input_ids: [long[0]!.slice(2)], position_ids: "roberta" },
      undefined,
      "INPUT_TOO_LONG",
      ["40", "38"],
    ],
    [
      "a position beyond the table",
      { ...ok, position_ids: [[0, 1, 40]] },
      undefined,
      "INPUT_INVALID",
      ["position_ids", "40"],
    ],
    [
      "an unknown word for positions",
      { ...ok, position_ids: "bert" },
      undefined,
      "INPUT_INVALID",
      ["position_ids", "bert", "roberta"],
    ],
    [
      "a mask of another length",
      { ...ok, attention_mask: [[1, 1]] },
      undefined,
      "INPUT_INVALID",
      ["attention_mask", "[1,2]", "[1, 3]"],
    ],
    [
      "a mask for other texts",
      {
        ...ok,
        attention_mask: [
          [1, 1, 1],
          [1, 1, 1],
        ],
      },
      undefined,
      "INPUT_INVALID",
      ["attention_mask", "[2,3]"],
    ],
    ["a mask with 2", { ...ok, attention_mask: [[1, 2, 1]] }, undefined, "INPUT_INVALID", ["attention_mask", "2"]],
    [
      "a type beyond the table",
      { ...ok, token_type_ids: [[0, 2, 0]] },
      undefined,
      "INPUT_INVALID",
      ["token_type_ids", "type_vocab_size"],
    ],
    [
      "embeddings of another width",
      { inputs_embeds: [[[1, 2]]] },
      undefined,
      "INPUT_INVALID",
      ["inputs_embeds", "[1,1,2]", "7"],
    ],
    [
      "embeddings with NaN",
      { inputs_embeds: [[[1, 2, 3, 4, 5, 6, Number.NaN]]] },
      undefined,
      "INPUT_INVALID",
      ["inputs_embeds", "NaN"],
    ],
    [
      "embeddings of integers",
      { inputs_embeds: new Tensor("int64", new BigInt64Array(7), [1, 1, 7]) },
      undefined,
      "INPUT_INVALID",
      ["inputs_embeds", "0n"],
    ],
    ["rows for fewer texts", ok, { output_rows: [] }, "INPUT_INVALID", ["output_rows", "1 texts"]],
    ["a row beyond the text", ok, { output_rows: [[3]] }, "INPUT_INVALID", ["output_rows", "3"]],
    ["rows that are no list", ok, { output_rows: 3 }, "INPUT_INVALID", ["output_rows", "3"]],
    ["a row that is no list", ok, { output_rows: [1] }, "INPUT_INVALID", ["output_rows", "text 0"]],
    ["no yes or no", ok, { output_hidden_states: "yes" }, "OPTION_INVALID", ["output_hidden_states", "yes"]],
    ["no yes or no inside", { ...ok, output_attentions: 1 }, undefined, "OPTION_INVALID", ["output_attentions", "1"]],
    ["a signal that is none", ok, { signal: 5 }, "OPTION_INVALID", ["signal", "5"]],
  ];
  for (const [name, inputs, options, code, names] of cases) {
    it(name, () => expectError(() => model(inputs as never, options as never), code, ...names));
  }

  it("as many outputs as JavaScript cannot hold", () =>
    // How much that is differs by engine and machine; this is beyond all of them.
    expectError(
      () => outputFloats("logits", [2 ** 40, 512, 50265]),
      "OUT_OF_MEMORY",
      "logits",
      "[1099511627776,512,50265]",
      "output_rows",
    ));
});

describe("top_tokens", () => {
  let model: AlbertForMaskedLM;
  beforeAll(async () => {
    model = await AutoModelForMaskedLM.from_pretrained((await tinyModel("AlbertForMaskedLM")).files);
  });
  const good = { output_rows: [[1]], top_k: 3 };
  const cases: [string, unknown, unknown, ErrorCode, string[]][] = [
    ["no k", ok, { ...good, top_k: 0 }, "OPTION_INVALID", ["top_k", "0"]],
    ["half a k", ok, { ...good, top_k: 1.5 }, "OPTION_INVALID", ["top_k", "1.5"]],
    ["a candidate beyond the vocabulary", ok, { ...good, candidates: [3, 61] }, "OPTION_INVALID", ["candidates", "61"]],
    ["rows that are no lists", ok, { ...good, output_rows: "x" }, "INPUT_INVALID", ["output_rows", "x"]],
    ["no rows", ok, { top_k: 3 }, "INPUT_INVALID", ["output_rows", "1 texts"]],
    [
      "a hidden row",
      { ...ok, attention_mask: [[1, 0, 1]] },
      good,
      "INPUT_INVALID",
      ["output_rows", "1", "attention_mask"],
    ],
    ["bad ids", { input_ids: [[99]] }, { ...good, output_rows: [[0]] }, "INPUT_INVALID", ["input_ids", "99"]],
  ];
  for (const [name, inputs, options, code, names] of cases) {
    it(name, async () => {
      await expectError(() => model.top_tokens(inputs as never, options as never), code, ...names);
      expect(await model.top_tokens(ok, good)).toHaveLength(1);
    });
  }

  it("a checkpoint without that head", async () => {
    const { files } = await tinyModel("AlbertModel");
    await expectError(
      () => AutoModelForMaskedLM.from_pretrained(files),
      "TENSOR_MISSING",
      "predictions.",
      "allow_missing",
    );
    const headless = await AutoModelForMaskedLM.from_pretrained(files, { allow_missing: true });
    await expectError(() => headless.top_tokens(ok, good), "TENSOR_MISSING", "predictions.");
    const output = await headless(ok, { output_hidden_states: true });
    expect(Object.keys(output)).toEqual(["hidden_states"]);
  });
});

describe("loading", () => {
  let tiny: TinyModel;
  beforeAll(async () => {
    tiny = await tinyModel("AlbertModel");
  });
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const load = (files: unknown, options: unknown = {}) => AutoModel.from_pretrained(files as never, options as never);

  it("where there is nothing", async () => {
    await expectError(() => load("./no/such/folder"), "FILE_NOT_FOUND", "no/such/folder");
    await expectError(() => load("./package.json"), "FILE_NOT_FOUND", "package.json");
    await expectError(() => load({}), "FILE_NOT_FOUND", "config.json");
    await expectError(() => load({ "config.json": tiny.files["config.json"] }), "FILE_NOT_FOUND", "model.safetensors");
    await expectError(() => load(undefined), "INPUT_INVALID", "undefined", "folder");
    await expectError(() => load(7), "INPUT_INVALID", "7", "folder");
    await expectError(() => load({ "config.json": "{}" }), "INPUT_INVALID", "config.json", "Uint8Array");
  });

  it("a config.json that is no JSON, no object, no ALBERT", async () => {
    const text = (s: string) => new TextEncoder().encode(s);
    await expectError(() => load({ ...tiny.files, "config.json": text("{") }), "FILE_INVALID", "config.json");
    await expectError(() => load({ ...tiny.files, "config.json": Uint8Array.of(0xff) }), "FILE_INVALID", "config.json");
    await expectError(
      () => load({ ...tiny.files, "config.json": json([1]) }),
      "CONFIG_INVALID",
      "config.json",
      "array of 1",
    );
    await expectError(
      () => load({ ...tiny.files, "config.json": json({ ...TINY_CONFIG, model_type: "bert" }) }),
      "CONFIG_UNSUPPORTED",
      "model_type",
      '"bert"',
      '"albert"',
    );
    await expectError(
      () => load({ ...tiny.files, "config.json": json({ ...TINY_CONFIG, hidden_act: "mish" }) }),
      "CONFIG_UNSUPPORTED",
      "hidden_act",
      '"mish"',
      "gelu_new",
    );
  });

  it("a weight of another shape than config.json makes it, or none", async () => {
    const files = { ...tiny.files, "config.json": json({ ...TINY_CONFIG, vocab_size: 62 }) };
    await expectError(
      () => load(files),
      "TENSOR_INVALID",
      "model.safetensors",
      "word_embeddings.weight",
      "[61,7]",
      "[62,7]",
    );
    const name = "encoder.albert_layer_groups.1.albert_layers.0.ffn.bias";
    const without = await tinyModel("AlbertModel", {}, (values) => values.delete(name));
    await expectError(() => load(without.files), "TENSOR_MISSING", name);
    await expectError(() => load(without.files, { allow_missing: true }), "TENSOR_MISSING", name);
  });

  it("weights that are not finite", async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const name = "encoder.albert_layer_groups.0.albert_layers.0.attention.key.weight";
      const { files } = await tinyModel("AlbertModel", {}, (values) => {
        values.get(name)![17] = value;
      });
      await expectError(() => load(files), "TENSOR_INVALID", "model.safetensors", name, String(value), "index 17");
    }
  });

  it("options that have no such value", async () => {
    await expectError(() => load(tiny.files, { dtype: "int3" }), "OPTION_INVALID", "dtype", "int3");
    await expectError(() => load(tiny.files, { device: "webgpu" }), "OPTION_INVALID", "device", "webgpu", "wasm");
    await expectError(() => load(tiny.files, { build: "avx" }), "OPTION_INVALID", "build", "avx", "simd");
    await expectError(() => load(tiny.files, { max_memory_bytes: -1 }), "OPTION_INVALID", "max_memory_bytes", "-1");
    for (const device of ["wasm", "cpu", "auto"]) await (await load(tiny.files, { device })).dispose();
    for (const dtype of ["fp32", "auto", undefined]) await (await load(tiny.files, { dtype })).dispose();
  });

  it("memory that cannot grow: while loading, and in a call, after which shorter ones still run", async () => {
    await expectError(
      () => load(tiny.files, { max_memory_bytes: 65536 }),
      "OUT_OF_MEMORY",
      "65536",
      "max_memory_bytes",
    );
    const wide = await tinyModel("AlbertModel", { hidden_size: 384, max_position_embeddings: 512 });
    const short = { input_ids: [[5, 6, 7]] };
    const free = await load(wide.files);
    const expected = await free(short);
    const model = await load(wide.files, { max_memory_bytes: free.memory_bytes });
    const input_ids = [Array.from({ length: 512 }, () => 5)];
    await expectError(() => model({ input_ids }), "OUT_OF_MEMORY", "max_memory_bytes", "bytes");
    expect(model.memory_bytes).toBeLessThanOrEqual(free.memory_bytes);
    expect(await model(short)).toEqual(expected);
    expect((await free({ input_ids })).last_hidden_state).toBeInstanceOf(Tensor);
  });

  it("a config.json that asks for more than there is, without taking it", async () => {
    const before = process.memoryUsage().rss;
    const most = { ...TINY_CONFIG, num_hidden_layers: 2 ** 26, num_hidden_groups: 2 ** 26, inner_group_num: 2 ** 26 };
    await expectError(() => load({ ...tiny.files, "config.json": json(most) }), "CONFIG_INVALID", "num_hidden_layers");
    const labels = { ...TINY_CONFIG, num_labels: 2 ** 40 };
    await expectError(() => load({ ...tiny.files, "config.json": json(labels) }), "CONFIG_INVALID", "num_labels");
    const wide = { ...TINY_CONFIG, hidden_size: 3 * 2 ** 24, intermediate_size: 2 ** 26, vocab_size: 2 ** 26 };
    await expectError(() => load({ ...tiny.files, "config.json": json(wide) }), "TENSOR_INVALID", "word_embeddings");
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });
});
