// Room for more: lists that grow while a tokenizer is trained are typed arrays, of numbers and without an object for each.
import { RobertalbertError } from "../../errors.ts";

type List = Uint8Array | Int32Array | Float64Array;

/** Places in a list are kept in Int32Arrays. */
const MOST_PLACES = 2 ** 31 - 1;

/**
 * The list if it has `least` places, else a copy that has them, and twice as many as before if that is more.
 * @throws OUT_OF_MEMORY when JavaScript has no room for them
 */
export function withRoom<T extends List>(list: T, least: number): T {
  if (least <= list.length) return list;
  const places = Math.max(least, Math.min(2 * list.length, MOST_PLACES));
  try {
    if (places > MOST_PLACES) throw new RangeError(`${MOST_PLACES} at most`);
    const larger = new (list.constructor as new (length: number) => T)(places);
    larger.set(list);
    return larger;
  } catch (cause) {
    throw new RobertalbertError(
      "OUT_OF_MEMORY",
      `training needs a list of ${places} numbers, which JavaScript cannot give (${(cause as Error).message}): train on fewer texts, it is the different words that need memory`,
      { cause },
    );
  }
}
