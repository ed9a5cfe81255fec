// The assertion that a result is close to its reference.
import { expect } from "vitest";
import { maxAbsError, nmse } from "./distance.ts";

/** Same length, and both measures within their bounds. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  bounds: { nmse: number; maxAbs: number },
  label = "",
): void {
  expect(actual.length, label).toBe(expected.length);
  expect(nmse(actual, expected), `${label} NMSE`).toBeLessThanOrEqual(bounds.nmse);
  expect(maxAbsError(actual, expected), `${label} max abs error`).toBeLessThanOrEqual(bounds.maxAbs);
}

/** Same length and the same numbers, -0 told from 0; any NaN equals any other. */
export function expectSameBits(actual: ArrayLike<number>, expected: ArrayLike<number>, label = ""): void {
  expect(actual.length, label).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) expect.fail(`${label} ${actual[i]} at ${i}, expected ${expected[i]}`);
  }
}
