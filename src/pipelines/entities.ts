// Labelled tokens → entities, by the rules of Transformers' TokenClassificationPipeline.

export type AggregationStrategy = "none" | "simple" | "first" | "average" | "max";

/** A token, with `aggregation_strategy: "none"`. */
export interface TokenEntity {
  entity: string;
  /** Probability. */
  score: number;
  /** The token's place in the text, special tokens counted. */
  index: number;
  word: string;
  /** [start, end) in the text, in UTF-16 units: `text.slice(start, end)`. */
  start: number;
  end: number;
}

/** Several tokens, with the other strategies. */
export interface EntityGroup {
  /** The label without B- or I-. */
  entity_group: string;
  /** The mean of the probabilities of its tokens, or of its words. */
  score: number;
  word: string;
  start: number;
  end: number;
}

export type Entity = TokenEntity | EntityGroup;

/** A token of a text with the probability of each label. */
export interface LabelledToken {
  text: string;
  id: number;
  isUnknown: boolean;
  labels: readonly string[];
  scores: readonly number[];
  /** [start, end) in the text, UTF-16 units. */
  start: number;
  end: number;
  index: number;
}

/** Tokens that have one label together: a token, or a word. */
interface Labelled {
  tokens: readonly LabelledToken[];
  label: string;
  score: number;
}

/**
 * The entities of one row of tokens.
 * @param decode ids to text
 */
export function toEntities(
  tokens: readonly LabelledToken[],
  strategy: AggregationStrategy,
  decode: (ids: readonly number[]) => string,
): Entity[] {
  if (strategy === "none") return tokens.map((token) => tokenEntity(token, decode));
  const single = (token: LabelledToken): Labelled => ({ tokens: [token], ...best(token, token.scores) });
  const labelled = strategy === "simple" ? tokens.map(single) : words(tokens).map((word) => labelWord(word, strategy));
  return groups(labelled).map((group) => entityGroup(group, decode));
}

/**
 * Entities of overlapping windows → each place once: of two that overlap the longer counts, of two equally long ones the likelier.
 */
export function resolveOverlaps(entities: readonly Entity[]): Entity[] {
  const kept: Entity[] = [];
  for (const entity of [...entities].sort((a, b) => a.start - b.start)) {
    const last = kept.at(-1);
    if (last === undefined || entity.start >= last.end) {
      kept.push(entity);
      continue;
    }
    const gain = entity.end - entity.start - (last.end - last.start);
    if (gain > 0 || (gain === 0 && entity.score > last.score)) kept[kept.length - 1] = entity;
  }
  return kept;
}

function tokenEntity(token: LabelledToken, decode: (ids: readonly number[]) => string): TokenEntity {
  const { label, score } = best(token, token.scores);
  const { index, start, end } = token;
  return { entity: label, score, index, word: wordOf([token], decode), start, end };
}

function entityGroup(group: readonly Labelled[], decode: (ids: readonly number[]) => string): EntityGroup {
  const tokens = group.flatMap((labelled) => labelled.tokens);
  return {
    entity_group: splitLabel(group[0]!.label).tag,
    score: group.reduce((sum, { score }) => sum + score, 0) / group.length,
    word: wordOf(tokens, decode),
    start: tokens[0]!.start,
    end: tokens.at(-1)!.end,
  };
}

/** What the tokens stand for; the text itself where one of them is unknown. */
function wordOf(tokens: readonly LabelledToken[], decode: (ids: readonly number[]) => string): string {
  if (tokens.some((token) => token.isUnknown)) return tokens[0]!.text.slice(tokens[0]!.start, tokens.at(-1)!.end);
  return decode(tokens.map((token) => token.id));
}

/** A token goes on with a word when no white space stands before it. (Transformers looks for U+0020 only.) */
function words(tokens: readonly LabelledToken[]): LabelledToken[][] {
  const found: LabelledToken[][] = [];
  for (const token of tokens) {
    const { text, start, isUnknown } = token;
    const goesOn = start > 0 && !/\s/.test(text.slice(start - 1, start + 1)) && !isUnknown;
    if (goesOn && found.length > 0) found.at(-1)!.push(token);
    else found.push([token]);
  }
  return found;
}

function labelWord(tokens: readonly LabelledToken[], strategy: "first" | "average" | "max"): Labelled {
  const first = tokens[0]!;
  switch (strategy) {
    case "first":
      return { tokens, ...best(first, first.scores) };
    case "max": {
      const top = tokens.map((token) => best(token, token.scores));
      return { tokens, ...top.reduce((a, b) => (b.score > a.score ? b : a)) };
    }
    case "average": {
      const mean = first.scores.map((_, i) => tokens.reduce((sum, { scores }) => sum + scores[i]!, 0) / tokens.length);
      return { tokens, ...best(first, mean) };
    }
  }
}

function best({ labels }: LabelledToken, scores: readonly number[]): { label: string; score: number } {
  const score = Math.max(...scores);
  return { label: labels[scores.indexOf(score)]!, score };
}

/** Neighbours of one label come together, unless the later one begins anew with B-. */
function groups(labelled: readonly Labelled[]): Labelled[][] {
  const found: Labelled[][] = [];
  for (const next of labelled) {
    const last = found.at(-1);
    const { tag, begins } = splitLabel(next.label);
    if (last && tag === splitLabel(last.at(-1)!.label).tag && !begins) last.push(next);
    else found.push([next]);
  }
  return found;
}

function splitLabel(label: string): { tag: string; begins: boolean } {
  const isPrefixed = label.startsWith("B-") || label.startsWith("I-");
  return { tag: isPrefixed ? label.slice(2) : label, begins: label.startsWith("B-") };
}
