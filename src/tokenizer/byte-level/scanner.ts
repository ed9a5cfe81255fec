// GPT-2's split of a text into words, by hand instead of by regular expression:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Which code points are letters, numbers and whitespace comes from a table, so that no engine's Unicode version matters.
import { CHAR_RUNS } from "./char-table.ts";

const OTHER = 0;
const LETTER = 1;
const NUMBER = 2;
const SPACE = 3;

let kinds: Uint8Array | undefined;

/** The kind of every code point, unfolded from the table at first use (1.1 MB). */
function kindTable(): Uint8Array {
  if (kinds) return kinds;
  kinds = new Uint8Array(0x110000);
  let at = 0;
  for (const [, kind, length] of CHAR_RUNS.matchAll(/([LNOS])([0-9a-z]+)/g)) {
    const end = at + Number.parseInt(length!, 36);
    if (kind !== "O") kinds.fill(kind === "L" ? LETTER : kind === "N" ? NUMBER : SPACE, at, end);
    at = end;
  }
  return kinds;
}

/** Whether \s matches the code unit, as tokenizers (Rust) has it. */
export function isSpace(unit: number): boolean {
  return kindTable()[unit] === SPACE;
}

/** The UTF-16 index behind the word that starts at `start`; the text ends at `end` for this purpose. start < end. */
export function wordEnd(text: string, start: number, end: number): number {
  const table = kindTable();
  const first = text.charCodeAt(start);
  if (first === 0x27) {
    const length = contractionLength(text, start, end);
    if (length) return start + length;
  }
  // One blank goes with the word behind it.
  if (first === 0x20 && start + 1 < end) {
    const kind = kindAt(table, text, start + 1, end);
    if (kind !== SPACE) return runEnd(table, text, start + 1, end, kind);
  }
  const kind = kindAt(table, text, start, end);
  const runsTo = runEnd(table, text, start, end, kind);
  // The last of several whitespace characters is left to the word behind them.
  return kind === SPACE && runsTo < end && runsTo - start > 1 ? runsTo - 1 : runsTo;
}

function runEnd(table: Uint8Array, text: string, start: number, end: number, kind: number): number {
  let at = start;
  while (at < end) {
    const unit = text.charCodeAt(at);
    if (unit >= 0xd800 && unit < 0xdc00) {
      if (kindAt(table, text, at, end) !== kind) return at;
      at += isPair(text, at, end) ? 2 : 1;
    } else {
      if (table[unit] !== kind) return at;
      at++;
    }
  }
  return at;
}

function kindAt(table: Uint8Array, text: string, at: number, end: number): number {
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdbff) return table[unit]!;
  // A lone surrogate is encoded as U+FFFD, which is OTHER, as is the surrogate in the table.
  return isPair(text, at, end) ? table[text.codePointAt(at)!]! : OTHER;
}

function isPair(text: string, at: number, end: number): boolean {
  if (at + 1 >= end) return false;
  const low = text.charCodeAt(at + 1);
  return low >= 0xdc00 && low <= 0xdfff;
}

function contractionLength(text: string, start: number, end: number): number {
  if (start + 1 >= end) return 0;
  const a = text[start + 1]!;
  if (a === "s" || a === "t" || a === "m" || a === "d") return 2;
  if (start + 2 >= end) return 0;
  const pair = a + text[start + 2];
  return pair === "re" || pair === "ve" || pair === "ll" ? 3 : 0;
}
