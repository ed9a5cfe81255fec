// Expectations on the package's errors: the stable code, and a message that names what it should.
import { expect } from "vitest";
import { type ErrorCode, RobertalbertError } from "../../src/errors.ts";

/**
 * Calls `action` and expects it to throw or reject.
 * @param names what the message must contain: the file, tensor or argument, what was expected, what was got
 */
export async function expectError(action: () => unknown, code: ErrorCode, ...names: string[]): Promise<void> {
  const error: unknown = await Promise.resolve()
    .then(action)
    .then(
      (value) => new Error(`nothing was thrown, the result is ${String(value)}`),
      (reason: unknown) => reason,
    );
  if (!(error instanceof RobertalbertError)) throw error;
  expect(error.code, error.message).toBe(code);
  for (const name of names) expect(error.message).toContain(name);
  expect(error.message).not.toContain("\n");
  expect(error.message.length).toBeLessThan(500);
}
