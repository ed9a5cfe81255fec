// The normalisers of tokenizer.json that SentencePiece models have, each from aligned text to aligned text.
import { show } from "../../errors.ts";
import { type AlignedText, codePointsOf, Rewriter } from "./aligned-text.ts";
import { Charsmap, utf8Length } from "./charsmap.ts";
import { graphemeEnd } from "./graphemes.ts";
import { expectArray, expectObject, expectString, invalid, unsupported } from "./json.ts";
import { combiningClass, decompose, isMark, toLowerCase } from "./unicode.ts";

export type Normalizer = (text: AlignedText) => AlignedText;

const FIRST_DECOMPOSING = 0xa0;
const FIRST_COMBINING = 0x300;
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
  if (pattern.Regex !== undefined)
    throw unsupported(`${where}.pattern.Regex`, pattern.Regex, JSON.stringify(BLANK_RUN));
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
  for (let at = 0; at < text.length; ) {
    const end = endOfMatch(text, at);
    if (end > at) {
      out.skip(end - at);
      for (const codePoint of content) out.insert(codePoint);
      at = end;
    } else {
      out.replace(text.codePoints[at]!);
      at += 1;
    }
  }
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
  if (!reaches(text, FIRST_DECOMPOSING)) return text;
  const out = new Rewriter(text);
  let pending: { codePoint: number; combining: number; inserted: boolean }[] = [];
  const flush = () => {
    if (pending.length > 1) pending.sort((a, b) => a.combining - b.combining);
    for (const { codePoint, inserted } of pending) inserted ? out.insert(codePoint) : out.replace(codePoint);
    pending = [];
  };
  const add = (codePoint: number, inserted: boolean) => {
    const combining = combiningClass(codePoint);
    if (combining !== 0) pending.push({ codePoint, combining, inserted });
    else {
      flush();
      inserted ? out.insert(codePoint) : out.replace(codePoint);
    }
  };
  for (let at = 0; at < text.length; at += 1) {
    const codePoint = text.codePoints[at]!;
    const decomposed = decompose(codePoint);
    if (decomposed === undefined) add(codePoint, false);
    else codePointsOf(decomposed).forEach((part, i) => void add(part, i > 0));
  }
  flush();
  return out.finish();
}

function stripAccents(text: AlignedText): AlignedText {
  if (!reaches(text, FIRST_COMBINING)) return text;
  const out = new Rewriter(text);
  for (let at = 0; at < text.length; at += 1) {
    const codePoint = text.codePoints[at]!;
    if (isMark(codePoint)) out.skip(1);
    else out.replace(codePoint);
  }
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
  for (let start = 0; start < length; ) {
    const end = graphemeEnd(codePoints, start, length);
    const whole = isShort(codePoints, start, end) ? charsmap.lookUp(codePoints, start, end) : undefined;
    if (whole !== undefined) put(out, whole, end - start);
    else {
      for (let at = start; at < end; at += 1) {
        const replacement = charsmap.lookUp(codePoints, at, at + 1);
        if (replacement === undefined) out.replace(codePoints[at]!);
        else put(out, replacement, 1);
      }
    }
    start = end;
  }
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
function put(out: Rewriter, replacement: Int32Array, count: number): void {
  replacement.forEach((codePoint, i) => void (i < count ? out.replace(codePoint) : out.insert(codePoint)));
  if (replacement.length < count && out.length > 0) out.absorb(count - replacement.length);
}

function reaches(text: AlignedText, codePoint: number): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.codePoints[at]! >= codePoint) return true;
  return false;
}
