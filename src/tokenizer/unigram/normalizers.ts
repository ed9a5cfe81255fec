// The normalisers of tokenizer.json that SentencePiece models have, each from aligned text to aligned text.
import { show } from "../../errors.ts";
import { type AlignedText, codePointsOf, Rewriter } from "./aligned-text.ts";
import { Charsmap, utf8Length } from "./charsmap.ts";
import { graphemeEnd } from "./graphemes.ts";
import { expectArray, expectObject, expectString, invalid, unsupported } from "./json.ts";
import { combiningClass, decompose, isMark, toLowerCase } from "./unicode.ts";

export type Normalizer = (text: AlignedText) => AlignedText;

const FIRST_DECOMPOSING = 0xa0;
/** A grapheme of this many bytes or more is looked up character by character. */
const LONG_GRAPHEME_BYTES = 6;
/** The one regular expression that Transformers' converter writes: runs of blanks. */
const BLANK_RUN = " {2,}";
const SPACE = 0x20;
const CAPITAL_I_WITH_DOT = 0x130;

/**
 * @param json a normalizer of tokenizer.json, or null for none
 * @param where its name there, for messages
 * @throws TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED
 */
export function parseNormalizer(json: unknown, where = "normalizer"): Normalizer {
  if (json === null || json === undefined) return (text) => text;
  const fields = expectObject(json, where);
  switch (fields.type) {
    case "Sequence": {
      const steps = expectArray(fields.normalizers, `${where}.normalizers`).map((step, i) =>
        parseNormalizer(expectObject(step, `${where}.normalizers[${i}]`), `${where}.normalizers[${i}]`),
      );
      return (text) => steps.reduce((current, step) => step(current), text);
    }
    case "Replace":
      return parseReplace(fields, where);
    case "NFKD":
      return nfkd;
    case "StripAccents":
      return stripAccents;
    case "Lowercase":
      return lowercase;
    case "Precompiled": {
      const charsmap = new Charsmap(fields.precompiled_charsmap, `${where}.precompiled_charsmap`);
      return (text) => precompiled(text, charsmap);
    }
    default:
      throw unsupported(`${where}.type`, fields.type, "Sequence, Replace, NFKD, StripAccents, Lowercase, Precompiled");
  }
}

function parseReplace(fields: Record<string, unknown>, where: string): Normalizer {
  const pattern = expectObject(fields.pattern, `${where}.pattern`);
  const content = codePointsOf(expectString(fields.content, `${where}.content`));
  if (pattern.Regex === BLANK_RUN) return (text) => replaceMatches(text, blankRunEnd, content);
  if (pattern.Regex !== undefined) {
    throw unsupported(`${where}.pattern.Regex`, pattern.Regex, JSON.stringify(BLANK_RUN));
  }
  const searched = codePointsOf(expectString(pattern.String, `${where}.pattern.String`));
  if (searched.length === 0) throw invalid(`${where}.pattern.String`, show(""), "at least one character");
  return (text) => replaceMatches(text, (source, at) => matchEnd(source, at, searched), content);
}

/** Puts `content` in place of each match, left to right; all of it comes from the last character of the match. */
function replaceMatches(
  text: AlignedText,
  endOfMatch: (text: AlignedText, at: number) => number,
  content: Int32Array,
): AlignedText {
  const out = new Rewriter(text);
  let copied = 0;
  for (let at = 0; at < text.length; ) {
    const end = endOfMatch(text, at);
    if (end === at) {
      at += 1;
      continue;
    }
    out.copy(copied, at);
    out.skip(end - at);
    for (const codePoint of content) out.insert(codePoint);
    copied = end;
    at = end;
  }
  if (copied === 0) return text;
  out.copy(copied, text.length);
  return out.finish();
}

/** Where the match that begins at `at` ends; `at` when there is none. */
function matchEnd(text: AlignedText, at: number, searched: Int32Array): number {
  if (at + searched.length > text.length) return at;
  for (let i = 0; i < searched.length; i += 1) {
    if (text.codePoints[at + i] !== searched[i]) return at;
  }
  return at + searched.length;
}

function blankRunEnd(text: AlignedText, at: number): number {
  let end = at;
  while (end < text.length && text.codePoints[end] === SPACE) end += 1;
  return end - at >= 2 ? end : at;
}

/** Compatibility decomposition, then marks after a starter sorted by class. A mark keeps its place's source, not its own. */
function nfkd(text: AlignedText): AlignedText {
  const out = new Rewriter(text);
  let marks: { codePoint: number; combining: number; isFirst: boolean }[] = [];
  const put = (codePoint: number, isFirst: boolean) => {
    if (isFirst) out.replace(codePoint);
    else out.insert(codePoint);
  };
  const flush = () => {
    if (marks.length === 0) return;
    if (marks.length > 1) marks.sort((a, b) => a.combining - b.combining);
    for (const mark of marks) put(mark.codePoint, mark.isFirst);
    marks = [];
  };
  for (let at = 0; at < text.length; ) {
    const plain = endBelow(text, at, FIRST_DECOMPOSING);
    if (plain > at) {
      flush();
      out.copy(at, plain);
      at = plain;
      continue;
    }
    const parts = decompose(text.codePoints[at]!) ?? text.codePoints.subarray(at, at + 1);
    for (let i = 0; i < parts.length; i += 1) {
      const codePoint = parts[i]!;
      const combining = combiningClass(codePoint);
      if (combining !== 0) marks.push({ codePoint, combining, isFirst: i === 0 });
      else {
        flush();
        put(codePoint, i === 0);
      }
    }
    at += 1;
  }
  flush();
  return out.finish();
}

function stripAccents(text: AlignedText): AlignedText {
  const out = new Rewriter(text);
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (!isMark(text.codePoints[at]!)) continue;
    out.copy(copied, at);
    out.skip(1);
    copied = at + 1;
  }
  if (copied === 0) return text;
  out.copy(copied, text.length);
  return out.finish();
}

function lowercase(text: AlignedText): AlignedText {
  const out = new Rewriter(text);
  for (let at = 0; at < text.length; at += 1) {
    const codePoint = text.codePoints[at]!;
    if (codePoint === CAPITAL_I_WITH_DOT) {
      out.replace(0x69);
      out.insert(0x307);
    } else {
      out.replace(toLowerCase(codePoint));
    }
  }
  return out.finish();
}

function precompiled(text: AlignedText, charsmap: Charsmap): AlignedText {
  const out = new Rewriter(text);
  const { codePoints, length } = text;
  let copied = 0;
  const change = (start: number, end: number, replacement: Int32Array) => {
    out.copy(copied, start);
    putReplacement(out, replacement, end - start);
    copied = end;
  };
  for (let start = 0; start < length; ) {
    const end = graphemeEnd(codePoints, start, length);
    const whole = isShort(codePoints, start, end) ? charsmap.lookUp(codePoints, start, end) : undefined;
    if (whole !== undefined) change(start, end, whole);
    else if (end > start + 1) {
      for (let at = start; at < end; at += 1) {
        const single = charsmap.lookUp(codePoints, at, at + 1);
        if (single !== undefined) change(at, at + 1, single);
      }
    }
    start = end;
  }
  if (copied === 0) return text;
  out.copy(copied, length);
  return out.finish();
}

function isShort(codePoints: Int32Array, start: number, end: number): boolean {
  let bytes = 0;
  for (let at = start; at < end && bytes < LONG_GRAPHEME_BYTES; at += 1) bytes += utf8Length(codePoints[at]!);
  return bytes < LONG_GRAPHEME_BYTES;
}

/**
 * Writes `replacement` for the next `count` code points. Characters removed before anything is written are not counted,
 * so that all later ones seem to come from further left: tokenizers (Rust) does that, and its offsets are the reference.
 */
function putReplacement(out: Rewriter, replacement: Int32Array, count: number): void {
  for (let i = 0; i < replacement.length; i += 1) {
    if (i < count) out.replace(replacement[i]!);
    else out.insert(replacement[i]!);
  }
  if (replacement.length < count && out.length > 0) out.absorb(count - replacement.length);
}

/** Where the first code point from `at` on that is at least `limit` stands, or the end. */
function endBelow(text: AlignedText, at: number, limit: number): number {
  let end = at;
  while (end < text.length && text.codePoints[end]! < limit) end += 1;
  return end;
}
