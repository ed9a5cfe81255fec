// One text, or one text given as words, → its tokens: added tokens are found first, the algorithm makes the rest.
import { RobertalbertError, show } from "../errors.ts";
import { type AddedToken, AddedTokenFinder } from "./added-tokens.ts";
import { type Algorithm, TokenSink } from "./algorithm.ts";
import { isSpace } from "./byte-level/char-kinds.ts";
import type { Tokens } from "./rows.ts";
import type { Limit } from "./truncation.ts";

export class TextTokenizer {
  private readonly algorithm: Algorithm;
  private readonly inText: AddedTokenFinder;
  private readonly inNormalized: AddedTokenFinder;

  constructor(algorithm: Algorithm, added: readonly AddedToken[]) {
    this.algorithm = algorithm;
    this.inText = new AddedTokenFinder(new Map(added.filter((t) => !t.normalized).map((t) => [t.content, t])));
    this.inNormalized = new AddedTokenFinder(
      new Map(added.filter((t) => t.normalized).map((t) => [algorithm.normalize(t.content).text, t])),
    );
  }

  /**
   * @param limit how much is enough; undefined for all
   * @throws INPUT_INVALID for what is no string
   */
  encodeText(text: string, withPlaces: boolean, limit: Limit | undefined): Tokens {
    // From the left all is encoded first: where words begin is known from the left only.
    const fromLeft = limit?.side === "left";
    const sink = new TokenSink(withPlaces || fromLeft);
    if (limit && !fromLeft) sink.limit = limit.tokens;
    const addedWords = this.encode(text, sink);
    const tokens = { ids: sink.ids.subarray(0, sink.length), places: sink.places };
    return fromLeft ? lastWords(tokens, limit.tokens, addedWords) : tokens;
  }

  /** Each word by itself; its offsets count from its own beginning, and its number is the word of all its tokens. */
  encodeWords(words: readonly string[], withPlaces: boolean, limit: Limit | undefined): Tokens {
    // Array.from, as `map` steps over holes.
    const parts = Array.from(words, (word) => this.encodeText(word, withPlaces, limit));
    const sink = new TokenSink(withPlaces);
    parts.forEach((part, word) => {
      part.places?.words.fill(word);
      sink.append(part.ids, part.places);
    });
    return { ids: sink.ids.subarray(0, sink.length), places: sink.places };
  }

  /** @returns the words that are added tokens */
  private encode(text: string, sink: TokenSink): Set<number> {
    if (typeof text !== "string")
      throw new RobertalbertError("INPUT_INVALID", `a text is ${show(text)}, expected a string`);
    const addedWords = new Set<number>();
    for (const { token, start, end } of this.inText.split(text, 0, text.length)) {
      if (token) {
        addedWords.add(sink.nextWord);
        putAdded(token, text, start, end, sink);
      } else {
        this.encodeStretch(text, start, end, sink, addedWords);
        if (sink.length >= sink.limit) break;
      }
    }
    return addedWords;
  }

  /** The units [start, end), in which no added token stands as it is written. */
  private encodeStretch(text: string, start: number, end: number, sink: TokenSink, addedWords: Set<number>): void {
    const first = sink.length;
    const source = this.algorithm.normalize(text.slice(start, end));
    for (const part of this.inNormalized.split(source.text, 0, source.text.length)) {
      if (!part.token) {
        this.algorithm.encode(source, part.start, part.end, start === 0 && part.start === 0, sink);
        if (sink.length >= sink.limit) break;
        continue;
      }
      addedWords.add(sink.nextWord);
      putAdded(part.token, source.text, part.start, part.end, sink);
      if (sink.places && source.starts && source.ends) {
        sink.places.starts[sink.length - 1] = source.starts[part.start]!;
        sink.places.ends[sink.length - 1] = source.ends[part.end - 1]!;
      }
    }
    if (!sink.places || start === 0) return;
    for (let i = first; i < sink.length; i++) {
      sink.places.starts[i]! += start;
      sink.places.ends[i]! += start;
    }
  }
}

function putAdded(token: AddedToken, text: string, start: number, end: number, sink: TokenSink): void {
  sink.reserve(1);
  sink.ids[sink.length] = token.id;
  if (sink.places) {
    let lead = start;
    while (lead < end && isSpace(text.charCodeAt(lead))) lead++;
    let trail = end;
    while (trail > start && isSpace(text.charCodeAt(trail - 1))) trail--;
    sink.places.starts[sink.length] = start;
    sink.places.ends[sink.length] = end;
    sink.places.words[sink.length] = sink.nextWord;
    sink.places.leads[sink.length] = lead - start;
    sink.places.trails[sink.length] = end - trail;
  }
  sink.nextWord++;
  sink.length++;
}

/** The last words, as many as it takes for `limit` tokens; added tokens are no word to stop at. Words are counted anew. */
function lastWords({ ids, places }: Tokens, limit: number, addedWords: ReadonlySet<number>): Tokens {
  const words = places!.words;
  let start = ids.length;
  while (start > 0) {
    const word = words[start - 1]!;
    while (start > 0 && words[start - 1] === word) start--;
    if (ids.length - start >= limit && !addedWords.has(word)) break;
  }
  const cut = (values: Int32Array) => values.slice(start, ids.length);
  const { starts, ends, leads, trails } = places!;
  const firstWord = words[start] ?? 0;
  return {
    ids: cut(ids),
    places: {
      starts: cut(starts),
      ends: cut(ends),
      words: cut(words).map((word) => word - firstWord),
      leads: cut(leads),
      trails: cut(trails),
    },
  };
}
