// The recipe against every golden case, key by key and in both forms; sizes; and configurations that it refuses.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PUBLISHED_ALBERT, PUBLISHED_ROBERTA } from "../../src/config/published.ts";
import { explainRecipe, robertalbertConfig } from "../../src/config/recipe.ts";
import { describeShared } from "../support/shared.ts";

type Json = Record<string, unknown>;

describeShared("the recipe, golden", (shared) => {
  const read = (path: string) => JSON.parse(readFileSync(`${shared}golden/config/${path}`, "utf8"));
  const cases = read("cases.json") as { albert: string; roberta: string; expected: string; explain: string }[];

  it.each(cases)("$albert + $roberta", ({ albert, roberta, expected, explain }) => {
    const recipe = explainRecipe({ albert: read(albert) as Json, roberta: read(roberta) as Json });
    expect(recipe.config).toStrictEqual(read(expected));
    expect({ rows: recipe.rows, roberta_only_keys_left_out: recipe.roberta_only_keys_left_out }).toStrictEqual(
      read(explain),
    );
  });

  it("starts from the published files", () => {
    for (const [name, config] of Object.entries({ ...PUBLISHED_ALBERT, ...PUBLISHED_ROBERTA })) {
      expect(config).toStrictEqual(read(`inputs/${name}/config.json`));
    }
  });

  it.each(cases.filter(({ albert }) => albert.endsWith("config.json")))("$expected, by name", (c) => {
    const nameOf = (path: string) => path.split("/")[1]!;
    const albert = nameOf(c.albert);
    expect(robertalbertConfig({ albert, roberta: nameOf(c.roberta) })).toStrictEqual({
      _name_or_path: albert,
      ...read(c.expected),
    });
  });

  it("gives what the shipped demonstration model was trained with, up to its sizes", () => {
    const trained = JSON.parse(readFileSync(`${shared}models/fill-mask/config.json`, "utf8"));
    const size = "hidden=256,layers=6,heads=4,intermediate=1024,embedding=128";
    expect(robertalbertConfig({ size, vocab_size: 8192 })).toStrictEqual(trained);
  });
});

describe("sizes", () => {
  const sizesOf = ({
    hidden_size,
    num_hidden_layers,
    num_attention_heads,
    intermediate_size,
    embedding_size,
  }: Json) => [hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, embedding_size];

  it("has base by default, and pairs large with large", () => {
    expect(robertalbertConfig()).toStrictEqual(robertalbertConfig({ size: "base" }));
    expect(robertalbertConfig()).toStrictEqual(
      robertalbertConfig({ albert: "albert-base-v2", roberta: "roberta-base" }),
    );
    const large = robertalbertConfig({ size: "large" });
    expect(sizesOf(large)).toEqual([1024, 24, 16, 4096, 128]);
    expect(robertalbertConfig({ albert: "albert-large-v2", size: "layers=6" })).toStrictEqual({
      ...large,
      num_hidden_layers: 6,
    });
    for (const options of [
      { albert: "albert-large-v2" },
      { roberta: "roberta-large" },
      { roberta: "FacebookAI/roberta-large", albert: "albert/albert-large-v2" },
    ]) {
      expect(robertalbertConfig(options)).toStrictEqual(large);
    }
  });

  it("is the pure recipe for base and large: RoBERTa's sizes win, also over the larger ALBERTs'", () => {
    for (const size of ["base", "large"]) {
      expect(explainRecipe({ size }).rows.filter((row) => row.from === "size")).toEqual([]);
    }
    expect(sizesOf(robertalbertConfig({ albert: "albert-xxlarge-v2" }))).toEqual([1024, 24, 16, 4096, 128]);
  });

  it("sets the larger ALBERTs' sizes after the recipe, and says so", () => {
    const xlarge = explainRecipe({ size: "xlarge" });
    expect(sizesOf(xlarge.config)).toEqual([2048, 24, 16, 8192, 128]);
    expect(sizesOf(robertalbertConfig({ size: "xxlarge" }))).toEqual([4096, 12, 64, 16384, 128]);
    expect(xlarge.rows.find((row) => row.key === "hidden_size")).toEqual({
      key: "hidden_size",
      value: 2048,
      from: "size",
      albert: 2048,
      roberta: 1024,
    });
    expect(xlarge.config._name_or_path).toBe("albert-xlarge-v2");
    expect(xlarge.config.vocab_size).toBe(50265);
  });

  it("sets exactly what is named by hand", () => {
    const base = robertalbertConfig();
    expect(robertalbertConfig({ size: "hidden=384, layers=6" })).toStrictEqual({
      ...base,
      hidden_size: 384,
      num_hidden_layers: 6,
    });
    expect(robertalbertConfig({ size: "num_hidden_layers=3" })).toStrictEqual({ ...base, num_hidden_layers: 3 });
  });

  it.each([
    "",
    "huge",
    "hidden",
    "hidden=",
    "hidden=0",
    "hidden=1.5",
    "hidden=-1",
    "hidden=9=9",
    "depth=3",
    "hidden=9,hidden=9",
    "layers=2,",
  ])("refuses %j", (size) => {
    expect(() => robertalbertConfig({ size })).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });
});

describe("configurations that cannot be", () => {
  const albert = { ...PUBLISHED_ALBERT["albert-base-v2"] };
  const roberta = { ...PUBLISHED_ROBERTA["roberta-base"] };
  const code = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return (error as { code?: string }).code;
    }
    return "no error";
  };

  it.each([
    ["swapped", { albert: roberta, roberta: albert }],
    ["another model_type", { albert: { ...albert, model_type: "bert" } }],
    ["no model_type", { roberta: {} }],
    ["no object", { albert: [] as unknown as Json }],
    ["null", { roberta: null as unknown as Json }],
    ["heads that do not divide", { roberta: { ...roberta, num_attention_heads: 7 } }],
    ["heads that do not divide, by size", { size: "hidden=256" }],
    ["groups that do not divide", { albert: { ...albert, num_hidden_groups: 5 } }],
    ["more groups than layers", { albert: { ...albert, num_hidden_groups: 24 } }],
    ["a negative size", { roberta: { ...roberta, intermediate_size: -3072 } }],
    ["a size that is no number", { roberta: { ...roberta, hidden_size: "768" } }],
    ["special tokens beyond the vocabulary", { vocab_size: 2 }],
    ["no vocabulary", { vocab_size: 0 }],
    ["a dropout of 1", { roberta: { ...roberta, hidden_dropout_prob: 1 } }],
    ["an initializer_range that is no number", { roberta: { ...roberta, initializer_range: "0.02" } }],
  ])("refuses %s", (_, options) => {
    expect(code(() => robertalbertConfig(options))).toBe("CONFIG_INVALID");
  });

  it("refuses an activation that the kernels lack, and unknown names", () => {
    expect(code(() => robertalbertConfig({ roberta: { ...roberta, hidden_act: "mish" } }))).toBe("CONFIG_UNSUPPORTED");
    expect(code(() => robertalbertConfig({ albert: "albert-base-v1" }))).toBe("OPTION_INVALID");
    expect(code(() => robertalbertConfig({ roberta: "toString" }))).toBe("OPTION_INVALID");
  });
});
