// Every code point, against digests of what tokenizers (Rust) did with it (scripts/unigram_tables.py).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  combiningClass,
  decompose,
  graphemeClass,
  isBlank,
  isMark,
  toLowerCase,
} from "../../src/tokenizer/unigram/unicode.ts";

const digests: Record<string, string> = JSON.parse(
  readFileSync(new URL("./unigram-unicode.json", import.meta.url), "utf8"),
);

function digest(ask: (codePoint: number) => string | number): string {
  const lines: string[] = [];
  for (let codePoint = 0; codePoint < 0x110000; codePoint += 1) {
    if (codePoint < 0xd800 || codePoint >= 0xe000) lines.push(String(ask(codePoint)));
  }
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

const oneLine = (text: string) => text.replace("\n", " ");

describe("all 1.1 million code points as tokenizers (Rust) sees them", () => {
  const properties: Record<string, (codePoint: number) => string | number> = {
    nfkd: (c) => oneLine(String.fromCodePoint(...(decompose(c) ?? [c]))),
    strip_accents: (c) => Number(isMark(c)),
    lowercase: (c) => (c === 0x130 ? "i\u0307" : oneLine(String.fromCodePoint(toLowerCase(c)))),
    blank: (c) => Number(isBlank(c)),
    combining_class: combiningClass,
    grapheme: graphemeClass,
  };
  for (const [name, ask] of Object.entries(properties)) {
    it(name, () => expect(digest(ask)).toBe(digests[name]));
  }
});
