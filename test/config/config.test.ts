// config.json: Transformers' defaults, what is kept, and every value that cannot be.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { activationKind } from "../../src/config/activations.ts";
import { parseConfig } from "../../src/config/config.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { AutoConfig } from "../../src/model/auto.ts";
import { expectError } from "../support/expect-error.ts";
import { describeShared } from "../support/shared.ts";

const parse = (json: unknown) => parseConfig(json, "folder: config.json");

describe("config.json", () => {
  it("has AlbertConfig's defaults (Transformers 5.18: albert-xxlarge)", () => {
    expect(parse({ model_type: "albert" })).toEqual({
      model_type: "albert",
      vocab_size: 30000,
      embedding_size: 128,
      hidden_size: 4096,
      num_hidden_layers: 12,
      num_hidden_groups: 1,
      inner_group_num: 1,
      num_attention_heads: 64,
      intermediate_size: 16384,
      hidden_act: "gelu_new",
      max_position_embeddings: 512,
      type_vocab_size: 2,
      layer_norm_eps: 1e-12,
      pad_token_id: 0,
      tie_word_embeddings: true,
      architectures: [],
      num_labels: 2,
      id2label: { 0: "LABEL_0", 1: "LABEL_1" },
      label2id: { LABEL_0: 0, LABEL_1: 1 },
      problem_type: null,
    });
  });

  it("keeps keys that it does not know, and null where null is allowed", () => {
    const config = parse({
      model_type: "albert",
      classifier_dropout_prob: 0.1,
      my_key: { a: 1 },
      pad_token_id: null,
      num_labels: null,
    });
    expect(config).toMatchObject({ classifier_dropout_prob: 0.1, my_key: { a: 1 }, pad_token_id: null, num_labels: 2 });
  });

  it("labels: id2label decides over num_labels", () => {
    expect(parse({ model_type: "albert", num_labels: 3 }).id2label).toEqual({
      0: "LABEL_0",
      1: "LABEL_1",
      2: "LABEL_2",
    });
    const config = parse({ model_type: "albert", id2label: { 1: "b", 0: "a" }, num_labels: 7 });
    expect(config).toMatchObject({ num_labels: 2, id2label: { 0: "a", 1: "b" }, label2id: { a: 0, b: 1 } });
  });

  const wrong: [string, unknown, ErrorCode, string[]][] = [
    ["no object", 5, "CONFIG_INVALID", ["5", "JSON object"]],
    ["null", null, "CONFIG_INVALID", ["null"]],
    ["a list", [], "CONFIG_INVALID", ["array of 0"]],
    ["no model_type", {}, "CONFIG_UNSUPPORTED", ["model_type", "undefined", '"albert"']],
    ["another model_type", { model_type: "roberta" }, "CONFIG_UNSUPPORTED", ["model_type", '"roberta"', '"albert"']],
    [
      "an unknown activation",
      { hidden_act: "quick_gelu" },
      "CONFIG_UNSUPPORTED",
      ["hidden_act", '"quick_gelu"', "gelu_new", "silu"],
    ],
    ["an activation of the prototype", { hidden_act: "constructor" }, "CONFIG_UNSUPPORTED", ["hidden_act"]],
    ["an activation that is no name", { hidden_act: 3 }, "CONFIG_UNSUPPORTED", ["hidden_act", "3"]],
    ["no layers", { num_hidden_layers: 0 }, "CONFIG_INVALID", ["num_hidden_layers", "0", "from 1"]],
    ["half a layer", { num_hidden_layers: 1.5 }, "CONFIG_INVALID", ["num_hidden_layers", "1.5"]],
    ["a size as text", { hidden_size: "768" }, "CONFIG_INVALID", ["hidden_size", '"768"']],
    ["a negative size", { vocab_size: -1 }, "CONFIG_INVALID", ["vocab_size", "-1"]],
    ["a size beyond reason", { intermediate_size: 2 ** 40 }, "CONFIG_INVALID", ["intermediate_size", "1099511627776"]],
    [
      "heads that do not divide",
      { hidden_size: 100, num_attention_heads: 12 },
      "CONFIG_INVALID",
      ["hidden_size 100", "num_attention_heads 12"],
    ],
    [
      "more groups than layers",
      { num_hidden_layers: 2, num_hidden_groups: 3 },
      "CONFIG_INVALID",
      ["num_hidden_groups 3", "num_hidden_layers 2"],
    ],
    [
      "too many layers to list",
      { num_hidden_layers: 1000, inner_group_num: 1000 },
      "CONFIG_INVALID",
      ["num_hidden_layers 1000", "inner_group_num 1000"],
    ],
    ["an eps of 1", { layer_norm_eps: 1 }, "CONFIG_INVALID", ["layer_norm_eps", "1"]],
    ["an eps as text", { layer_norm_eps: "1e-12" }, "CONFIG_INVALID", ["layer_norm_eps", '"1e-12"']],
    [
      "padding beyond the vocabulary",
      { pad_token_id: 30000 },
      "CONFIG_INVALID",
      ["pad_token_id", "30000", "vocab_size"],
    ],
    ["tied as text", { tie_word_embeddings: "no" }, "CONFIG_INVALID", ["tie_word_embeddings", '"no"']],
    ["architectures that are no list", { architectures: "AlbertModel" }, "CONFIG_INVALID", ["architectures"]],
    ["labels with a hole", { id2label: { 0: "a", 2: "b" } }, "CONFIG_INVALID", ["id2label", '"2"', "0 … 1"]],
    ["labels that are no words", { id2label: { 0: 5 } }, "CONFIG_INVALID", ["id2label", "5"]],
    ["labels that are no object", { id2label: "a" }, "CONFIG_INVALID", ["id2label", '"a"']],
    ["the same number twice", { id2label: { 0: "a", "00": "b" } }, "CONFIG_INVALID", ["id2label"]],
    ["more labels than anyone has", { num_labels: 2 ** 30 }, "CONFIG_INVALID", ["num_labels", "1073741824"]],
    [
      "an unknown problem_type",
      { problem_type: "ranking" },
      "CONFIG_INVALID",
      ["problem_type", '"ranking"', "regression"],
    ],
  ];
  for (const [name, json, code, words] of wrong) {
    it(`refuses ${name}`, () => {
      const isPart =
        typeof json === "object" &&
        json !== null &&
        !Array.isArray(json) &&
        !("model_type" in json) &&
        Object.keys(json).length > 0;
      return expectError(
        () => parse(isPart ? { model_type: "albert", ...json } : json),
        code,
        "folder: config.json",
        ...words,
      );
    });
  }

  it("knows Transformers' names of the activations that it computes", () => {
    const kinds = {
      gelu: "gelu",
      gelu_new: "gelu_tanh",
      gelu_pytorch_tanh: "gelu_tanh",
      gelu_fast: "gelu_tanh",
      relu: "relu",
      silu: "silu",
      swish: "silu",
      tanh: "tanh",
    };
    for (const [name, kind] of Object.entries(kinds)) expect(activationKind(name), name).toBe(kind);
  });
});

describe("AutoConfig", () => {
  it("reads a folder's or the files' config.json", async () => {
    const folder = fileURLToPath(new URL("../../models/fill-mask", import.meta.url));
    const config = await AutoConfig.from_pretrained(folder);
    expect(config).toMatchObject({ model_type: "albert", vocab_size: 8192, hidden_act: "gelu" });
    expect(await AutoConfig.from_pretrained({ "config.json": readFileSync(`${folder}/config.json`) })).toEqual(config);
  });

  it("says what is not there", async () => {
    await expectError(() => AutoConfig.from_pretrained("./nowhere"), "FILE_NOT_FOUND", "nowhere");
    await expectError(() => AutoConfig.from_pretrained("./src"), "FILE_NOT_FOUND", "src", "config.json");
    await expectError(() => AutoConfig.from_pretrained({}, { signal: AbortSignal.abort() }), "ABORTED");
  });
});

describeShared("golden configurations", (shared) => {
  it("all of them are read", () => {
    const root = `${shared}golden/models/`;
    let count = 0;
    for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
      if (!path.endsWith("config.json")) continue;
      const json = JSON.parse(readFileSync(root + path, "utf8")) as Record<string, unknown>;
      expect(parseConfig(json, path)).toMatchObject(json);
      count++;
    }
    expect(count).toBeGreaterThanOrEqual(70);
  });
});
