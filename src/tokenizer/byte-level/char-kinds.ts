// What tokenizers (Rust) takes a code point for, unfolded from the tables that scripts/make-char-table.py wrote.
import { CHAR_RUNS, WORD_RUNS } from "./char-table.ts";

export const OTHER = 0;
export const LETTER = 1;
export const NUMBER = 2;
export const SPACE = 3;

const KIND_OF_NAME: Readonly<Record<string, number>> = { O: OTHER, L: LETTER, N: NUMBER, S: SPACE, W: LETTER };
const CODE_POINTS = 0x110000;

/** The kinds of 0 … 127: all that English needs. */
export const ASCII_KINDS: Uint8Array = unfold(CHAR_RUNS, 0x80);

let all: Uint8Array | undefined;
let words: Uint8Array | undefined;

/** The kind of a code point. All are unfolded when the first beyond ASCII is met (1.1 MB). */
export function kindOf(codePoint: number): number {
  if (codePoint < 0x80) return ASCII_KINDS[codePoint]!;
  all ??= unfold(CHAR_RUNS, CODE_POINTS);
  return all[codePoint]!;
}

/** Whether \s matches the code unit. No whitespace lies beyond U+FFFF. */
export function isSpace(unit: number): boolean {
  return kindOf(unit) === SPACE;
}

/** Whether \w matches: letters, marks, digits, connectors. Only added tokens with single_word ask. */
export function isWordCharacter(codePoint: number): boolean {
  words ??= unfold(WORD_RUNS, CODE_POINTS);
  return words[codePoint] !== OTHER;
}

/** The kinds of the code points below `limit`. */
function unfold(runs: string, limit: number): Uint8Array {
  const kinds = new Uint8Array(limit);
  for (let read = 0, at = 0; at < limit; ) {
    const kind = KIND_OF_NAME[runs[read++]!]!;
    let length = 0;
    for (; read < runs.length; read++) {
      const digit = digitOf(runs.charCodeAt(read));
      if (digit < 0) break;
      length = 36 * length + digit;
    }
    if (kind !== OTHER) kinds.fill(kind, at, Math.min(limit, at + length));
    at += length;
  }
  return kinds;
}

/** A digit of base 36 as the table writes it: 0 … 9, a … z; -1 for the name of a kind. */
function digitOf(unit: number): number {
  if (unit >= 0x61) return unit - 0x61 + 10;
  return unit <= 0x39 ? unit - 0x30 : -1;
}
