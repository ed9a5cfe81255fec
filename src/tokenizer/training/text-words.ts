// The words of texts, counted. A file is taken line by line, as tokenizers (Rust) does it: no word goes on in the next line.
import { RobertalbertError } from "../../errors.ts";
import { wordEnd } from "../byte-level/scanner.ts";
import { withRoom } from "./grow.ts";
import { wellFormedEnd } from "./utf8.ts";
import type { WordCounts } from "./word-counts.ts";

const LINE_FEED = 0x0a;
/** A longer line is taken in parts, as soon as a word's end is in sight. */
const PART_BYTES = 1 << 16;
/** How far beyond a word's end the scanner may look. */
const LOOKAHEAD_BYTES = 8;
const LONGEST_SEQUENCE_BYTES = 4;

/**
 * Counts the words of one text, in which line ends are characters as others: as tokenizers' train_from_iterator does it.
 * A lone surrogate becomes U+FFFD.
 * @returns bytes of the text
 * @throws OUT_OF_MEMORY
 */
export function countText(text: string, counts: WordCounts): number {
  const bytes = new TextEncoder().encode(text);
  return countWords(bytes, 0, bytes.length, bytes.length, counts);
}

/** Counts the words of one file, whose bytes come in pieces of any size. */
export class FileWords {
  private readonly name: string;
  private readonly counts: WordCounts;
  /** What was read and not counted yet is in [start, length); it is UTF-8 up to `checked`, and has no line feed before `searched`. */
  private buffer = new Uint8Array(2 * PART_BYTES);
  private start = 0;
  private searched = 0;
  private checked = 0;
  private length = 0;
  /** Bytes of the file in front of the buffer's. */
  private passedBytes = 0;
  /** A line's beginning of so many bytes is looked through for words. */
  private partBytes = PART_BYTES;

  /** @param name for messages */
  constructor(name: string, counts: WordCounts) {
    this.name = name;
    this.counts = counts;
  }

  /** @throws FILE_INVALID for bytes that are no UTF-8; OUT_OF_MEMORY */
  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PART_BYTES) {
      this.append(bytes.subarray(at, at + PART_BYTES));
      this.checked = wellFormedEnd(this.buffer, this.checked, this.length);
      if (this.length - this.checked >= LONGEST_SEQUENCE_BYTES) throw this.noUtf8();
      this.countLines();
      if (this.checked - this.start >= this.partBytes) this.countPart();
    }
  }

  /** Counts what is left, at the file's end. @throws as `add` */
  end(): void {
    if (this.checked < this.length) throw this.noUtf8();
    countWords(this.buffer, this.start, this.length, this.length, this.counts);
    this.start = this.length;
  }

  private append(bytes: Uint8Array): void {
    const { start } = this;
    if (start > 0) {
      this.buffer.copyWithin(0, start, this.length);
      this.passedBytes += start;
      this.start = 0;
      this.searched -= start;
      this.checked -= start;
      this.length -= start;
    }
    this.buffer = withRoom(this.buffer, this.length + bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  private countLines(): void {
    const known = this.buffer.subarray(0, this.checked);
    for (let feed = known.indexOf(LINE_FEED, this.searched); feed >= 0; feed = known.indexOf(LINE_FEED, feed + 1)) {
      this.start = countWords(known, this.start, feed + 1, feed + 1, this.counts);
      this.partBytes = PART_BYTES;
    }
    this.searched = this.checked;
  }

  private countPart(): void {
    const { start, checked } = this;
    this.start = countWords(this.buffer, start, checked, checked - LOOKAHEAD_BYTES, this.counts);
    // Without a word's end: one word is longer. Twice as many bytes each time, or a word of n bytes would take n² steps.
    this.partBytes = this.start > start ? PART_BYTES : 2 * (checked - start);
  }

  private noUtf8(): RobertalbertError {
    const byte = this.buffer[this.checked]!.toString(16).toUpperCase().padStart(2, "0");
    return new RobertalbertError(
      "FILE_INVALID",
      `${this.name} is no UTF-8: byte ${this.passedBytes + this.checked} is 0x${byte}; convert the text first (iconv -f ITS_ENCODING -t UTF-8), or leave the file out`,
    );
  }
}

/**
 * Counts the words of bytes[start … end) that end by `certain`.
 * @returns where the last of them ends
 */
function countWords(bytes: Uint8Array, start: number, end: number, certain: number, counts: WordCounts): number {
  let at = start;
  while (at < end) {
    const next = wordEnd(bytes, at, end);
    if (next > certain) break;
    counts.add(bytes, at, next);
    at = next;
  }
  return at;
}
