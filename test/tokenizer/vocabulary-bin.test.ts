// vocabulary.bin: the same tokenizer as from tokenizer.json, and ignored when it is damaged, stale or of another version.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import { isMadeFrom, packVocabulary, unpackVocabulary, VOCABULARY_FILE } from "../../src/tokenizer/vocabulary-bin.ts";
import { type EncodeCase, readLines } from "../support/golden-tokenizer.ts";
import { describeShared } from "../support/shared.ts";
import { jsonBytes, tinyTokenizer } from "../support/tiny-tokenizer.ts";

describeShared("vocabulary.bin", (shared) => {
  const folder = `${shared}golden/tokenizer/roberta-base`;
  const json = readFileSync(`${folder}/tokenizer.json`);
  const config = readFileSync(`${folder}/tokenizer_config.json`);
  const packed = packVocabulary(json)!;

  it("is compact", () => {
    expect(packed.length).toBeLessThan(0.6 * json.length);
  });

  it("gives the same tokenizer, also without tokenizer.json", async () => {
    const plain = await AutoTokenizer.from_pretrained(folder);
    const files = { [VOCABULARY_FILE]: packed, "tokenizer_config.json": config };
    for (const tokenizer of [
      await AutoTokenizer.from_pretrained(files),
      await AutoTokenizer.from_pretrained({ ...files, "tokenizer.json": json }),
    ]) {
      for (const c of readLines<EncodeCase>(`${folder}.cases.jsonl`)) {
        expect(tokenizer.encode(c.text), c.id).toEqual(c.ids);
        expect(tokenizer.convert_ids_to_tokens(c.ids), c.id).toEqual(c.tokens);
      }
      for (const token of ["Ġthe", "<mask>", "no such token"])
        expect(tokenizer.convert_tokens_to_ids(token)).toBe(plain.convert_tokens_to_ids(token));
    }
  });

  it("is really read: from one made of other merges other ids come", async () => {
    const text = json.toString().replace('["Ġ","t"],', "");
    expect(text.length).toBeLessThan(json.toString().length);
    const other = packVocabulary(Buffer.from(text))!;
    const tokenizer = await AutoTokenizer.from_pretrained({
      [VOCABULARY_FILE]: other,
      "tokenizer_config.json": config,
    });
    expect(tokenizer.encode(" the")).not.toEqual([0, 5, 2]);
    const both = { [VOCABULARY_FILE]: other, "tokenizer.json": json, "tokenizer_config.json": config };
    const stale = await AutoTokenizer.from_pretrained(both);
    expect(stale.encode(" the")).toEqual([0, 5, 2]);
  });

  describe("is ignored", () => {
    const changed = (at: number) => {
      const bytes = packed.slice();
      bytes[at]! ^= 1;
      return bytes;
    };
    it.each([
      ["empty", new Uint8Array()],
      ["cut in the header", packed.subarray(0, 30)],
      ["cut", packed.subarray(0, packed.length - 1)],
      ["too long", new Uint8Array([...packed, 0])],
      ["no such file", changed(0)],
      ["of another version", changed(7)],
      ["a bit changed in the header", changed(29)],
      ["a bit changed in the lists", changed(packed.length >> 1)],
      ["a bit changed at the end", changed(packed.length - 1)],
    ])("%s", (_, bytes) => expect(unpackVocabulary(bytes)).toBeUndefined());

    it("of another tokenizer.json", () => {
      expect(isMadeFrom(json, packed)).toBe(true);
      expect(isMadeFrom(json, changed(9))).toBe(false);
    });

    it("and where there is nothing else, said to be missing", async () => {
      const files = { [VOCABULARY_FILE]: packed.subarray(0, 1000), "tokenizer_config.json": config };
      await expect(AutoTokenizer.from_pretrained(files)).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
    });
  });

  it.each([
    ["Uint8Array", (length: number) => new Uint8Array(length)],
    ["Buffer", (length: number) => Buffer.alloc(length)],
  ])("works at any byte offset of a %s", (_, make) => {
    for (const offset of [0, 1, 4]) {
      const [file, jsonFile] = [packed, json].map((bytes) => {
        const shifted = make(bytes.length + offset);
        shifted.set(bytes, offset);
        return shifted.subarray(offset);
      });
      expect(Buffer.compare(packVocabulary(jsonFile!)!, packed)).toBe(0);
      expect(isMadeFrom(jsonFile!, file!)).toBe(true);
      const { vocabulary, merges } = unpackVocabulary(file!)!;
      expect(vocabulary!.idOf("Ġthe")).toBe(5);
      expect(merges!.ranks).toHaveLength(50000);
    }
  });

  it("there is none for Unigram", () => {
    expect(packVocabulary(readFileSync(`${shared}golden/tokenizer/albert-unigram/tokenizer.json`))).toBeUndefined();
  });
});

it("vocabulary.bin keeps long tokens, and those that no text comes to", async () => {
  const tokenizer = tinyTokenizer();
  const long = "a".repeat(70_000);
  Object.assign(tokenizer.model.vocab, { [long]: 264, 日本: 265, "": 266 });
  const packed = packVocabulary(jsonBytes(tokenizer))!;
  const vocabulary = unpackVocabulary(packed)!.vocabulary!;
  expect([long, "日本", "", "he"].map((token) => vocabulary.idOf(token))).toEqual([264, 265, 266, 260]);
  expect([264, 265, 266, 260].map((id) => vocabulary.tokenOf(id))).toEqual([long, "日本", "", "he"]);
  const loaded = await AutoTokenizer.from_pretrained({ [VOCABULARY_FILE]: packed });
  expect(loaded.encode("hello he 日")).toEqual([0, 260, 261, 115, 262, 36, 234, 155, 169, 2]);
});
