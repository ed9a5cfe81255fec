// Start and end logits → the likeliest spans, by the rules of Transformers' QuestionAnsweringPipeline.
import { softmax } from "./math.ts";

/** One value a token of a row. */
export interface SpanLogits {
  start: Float32Array;
  end: Float32Array;
}

export interface SpanProbabilities {
  start: Float64Array;
  end: Float64Array;
}

export interface Span {
  /** Tokens of the row, both in the span. */
  first: number;
  last: number;
  score: number;
}

/** Softmax over the tokens that may take part (context and [CLS]); 0 for the others. */
export function spanProbabilities(logits: SpanLogits, takesPart: (t: number) => boolean): SpanProbabilities {
  const probabilities = (values: Float32Array) =>
    softmax(Float64Array.from(values, (value, t) => (takesPart(t) ? value : Number.NEGATIVE_INFINITY)));
  return { start: probabilities(logits.start), end: probabilities(logits.end) };
}

/** How likely it is that there is no answer: start and end on [CLS]. */
export function nullScore({ start, end }: SpanProbabilities): number {
  return start[0]! * end[0]!;
}

/**
 * The `count` best spans of at most `longest` tokens, best first. Looks at tokens × longest pairs and keeps `count`: no table of
 * all starts and ends.
 */
export function bestSpans(
  { start, end }: SpanProbabilities,
  isContext: (t: number) => boolean,
  longest: number,
  count: number,
): Span[] {
  const best: Span[] = [];
  for (let first = 0; first < start.length; first++) {
    if (!isContext(first)) continue;
    for (let last = first; last < Math.min(first + longest, end.length) && isContext(last); last++) {
      const score = start[first]! * end[last]!;
      if (best.length >= count && !(score > best.at(-1)!.score)) continue;
      let at = best.length;
      while (at > 0 && best[at - 1]!.score < score) at--;
      best.splice(at, 0, { first, last, score });
      if (best.length > count) best.pop();
    }
  }
  return best;
}
