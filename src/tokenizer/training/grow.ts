// Room for more: lists that grow while a tokenizer is trained are typed arrays, of numbers and without an object for each.
import { RobertalbertError } from "../../errors.ts";

type List = Uint8Array | Int32Array | Float64Array;

/**
 * The list if it has `least` places, else a copy that has them and at least twice as many as before.
 * @throws OUT_OF_MEMORY when JavaScript has no room for them
 */
export function withRoom<T extends List>(list: T, least: number): T {
  if (least <= list.length) return list;
  const places = Math.max(least, 2 * list.length);
  try {
    const larger = new (list.constructor as new (length: number) => T)(places);
    larger.set(list);
    return larger;
  } catch (cause) {
    throw new RobertalbertError(
      "OUT_OF_MEMORY",
      `training needs ${places * list.BYTES_PER_ELEMENT} bytes more, which JavaScript cannot give (${(cause as Error).message}): train on fewer texts, it is the different words that need memory`,
      { cause },
    );
  }
}
