// Extended grapheme clusters (Unicode Standard Annex 29, rules GB3 to GB11) over an array of code points, for the
// precompiled charsmap, which looks at whole graphemes. Not Intl.Segmenter: its Unicode is the engine's, and slow to ask.
// Two regional indicators (a flag, GB12 and GB13) count as two graphemes here: with 8 bytes nobody looks them up as one.
import { type GraphemeClass, graphemeClass } from "./unicode.ts";

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
/** Only what is at least this code point ever joins the one before it, CR LF aside. */
const FIRST_JOINING = 0x300;

const HANGUL: Partial<Record<GraphemeClass, readonly GraphemeClass[]>> = {
  L: ["L", "V", "LV", "LVT"],
  LV: ["V", "T"],
  V: ["V", "T"],
  LVT: ["T"],
  T: ["T"],
};

/** Where the grapheme that begins at `start` ends; `start` must be below `length`. Takes time in proportion to its size. */
export function graphemeEnd(codePoints: Int32Array, start: number, length: number): number {
  const first = codePoints[start]!;
  if (start + 1 === length) return length;
  const second = codePoints[start + 1]!;
  if (first < FIRST_JOINING && second < FIRST_JOINING) {
    return first === CARRIAGE_RETURN && second === LINE_FEED ? start + 2 : start + 1;
  }
  // After a picture: is it still only extended? After a consonant: has a linker (virama) been seen?
  let before = graphemeClass(first);
  let inPicture = before === "Pictographic";
  let inConjunct = before === "Consonant";
  let linked = false;
  let end = start + 1;
  for (; end < length; end += 1) {
    const after = graphemeClass(codePoints[end]!);
    const joinsPicture = after === "Pictographic" && before === "ZWJ" && inPicture;
    const joinsConsonant = after === "Consonant" && linked;
    if (!joinsPicture && !joinsConsonant && !joins(before, after)) break;
    const extending = after === "ConjunctExtend" || after === "Linker" || after === "ZWJ";
    linked = inConjunct && (after === "Linker" || (linked && extending));
    inConjunct = after === "Consonant" || (inConjunct && extending);
    inPicture = after === "Pictographic" || (inPicture && before !== "ZWJ" && (extending || after === "Extend"));
    before = after;
  }
  return end;
}

function joins(before: GraphemeClass, after: GraphemeClass): boolean {
  if (before === "CR" || before === "LF" || before === "Control") return before === "CR" && after === "LF";
  switch (after) {
    case "CR":
    case "LF":
    case "Control":
      return false;
    case "ConjunctExtend":
    case "Linker":
    case "Extend":
    case "ZWJ":
    case "SpacingMark":
      return true;
    default:
      return before === "Prepend" || (HANGUL[before]?.includes(after) ?? false);
  }
}
