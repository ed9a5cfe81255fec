// How many tokens of a text, or of each text of a pair, are kept; before special tokens are added, so that these stay.
import { RobertalbertError } from "../errors.ts";

export type TruncationStrategy = "longest_first" | "only_first" | "only_second";

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
  if (strategy === "only_second" && second === undefined) {
    throw new RobertalbertError(
      "OPTION_INVALID",
      `truncation "only_second" needs a second text, and there is none: use "only_first" or true`,
    );
  }
  if (strategy !== "longest_first") {
    const target = strategy === "only_first" ? first : other;
    if (target < excess) {
      throw new RobertalbertError(
        "OPTION_INVALID",
        `truncation "${strategy}" would have to cut ${excess} of ${target} tokens: raise max_length, or use truncation true (longest_first)`,
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
