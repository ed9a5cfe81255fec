// GPT-2's split of a text into words, by hand instead of by regular expression, on the text's UTF-8:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Which code points are letters, numbers and whitespace comes from a table, so that no engine's Unicode version matters.
import { ASCII_KINDS, kindOf, SPACE } from "./char-kinds.ts";

const BLANK = 0x20;
const APOSTROPHE = 0x27;

/**
 * Where the word that starts at `start` ends. start < end.
 * @param bytes well-formed UTF-8 up to `end`
 */
export function wordEnd(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start]!;
  if (first === APOSTROPHE) {
    const length = contractionBytes(bytes, start, end);
    if (length) return start + length;
  }
  // One blank goes with the word behind it.
  if (first === BLANK && start + 1 < end) {
    const kind = kindAt(bytes, start + 1);
    if (kind !== SPACE) return runEnd(bytes, start + 1, end, kind);
  }
  const kind = kindAt(bytes, start);
  const runsTo = runEnd(bytes, start, end, kind);
  if (kind !== SPACE || runsTo === end) return runsTo;
  // The last of several whitespace characters is left to the word behind them.
  let last = runsTo - 1;
  while (isContinuation(bytes[last]!)) last--;
  return last > start ? last : runsTo;
}

function runEnd(bytes: Uint8Array, start: number, end: number, kind: number): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte < 0x80) {
      if (ASCII_KINDS[byte] !== kind) return at;
      at++;
    } else {
      if (kindOf(codePointAt(bytes, at)) !== kind) return at;
      at += sequenceBytes(byte);
    }
  }
  return at;
}

function kindAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]!;
  return byte < 0x80 ? ASCII_KINDS[byte]! : kindOf(codePointAt(bytes, at));
}

function codePointAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  const b = bytes[at + 1]! & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | b;
  const c = bytes[at + 2]! & 0x3f;
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (b << 6) | c;
  return ((lead & 0x07) << 18) | (b << 12) | (c << 6) | (bytes[at + 3]! & 0x3f);
}

/** How many bytes a character has, by its first. */
export function sequenceBytes(lead: number): number {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

export function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function contractionBytes(bytes: Uint8Array, start: number, end: number): number {
  if (start + 1 >= end) return 0;
  const a = bytes[start + 1]!;
  if (a === 0x73 || a === 0x74 || a === 0x6d || a === 0x64) return 2; // s t m d
  if (start + 2 >= end) return 0;
  const b = bytes[start + 2]!;
  return ((a === 0x72 || a === 0x76) && b === 0x65) || (a === 0x6c && b === 0x6c) ? 3 : 0; // re ve ll
}
