// What the normalisers ask about a code point, answered as tokenizers (Rust) does and not as the engine's Unicode would.
import { codePointsOf } from "./aligned-text.ts";
import { BLANKS, COMBINING_CLASSES, DECOMPOSING, GRAPHEMES, LOWER_CASE, MARKS } from "./unicode-tables.ts";

/** How a code point joins its neighbours into a grapheme; see graphemes.ts. */
export type GraphemeClass = keyof typeof GRAPHEMES | "LV" | "LVT" | "Other";

// Most text is below these, where no table needs to be asked.
const FIRST_NOT_ASCII = 0x80;
/** The first code point that is a mark. */
const FIRST_COMBINING = 0x300;
const FIRST_HANGUL_SYLLABLE = 0xac00;
const LAST_HANGUL_SYLLABLE = 0xd7a3;
const HANGUL_TRAILS = 28;

/** Sorted ranges of code points with a value each, read from a table's text when first asked. */
class RangeTable<Value> {
  private readonly tables: readonly (readonly [Value, string])[];
  private readonly other: Value;
  private firsts: Int32Array | undefined;
  private lasts = new Int32Array(0);
  private values: Value[] = [];

  constructor(tables: readonly (readonly [Value, string])[], other: Value) {
    this.tables = tables;
    this.other = other;
  }

  get(codePoint: number): Value {
    const firsts = this.firsts ?? this.read();
    let low = 0;
    let high = firsts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (firsts[middle]! <= codePoint) low = middle + 1;
      else high = middle;
    }
    return low > 0 && codePoint <= this.lasts[low - 1]! ? this.values[low - 1]! : this.other;
  }

  private read(): Int32Array {
    const ranges: { first: number; last: number; value: Value }[] = [];
    for (const [value, text] of this.tables) {
      const numbers = readNumbers(text);
      for (let i = 0, end = 0; i < numbers.length; i += 2) {
        const first = end + numbers[i]!;
        end = first + numbers[i + 1]!;
        ranges.push({ first, last: end - 1, value });
      }
    }
    ranges.sort((a, b) => a.first - b.first);
    this.lasts = Int32Array.from(ranges, (range) => range.last);
    this.values = ranges.map((range) => range.value);
    this.firsts = Int32Array.from(ranges, (range) => range.first);
    return this.firsts;
  }
}

function readNumbers(text: string): number[] {
  return text.split(/[ \n]/).map((word) => Number.parseInt(word, 36));
}

const decomposing = /* @__PURE__ */ new RangeTable([[true, DECOMPOSING]], false);
const marks = /* @__PURE__ */ new RangeTable([[true, MARKS]], false);
const blanks = /* @__PURE__ */ new RangeTable([[true, BLANKS]], false);
const combiningClasses = /* @__PURE__ */ new RangeTable(
  Object.entries(COMBINING_CLASSES).map(([value, text]) => [Number(value), text] as const),
  0,
);
const graphemes = /* @__PURE__ */ new RangeTable<GraphemeClass>(
  Object.entries(GRAPHEMES) as [GraphemeClass, string][],
  "Other",
);
/** The decompositions that have been needed so far; there are 16,894 in all. */
const decompositions = /* @__PURE__ */ new Map<number, Int32Array>();
let lowerCase: Map<number, number> | undefined;

/** The full compatibility decomposition, in canonical order; undefined when the code point stays as it is. */
export function decompose(codePoint: number): Int32Array | undefined {
  if (codePoint < FIRST_NOT_ASCII || !decomposing.get(codePoint)) return undefined;
  let parts = decompositions.get(codePoint);
  if (parts === undefined) {
    parts = codePointsOf(String.fromCodePoint(codePoint).normalize("NFKD"));
    decompositions.set(codePoint, parts);
  }
  return parts;
}

/** Canonical combining class: marks of one class keep their order, others are sorted by it; 0 for all that is no mark. */
export function combiningClass(codePoint: number): number {
  return codePoint < FIRST_COMBINING ? 0 : combiningClasses.get(codePoint);
}

/** Whether StripAccents removes it. */
export function isMark(codePoint: number): boolean {
  return codePoint >= FIRST_COMBINING && marks.get(codePoint);
}

/** Whether it separates words. */
export function isBlank(codePoint: number): boolean {
  return codePoint === 0x20 || blanks.get(codePoint);
}

/** The lower case of one code point by itself: Σ is σ everywhere, and İ, which becomes two, is the caller's to know. */
export function toLowerCase(codePoint: number): number {
  if (codePoint < FIRST_NOT_ASCII) return codePoint >= 0x41 && codePoint <= 0x5a ? codePoint + 32 : codePoint;
  lowerCase ??= readLowerCase();
  return lowerCase.get(codePoint) ?? codePoint;
}

function readLowerCase(): Map<number, number> {
  const map = new Map<number, number>();
  const numbers = readNumbers(LOWER_CASE);
  for (let i = 0, end = 0; i < numbers.length; i += 4) {
    const [gap, count, stride, delta] = numbers.slice(i, i + 4) as [number, number, number, number];
    const first = end + gap;
    for (let n = 0; n < count; n += 1) map.set(first + n * stride, first + n * stride + delta);
    end = first + (count - 1) * stride + 1;
  }
  return map;
}

export function graphemeClass(codePoint: number): GraphemeClass {
  if (codePoint >= FIRST_HANGUL_SYLLABLE && codePoint <= LAST_HANGUL_SYLLABLE) {
    return (codePoint - FIRST_HANGUL_SYLLABLE) % HANGUL_TRAILS === 0 ? "LV" : "LVT";
  }
  return graphemes.get(codePoint);
}
