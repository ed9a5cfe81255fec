// What trainTokenizer learns, against what tokenizers (Rust) learnt from the same texts: test/golden/train_tokenizer.py.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { trainTokenizer } from "../../../src/folder/train-tokenizer.ts";

interface Case {
  name: string;
  /** Their contents, or where the one file is. */
  files: string[];
  path?: string;
  vocab_size: number;
  min_frequency: number;
  /** From id 260 on. */
  tokens?: string[];
  merges?: string[];
  /** Of the lines, for what is too large to be kept. */
  size?: number;
  tokens_sha256?: string;
  merges_sha256?: string;
}

const root = new URL("../../../", import.meta.url);
const cases = readFileSync(process.env.TRAIN_CASES ?? new URL("test/golden/train-tokenizer.jsonl", root), "utf8")
  .trim()
  .split("\n")
  .map((line): Case => JSON.parse(line));

/** In pieces that end anywhere, also within characters. */
async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

it.each(cases)("$name, $vocab_size tokens, at least $min_frequency times", async (golden) => {
  const { vocab_size, min_frequency, path } = golden;
  const texts = path
    ? [pieces(readFileSync(new URL(path, root)), 50_000)]
    : golden.files.map((text) => pieces(new TextEncoder().encode(text), 7));
  const trained = await trainTokenizer(texts, { vocab_size, min_frequency });
  const textOf = (name: string) => new TextDecoder().decode(trained.files[name]);
  const { vocab, merges: pairs } = JSON.parse(textOf("tokenizer.json")).model as {
    vocab: Record<string, number>;
    merges: [string, string][];
  };
  const tokens = Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!);
  expect(tokens.slice(0, 5)).toEqual(["<s>", "<pad>", "</s>", "<unk>", "!"]);
  expect(tokens.at(-1)).toBe("<mask>");
  expect(Object.values(vocab).sort((a, b) => a - b)).toEqual(tokens.map((_, id) => id));
  expect(trained.vocab_size).toBe(tokens.length);
  const merges = pairs.map((pair) => pair.join(" "));
  if (golden.size === undefined) {
    expect(tokens.slice(260)).toEqual(golden.tokens);
    expect(merges).toEqual(golden.merges);
  } else {
    const digest = (lines: string[]) => createHash("sha256").update(lines.join("\n")).digest("hex");
    expect([tokens.length, digest(tokens), digest(merges)]).toEqual([
      golden.size,
      golden.tokens_sha256,
      golden.merges_sha256,
    ]);
  }
  expect(textOf("merges.txt")).toBe(`#version: 0.2\n${merges.map((line) => `${line}\n`).join("")}`);
  expect(JSON.parse(textOf("vocab.json"))).toEqual(vocab);
});
