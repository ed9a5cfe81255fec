// The pre-tokenisers of tokenizer.json that SentencePiece models have: they cut normalised text into words.
import { show } from "../../errors.ts";
import { type AlignedText, codePointsOf, Rewriter } from "./aligned-text.ts";
import { expectArray, expectObject, invalid, unsupported } from "./json.ts";
import { isBlank } from "./unicode.ts";

/** A text and its words: word i is from `bounds[2 * i]` to `bounds[2 * i + 1]`, never empty, in order. */
export interface Words {
  readonly text: AlignedText;
  readonly bounds: readonly number[];
  /** Whether nothing stands before this text, an added token for example. */
  readonly isFirst: boolean;
}

export type PreTokenizer = (words: Words) => Words;

const SPACE = 0x20;
const PREPEND_SCHEMES = ["always", "first", "never"] as const;

/** What Metaspace means, as a pre-tokeniser and as a decoder. */
export interface Metaspace {
  /** The code point that stands for a blank, usually ▁. */
  readonly replacement: number;
  /** Which words get one in front if they have none: each, the one at the very start of the text, or none. */
  readonly prepend: (typeof PREPEND_SCHEMES)[number];
  /** Whether a word ends before each of them. */
  readonly split: boolean;
}

/**
 * @param json a pre_tokenizer of tokenizer.json, or null for none
 * @param where its name there, for messages
 * @throws TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED
 */
export function parsePreTokenizer(json: unknown, where = "pre_tokenizer"): PreTokenizer {
  if (json === null || json === undefined) return (words) => words;
  const fields = expectObject(json, where);
  switch (fields.type) {
    case "Sequence": {
      const steps = expectArray(fields.pretokenizers, `${where}.pretokenizers`).map((step, i) =>
        parsePreTokenizer(expectObject(step, `${where}.pretokenizers[${i}]`), `${where}.pretokenizers[${i}]`),
      );
      return (words) => steps.reduce((current, step) => step(current), words);
    }
    case "WhitespaceSplit":
      return splitAtBlanks;
    case "Metaspace": {
      const metaspace = parseMetaspace(fields, where);
      return (words) => putMetaspaces(words, metaspace);
    }
    default:
      throw unsupported(`${where}.type`, fields.type, "Sequence, WhitespaceSplit, Metaspace");
  }
}

/** Both forms: `prepend_scheme`, and the older `add_prefix_space`. */
export function parseMetaspace(fields: Record<string, unknown>, where: string): Metaspace {
  const replacement = typeof fields.replacement === "string" ? codePointsOf(fields.replacement) : [];
  if (replacement.length !== 1) throw invalid(`${where}.replacement`, show(fields.replacement), "one character");
  const prefix = fields.add_prefix_space ?? undefined;
  if (prefix !== undefined && typeof prefix !== "boolean") {
    throw invalid(`${where}.add_prefix_space`, show(prefix), "true or false");
  }
  const prepend = fields.prepend_scheme ?? (prefix === false ? "never" : "always");
  if (!PREPEND_SCHEMES.includes(prepend as Metaspace["prepend"])) {
    throw invalid(`${where}.prepend_scheme`, show(prepend), PREPEND_SCHEMES.join(", "));
  }
  if (prefix === false && prepend !== "never") {
    throw invalid(`${where}.prepend_scheme`, show(prepend), '"never", because add_prefix_space is false');
  }
  const split = fields.split ?? true;
  if (typeof split !== "boolean") throw invalid(`${where}.split`, show(split), "true or false");
  return { replacement: replacement[0]!, prepend: prepend as Metaspace["prepend"], split };
}

function splitAtBlanks({ text, bounds, isFirst }: Words): Words {
  const pieces: number[] = [];
  for (let word = 0; word < bounds.length; word += 2) {
    const end = bounds[word + 1]!;
    let start = bounds[word]!;
    for (let at = start; at < end; at += 1) {
      if (!isBlank(text.codePoints[at]!)) continue;
      if (at > start) pieces.push(start, at);
      start = at + 1;
    }
    if (end > start) pieces.push(start, end);
  }
  return { text, bounds: pieces, isFirst };
}

function putMetaspaces({ text, bounds, isFirst }: Words, { replacement, prepend, split }: Metaspace): Words {
  const out = new Rewriter(text);
  const pieces: number[] = [];
  let read = 0;
  for (let word = 0; word < bounds.length; word += 2) {
    const first = bounds[word]!;
    const end = bounds[word + 1]!;
    out.skip(first - read);
    read = end;
    let start = out.length;
    const isWanted = prepend === "always" || (prepend === "first" && isFirst && text.starts[first] === 0);
    for (let at = first; at < end; at += 1) {
      const codePoint = text.codePoints[at]!;
      if (codePoint === SPACE || codePoint === replacement) {
        if (split && out.length > start) {
          pieces.push(start, out.length);
          start = out.length;
        }
        out.replace(replacement);
      } else if (at === first && isWanted) {
        out.replace(replacement);
        out.insert(codePoint);
      } else {
        out.replace(codePoint);
      }
    }
    pieces.push(start, out.length);
  }
  return { text: out.finish(), bounds: pieces, isFirst };
}
