// Lists that grow: what is in them stays, and what cannot be had is said.
import { expect, it } from "vitest";
import { withRoom } from "../../../src/tokenizer/training/grow.ts";
import { expectError } from "../../support/expect-error.ts";

it("keeps the list, or copies it into one at least twice as long", () => {
  const list = Int32Array.of(1, 2, 3);
  expect(withRoom(list, 3)).toBe(list);
  expect(withRoom(list, 4)).toEqual(Int32Array.of(1, 2, 3, 0, 0, 0));
  expect(withRoom(list, 7)).toEqual(Int32Array.of(1, 2, 3, 0, 0, 0, 0));
  expect(withRoom(new Float64Array([0.5]), 2)).toEqual(Float64Array.of(0.5, 0));
});

it("says when there is no room, or no number for a place", async () => {
  await expectError(
    () => withRoom(new Float64Array(1), 2 ** 31),
    "OUT_OF_MEMORY",
    "2147483648",
    "at most",
    "fewer texts",
  );
  await expectError(() => withRoom(new Uint8Array(1), 2 ** 52), "OUT_OF_MEMORY", "different words");
});
