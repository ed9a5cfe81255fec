// Which tokens of a text, or of each text of a pair, are kept; before special tokens are added, so that these stay.
import { RobertalbertError } from "../errors.ts";

export type TruncationStrategy = "longest_first" | "only_first" | "only_second";

export interface Truncation {
  /** Tokens at most, special ones included. */
  maxLength: number;
  strategy: TruncationStrategy;
  /** The side that tokens are cut from. */
  side: "left" | "right";
  /** How many tokens a window shares with the one before it. */
  stride: number;
  /** Whether what is cut comes in further windows. */
  withOverflow: boolean;
  /** Whether that is all of it: see `return_overflowing_tokens`. */
  withAll: boolean;
}

/** How much of a text is encoded before it is cut: whole words from `side` on, until there are `tokens` or more. */
export interface Limit {
  tokens: number;
  /** The side that is left out. */
  side: "left" | "right";
}

/** What tokenizers 0.23 does of each text of a call before it truncates; undefined for all of it. */
export function limitOf(truncation: Truncation | undefined, isFirstOfPair: boolean): Limit | undefined {
  if (!truncation || truncation.withAll || (isFirstOfPair && truncation.strategy === "only_second")) return undefined;
  return { tokens: truncation.maxLength, side: truncation.side };
}

/** The tokens [start, end) of a text. */
export interface Window {
  start: number;
  end: number;
}

/**
 * As tokenizers' truncate_encodings. Lengths are without special tokens, and so is `room`.
 * @returns the tokens to keep of each
 * @throws OPTION_INVALID when the strategy may not cut enough
 */
export function keptLengths(
  first: number,
  second: number | undefined,
  room: number,
  strategy: TruncationStrategy,
): [number, number] {
  const other = second ?? 0;
  const excess = first + other - room;
  if (excess <= 0) return [first, other];
  // Where only the special tokens fit, tokenizers asks for no strategy.
  if (room === 0) return [0, 0];
  if (strategy === "only_second" && second === undefined) {
    throw new RobertalbertError(
      "OPTION_INVALID",
      `truncation "only_second" needs a second text, and there is none: use "only_first" or true`,
    );
  }
  if (strategy !== "longest_first") {
    const target = strategy === "only_first" ? first : other;
    if (target <= excess) {
      throw new RobertalbertError(
        "OPTION_INVALID",
        `truncation "${strategy}" would have to cut ${excess} of ${target} tokens, and one must stay: raise max_length, or use truncation true (longest_first)`,
      );
    }
    return strategy === "only_first" ? [first - excess, other] : [first, other - excess];
  }
  if (second === undefined) return [room, 0];
  let shorter = Math.min(first, other);
  let longer: number;
  if (shorter > room) longer = shorter;
  else longer = Math.max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room >> 1;
    longer = shorter + (room & 1);
  }
  return first <= other ? [shorter, longer] : [longer, shorter];
}

/**
 * The windows over a text's tokens: the kept one first, then, with overflow, on to its end (from the left: to its beginning).
 * @param length tokens of the text
 * @param kept how many fit into a window
 * @throws OPTION_INVALID when windows would not move on
 */
export function windows(length: number, kept: number, { side, stride, withOverflow }: Truncation): Window[] {
  if (kept >= length) return [{ start: 0, end: length }];
  // As tokenizers, also where nobody asked for the further windows; without a stride there are none to ask for then.
  if (stride >= kept && (withOverflow || stride > 0)) {
    throw new RobertalbertError(
      "OPTION_INVALID",
      `stride is ${stride}, and ${kept} tokens of the text fit into a window beside the special tokens: stride must be less; raise max_length`,
    );
  }
  const found: Window[] = [];
  for (let done = 0; ; done += kept - stride) {
    const near = Math.min(done + kept, length);
    found.push(side === "right" ? { start: done, end: near } : { start: length - near, end: length - done });
    if (!withOverflow || near === length) return found;
  }
}
