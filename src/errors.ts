// Every error that this package throws on purpose: one class, a stable `code`, and a message that says what was wrong,
// where, what was expected and got, and what to do.

/** Stable identifiers, part of the public interface: messages may be reworded, codes may not. */
export type ErrorCode =
  | "ABORTED" // the caller's AbortSignal fired
  | "DISPOSED" // the model was disposed of before or during the call
  | "FILE_NOT_FOUND" // a folder or a file that was asked for is not there
  | "FILE_UNREADABLE" // it is there but cannot be read (permission, cut short while reading)
  | "FILE_UNWRITABLE" // it cannot be written: permission, full disk
  | "FILE_EXISTS" // it would be overwritten, and nobody said that it may be
  | "FILE_INVALID" // read, but not what its format says: JSON, safetensors header, index, vocabulary
  | "FILE_UNSUPPORTED" // well formed, but of a kind that is not read: a pickle that wants code to run, a compressed zip
  | "ACCESS_DENIED" // a server answered 401 or 403: a private or gated model, a wrong token
  | "NETWORK_FAILED" // no answer, a cut connection, 429 or 5xx, also after several attempts
  | "CONFIG_INVALID" // config.json has a value that cannot be, or that contradicts another
  | "CONFIG_UNSUPPORTED" // config.json is well formed but asks for what this package does not do
  | "TENSOR_MISSING" // a weight that the model needs is not in the checkpoint
  | "TENSOR_INVALID" // a weight has the wrong shape, dtype or values
  | "INPUT_INVALID" // an argument of a call has the wrong type, shape or value
  | "INPUT_TOO_LONG" // more tokens than the model has positions
  | "OPTION_INVALID" // an option has a value that is not among the allowed
  | "OPTION_UNSUPPORTED" // an option that exists elsewhere but not here (yet)
  | "TOKENIZER_INVALID" // tokenizer files that are cut short or contradict themselves
  | "TOKENIZER_UNSUPPORTED" // a kind of tokenizer that this package does not read itself
  | "DEPENDENCY_MISSING" // an optional peer dependency is needed and not installed
  | "WASM_INVALID" // bytes or a module that are not this package's kernels
  | "WASM_UNSUPPORTED" // the engine lacks what the wanted build needs
  | "OUT_OF_MEMORY"; // wasm memory cannot grow as far as needed

/**
 * The one base class of errors thrown on purpose. Test `error.code`, not the message.
 * After any such error the model or tokenizer concerned stays usable.
 */
export class RobertalbertError extends Error {
  override readonly name = "RobertalbertError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A short rendering of any value for error messages: never long (but long enough for a tensor's name), never throws. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 100 ? `${value.slice(0, 97)}...` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `a ${Object.prototype.toString.call(value).slice(8, -1)}`;
  if (typeof value === "object" && value !== null) return `an object (${Object.keys(value).slice(0, 5).join(", ")})`;
  return String(value);
}

/** @throws OPTION_INVALID for options that are no object */
export function expectOptions(options: unknown): void {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return;
  throw new RobertalbertError("OPTION_INVALID", `options are ${show(options)}, expected an object`);
}

/** What an option that is on or off comes to. @throws OPTION_INVALID unless it is true or false, or null or undefined: the default */
export function readFlag(value: unknown, name: string, otherwise = false): boolean {
  const flag = value ?? otherwise;
  if (typeof flag === "boolean") return flag;
  throw new RobertalbertError("OPTION_INVALID", `${name} is ${show(value)}, expected true or false`);
}
