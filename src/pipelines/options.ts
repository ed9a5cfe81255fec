// Checks of options that have no default to fill in: is it an object at all, is a flag a flag.
import { RobertalbertError, show } from "../errors.ts";

/**
 * What follows the input of a call: an object of options, with an AbortSignal or none.
 * @throws OPTION_INVALID
 */
export function expectOptions(options: object): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new RobertalbertError("OPTION_INVALID", `options are ${show(options)}, expected an object`);
  const { signal } = options as { signal?: AbortSignal | null };
  if (signal !== undefined && signal !== null && typeof signal.addEventListener !== "function")
    throw new RobertalbertError("OPTION_INVALID", `signal is ${show(signal)}, expected an AbortSignal`);
}

/** @throws OPTION_INVALID unless it is null or undefined (the default), true or false */
export function readFlag(value: unknown, name: string, otherwise = false): boolean {
  const flag = value ?? otherwise;
  if (typeof flag === "boolean") return flag;
  throw new RobertalbertError("OPTION_INVALID", `${name} is ${show(value)}, expected true or false`);
}
