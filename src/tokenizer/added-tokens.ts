// Added tokens (<s>, <mask>, …): found in a text before the algorithm sees it, as tokenizers' AddedVocabulary does.
import { RobertalbertError, show } from "../errors.ts";
import { isSpace, isWordCharacter } from "./byte-level/char-kinds.ts";

export interface AddedToken {
  id: number;
  content: string;
  /** Takes the whitespace before it. */
  lstrip: boolean;
  /** Takes the whitespace behind it. */
  rstrip: boolean;
  /** Only found where no word character touches it. */
  single_word: boolean;
  /** Looked for in the normalised text instead of the original. */
  normalized: boolean;
  /** Left out by decode with skip_special_tokens. */
  special: boolean;
}

/**
 * @param json a list of tokens as tokenizer.json has it, absent for none
 * @param where what to call it in messages
 * @throws TOKENIZER_INVALID
 */
export function readAddedTokens(json: unknown, where: string): AddedToken[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json)) throw invalid(`${where} is ${show(json)}, expected a list`);
  return json.map((value, i) => {
    const token = value as Partial<AddedToken> | null;
    if (!Number.isSafeInteger(token?.id) || token!.id! < 0 || typeof token?.content !== "string" || !token.content)
      throw invalid(`${where}: added token ${i} is ${show(value)}, expected an object with an id and a content`);
    const {
      id,
      content,
      lstrip = false,
      rstrip = false,
      single_word = false,
      normalized = true,
      special = false,
    } = token;
    return { id: id as number, content, lstrip, rstrip, single_word, normalized, special };
  });
}

/** A piece of text: an added token, or (token undefined) what lies between. */
export interface Stretch {
  token: AddedToken | undefined;
  start: number;
  end: number;
}

export class AddedTokenFinder {
  private readonly pattern: RegExp | undefined;
  private readonly byContent: ReadonlyMap<string, AddedToken>;

  /** @param contents what to look for; of several that match at one place the longest wins */
  constructor(contents: ReadonlyMap<string, AddedToken>) {
    this.byContent = contents;
    const sources = [...contents.keys()].filter((content) => content !== "").sort((a, b) => b.length - a.length);
    this.pattern = sources.length
      ? new RegExp(sources.map((s) => s.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "g")
      : undefined;
  }

  /** Splits the units [start, end) of a text. Empty stretches are left out. */
  split(text: string, start: number, end: number): Stretch[] {
    const stretches: Stretch[] = [];
    let done = start;
    if (this.pattern) {
      this.pattern.lastIndex = start;
      for (let match = this.pattern.exec(text); match !== null; match = this.pattern.exec(text)) {
        const token = this.byContent.get(match[0])!;
        let from = match.index;
        let to = from + match[0].length;
        if (to > end) break;
        if (token.single_word && (isWordBefore(text, from, start) || isWordBehind(text, to, end))) continue;
        if (token.lstrip) while (from > done && isSpace(text.charCodeAt(from - 1))) from--;
        if (token.rstrip) while (to < end && isSpace(text.charCodeAt(to))) to++;
        if (from > done) stretches.push({ token: undefined, start: done, end: from });
        stretches.push({ token, start: from, end: to });
        // The search goes on behind the content, not behind the blanks that rstrip took: as in tokenizers, a token that begins
        // with such a blank is found, too, and lies over it once more.
        done = to;
      }
    }
    if (done < end) stretches.push({ token: undefined, start: done, end });
    return stretches;
  }
}

function isWordBefore(text: string, at: number, start: number): boolean {
  if (at === start) return false;
  const low = text.charCodeAt(at - 1);
  const isPair = low >= 0xdc00 && low <= 0xdfff && at - 2 >= start;
  return isWordCharacter(text.codePointAt(isPair ? at - 2 : at - 1)!);
}

function isWordBehind(text: string, at: number, end: number): boolean {
  return at < end && isWordCharacter(text.codePointAt(at)!);
}

function invalid(message: string): RobertalbertError {
  return new RobertalbertError("TOKENIZER_INVALID", `${message}; fetch the file again`);
}
