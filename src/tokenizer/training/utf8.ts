// Whether bytes are UTF-8: checked by hand, because TextDecoder does not say where they are not.
import { isContinuation } from "../byte-level/scanner.ts";

/** Where well-formed UTF-8 from `start` on ends: at `end`, or before a sequence that is cut short or wrong. */
export function wellFormedEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      at++;
      continue;
    }
    const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4 || at + length > end) return at;
    // No second way to write a character, no surrogate, nothing above U+10FFFF.
    const second = bytes[at + 1]!;
    if (second < (lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80)) return at;
    if (second > (lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf)) return at;
    for (let i = at + 2; i < at + length; i++) if (!isContinuation(bytes[i]!)) return at;
    at += length;
  }
  return at;
}
