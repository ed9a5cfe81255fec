// newFolder: the weights' distribution and bits, the tokenizer's files, and what does not fit together.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type InitOptions, newFolder } from "../../src/folder/init.ts";
import { memorySource } from "../../src/hub/memory.ts";
import { AutoModelForMaskedLM } from "../../src/model/auto.ts";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import { Checkpoint } from "../../src/weights/checkpoint.ts";
import { BYTES_TOKENIZER, inMemory } from "../support/new-folder.ts";
import { describeShared } from "../support/shared.ts";

const SMALL = "hidden=64,layers=2,heads=2,intermediate=96,embedding=32";

async function weightsOf(options: InitOptions): Promise<{ file: Uint8Array; tensors: Map<string, Float32Array> }> {
  const { files } = await newFolder({ ...options, weights: true });
  const file = (await inMemory(files.filter(({ name }) => name === "model.safetensors")))["model.safetensors"]!;
  const checkpoint = await Checkpoint.open(memorySource({ "model.safetensors": file }));
  const tensors = new Map<string, Float32Array>();
  for (const entry of checkpoint.entries.values()) {
    tensors.set(entry.name, (await checkpoint.readRows(entry, 0, entry.shape[0]!)).slice());
  }
  return { file, tensors };
}

const textOf = (files: Record<string, Uint8Array>, name: string) => new TextDecoder().decode(files[name]);
const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("fresh weights", () => {
  it("are distributed as Transformers' are, base size", async () => {
    const { tensors } = await weightsOf({ seed: 0 });
    for (const [name, values] of tensors) {
      const isNorm = /LayerNorm\.weight$|layer_norm\.weight$/.test(name);
      if (isNorm || name.endsWith("bias")) {
        expect(
          values.every((value) => value === (isNorm ? 1 : 0)),
          name,
        ).toBe(true);
        continue;
      }
      const isWords = name.endsWith("word_embeddings.weight");
      if (isWords) expect(values.subarray(128, 256).every((value) => value === 0)).toBe(true); // pad_token_id 1
      const drawn = isWords ? [...values.subarray(0, 128), ...values.subarray(256)] : values;
      const n = drawn.length;
      let sum = 0;
      let squares = 0;
      let beyond2 = 0;
      for (const value of drawn) {
        sum += value;
        squares += value * value;
        if (Math.abs(value) > 0.04) beyond2++;
      }
      const deviation = Math.sqrt(squares / n);
      const allowed = n >= 60_000 ? 0.01 : 4 / Math.sqrt(2 * n);
      expect(Math.abs(deviation / 0.02 - 1), name).toBeLessThan(allowed);
      expect(Math.abs(sum / n), name).toBeLessThan((4 * 0.02) / Math.sqrt(n));
      // A normal distribution has 4.55 % beyond two standard deviations; a uniform one of this width has none.
      expect(Math.abs(beyond2 / n - 0.0455), name).toBeLessThan(4 * Math.sqrt((0.0455 * 0.9545) / n));
    }
  });

  it("have the same bits on every engine: these", async () => {
    // Run on Node 20 and 24, Bun 1.4 and Deno 2.9. A change here changes what every seed means.
    expect(hashOf((await weightsOf({ size: SMALL, seed: 0 })).file)).toBe(
      "c7eb42930e9443fd5e75cdad628b23c4e6f7236ab617a8e056e6b853f5e9bdbb",
    );
    expect(hashOf((await weightsOf({ size: SMALL, seed: 2 ** 53 - 1 })).file)).toBe(
      "08a1c6dff198e9c5cb26866e2b86d07355d6462154d1b52b0d10448a9839a91d",
    );
  });

  it("differ by seed and by tensor, and follow initializer_range", async () => {
    const one = await weightsOf({ size: SMALL, seed: 1 });
    const two = await weightsOf({ size: SMALL, seed: 2 });
    const [query, key] = ["query", "key"].map(
      (n) => `albert.encoder.albert_layer_groups.0.albert_layers.0.attention.${n}.weight`,
    );
    expect(one.tensors.get(query!)).not.toEqual(two.tensors.get(query!));
    expect(one.tensors.get(query!)).not.toEqual(one.tensors.get(key!));
    const { recipe } = await newFolder({ size: SMALL });
    const roberta = { ...recipe.config, model_type: "roberta", initializer_range: 0.5 };
    const wide = await weightsOf({ roberta, seed: 1, size: SMALL });
    const rounded = one.tensors.get(query!)!.map((value) => value * 25);
    expect(wide.tensors.get(query!)!.every((value, i) => Math.abs(value - rounded[i]!) < 1e-6)).toBe(true);
  });

  it("are written untied where the configuration says so", async () => {
    const { recipe } = await newFolder({ size: SMALL });
    const untied = await weightsOf({ albert: { ...recipe.config, tie_word_embeddings: false }, size: SMALL });
    expect(untied.tensors.has("predictions.decoder.weight")).toBe(true);
    expect(untied.tensors.get("predictions.decoder.bias")!.every((value) => value === 0)).toBe(true);
  });

  it("run: no key is missing, none unexpected", async () => {
    const { files, parameters } = await newFolder({ size: SMALL, tokenizer: BYTES_TOKENIZER, weights: true });
    const folder = await inMemory(files);
    const model = await AutoModelForMaskedLM.from_pretrained(folder);
    expect(model.loading_info).toMatchObject({ missing_keys: [], unexpected_keys: [] });
    const tokenizer = await AutoTokenizer.from_pretrained(folder);
    const { logits } = await model(tokenizer("a <mask> b"));
    expect((logits as { dims: readonly number[] }).dims).toEqual([1, 6, 261]);
    expect(folder["model.safetensors"]!.length).toBeGreaterThan(4 * parameters);
    expect(folder["model.safetensors"]!.length).toBeLessThan(4 * parameters + 5000);
    await model.dispose();
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 53, "1"])("refuses seed %s", async (seed) => {
    await expect(newFolder({ seed: seed as number })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});

describe("a folder's tokenizer", () => {
  it("gets RoBERTa's names, 512 tokens at most, and vocab_size follows it", async () => {
    const { files, notes, recipe } = await newFolder({ tokenizer: BYTES_TOKENIZER });
    const folder = await inMemory(files);
    expect(Object.keys(folder)).toEqual([
      "config.json",
      "tokenizer.json",
      "vocabulary.bin",
      "vocab.json",
      "merges.txt",
      "tokenizer_config.json",
      "special_tokens_map.json",
      "README.md",
    ]);
    const names = JSON.parse(textOf(folder, "tokenizer_config.json"));
    expect(names).toMatchObject({ tokenizer_class: "RobertaTokenizer", model_max_length: 512 });
    expect(JSON.parse(textOf(folder, "config.json"))).toStrictEqual(recipe.config);
    expect(recipe.config.vocab_size).toBe(261);
    expect(notes).toEqual(["vocab_size is 261 as the tokenizer's, the recipe's is 50265"]);
    // Read back from tokenizer.json and from the two old files alike.
    const { "tokenizer.json": _, "vocabulary.bin": __, ...old } = folder;
    for (const form of [folder, old]) {
      const tokenizer = await AutoTokenizer.from_pretrained(form);
      expect(tokenizer.encode("é <mask>")).toEqual([0, 131, 106, 260, 2]);
      expect(tokenizer.model_max_length).toBe(512);
    }
  });

  it("may have fewer tokens than vocab_size where that is asked for, and not more", async () => {
    const padded = await newFolder({ tokenizer: BYTES_TOKENIZER, vocab_size: 320 });
    expect(padded.recipe.config.vocab_size).toBe(320);
    expect(padded.notes).toEqual(["vocab_size 320 leaves 59 rows without a token"]);
    await expect(newFolder({ tokenizer: BYTES_TOKENIZER, vocab_size: 260 })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("261"),
    });
  });

  it("must have RoBERTa's special ids", async () => {
    const vocab = JSON.parse(textOf(BYTES_TOKENIZER, "vocab.json"));
    const swapped = new TextEncoder().encode(JSON.stringify({ ...vocab, "<pad>": 0, "<s>": 1 }));
    await expect(newFolder({ tokenizer: { ...BYTES_TOKENIZER, "vocab.json": swapped } })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("bos_token_id"),
    });
  });

  it("must be there and whole", async () => {
    const { "merges.txt": _, ...cut } = BYTES_TOKENIZER;
    await expect(newFolder({ tokenizer: cut })).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
    await expect(newFolder({ tokenizer: "/nowhere/at/all" })).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
  });
});

describeShared("the tokenizer of roberta-base in a new folder", (shared) => {
  const golden = `${shared}golden/tokenizer/`;

  it("gives the golden ids, and its files say what the original's say", async () => {
    const { files, recipe, notes } = await newFolder({ tokenizer: `${golden}roberta-base` });
    expect(notes).toEqual([]);
    expect(recipe.config.vocab_size).toBe(50265);
    const folder = await inMemory(files);
    const original = (name: string) => JSON.parse(readFileSync(`${golden}roberta-base/${name}`, "utf8"));
    expect(JSON.parse(textOf(folder, "tokenizer.json"))).toStrictEqual(original("tokenizer.json"));
    expect(JSON.parse(textOf(folder, "vocab.json"))).toStrictEqual(original("vocab.json"));
    expect(textOf(folder, "merges.txt")).toBe(readFileSync(`${golden}roberta-base/merges.txt`, "utf8"));
    const tokenizer = await AutoTokenizer.from_pretrained(folder);
    const lines = readFileSync(`${golden}roberta-base.cases.jsonl`, "utf8").split("\n").slice(0, 1000);
    for (const { text, ids } of lines.map((line) => JSON.parse(line))) expect(tokenizer.encode(text)).toEqual(ids);
  });

  it("makes the same tokenizer.json from the two old files", async () => {
    const bytes = (name: string) => new Uint8Array(readFileSync(`${golden}roberta-base/${name}`));
    const old = { "vocab.json": bytes("vocab.json"), "merges.txt": bytes("merges.txt") };
    const made = await inMemory((await newFolder({ tokenizer: old })).files);
    const original = JSON.parse(new TextDecoder().decode(bytes("tokenizer.json")));
    expect(JSON.parse(textOf(made, "tokenizer.json"))).toStrictEqual(original);
    expect(textOf(made, "vocab.json").startsWith('{"<s>":0,"<pad>":1,"</s>":2,"<unk>":3,".":4')).toBe(true);
  });

  it("refuses ALBERT's own tokenizer", async () => {
    await expect(newFolder({ tokenizer: `${golden}albert-unigram` })).rejects.toMatchObject({
      code: "TOKENIZER_UNSUPPORTED",
    });
  });
});
