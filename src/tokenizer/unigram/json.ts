// Reading a value out of tokenizer.json, or saying which field is wrong and how.
import { RobertalbertError, show } from "../../errors.ts";

export function expectObject(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(where, show(value), "an object");
  return value as Record<string, unknown>;
}

export function expectArray(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(where, show(value), "an array");
  return value;
}

export function expectString(value: unknown, where: string): string {
  if (typeof value !== "string") throw invalid(where, show(value), "a string");
  return value;
}

export function invalid(where: string, got: string, expected: string): RobertalbertError {
  return new RobertalbertError(
    "TOKENIZER_INVALID",
    `tokenizer.json: ${where} is ${got}, expected ${expected}: the file is damaged or edited, fetch it again`,
  );
}

export function unsupported(where: string, got: unknown, known: string): RobertalbertError {
  return new RobertalbertError(
    "TOKENIZER_UNSUPPORTED",
    `tokenizer.json: ${where} is ${show(got)}; of these this package's Unigram knows ${known}`,
  );
}
