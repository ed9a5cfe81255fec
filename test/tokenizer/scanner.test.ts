// The scanner on every code point, alone and between others, against what tokenizers (Rust) did: scripts/make-char-table.py.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { wordEnd } from "../../src/tokenizer/byte-level/scanner.ts";

const digests: { before: string; behind: string; sha256: string }[] = JSON.parse(
  readFileSync(new URL("./char-digests.json", import.meta.url), "utf8"),
);

describe("all 1.1 million code points as tokenizers (Rust) splits them", () => {
  it.each(digests)("between $before and $behind", ({ before, behind, sha256 }) => {
    const encoder = new TextEncoder();
    const bytes = new Uint8Array(16);
    const hash = createHash("sha256");
    let lines = "";
    for (let code = 0; code < 0x110000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const { written } = encoder.encodeInto(before + String.fromCodePoint(code) + behind, bytes);
      for (let at = 0, next = 0; at < written; at = next) {
        next = wordEnd(bytes, at, written);
        lines += `${at === 0 ? "" : ","}${next - at}`;
      }
      lines += "\n";
      if (lines.length > 1 << 16) {
        hash.update(lines);
        lines = "";
      }
    }
    expect(hash.update(lines).digest("hex")).toBe(sha256);
  });
});
