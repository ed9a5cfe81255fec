// What the methods of robertalbert/kernels take: their options, and the checks that arrays fit the shapes said.
import { RobertalbertError, show } from "./errors.ts";
import { ACTIVATION_CODE } from "./runtime/kernel-instance.ts";
import { MOST_Q8_INPUTS } from "./weights/panels.ts";

/** Names of the elementwise functions; `gelu` is the exact erf form, `gelu_tanh` the approximation. */
export type Activation = Exclude<keyof typeof ACTIVATION_CODE, "none">;

export interface PackOptions {
  /** Columns of B, the outputs. */
  N: number;
  /** Rows of B, the inputs. */
  K: number;
  /** Whether `b` is Bᵀ [N][K], as PyTorch's Linear stores its weight. Default: false, `b` is [K][N]. */
  transposed?: boolean;
  /**
   * "q8": B in bytes, a scale for each column (its greatest |value| / 127), and A quantised on the way in as `quantize` does it; sums of
   * integers, the same bits on every engine. B must be finite then and K at most 66,311. Default: "fp32".
   */
  dtype?: MatrixDtype;
}

export type MatrixDtype = "fp32" | "q8";

/** A matrix in the layout that `matmul` reads, in wasm memory. It lives until `dispose()` of the kernels that made it. */
export interface PackedMatrix {
  readonly N: number;
  readonly K: number;
  readonly dtype: MatrixDtype;
}

/** Rows in 8 bits: x ≈ (value - zero)·scale. */
export interface QuantizedRows {
  /** [M][columns], 0 … 255. */
  values: Uint8Array;
  /** [M]; 0 for a row of zeros (or below 3e-36 throughout), NaN for one that holds NaN or an infinity: its values say nothing. */
  scales: Float32Array;
  /** [M], 0 … 255: which value stands for 0. */
  zeros: Uint8Array;
}

export interface MatmulOptions extends PackOptions {
  /** Rows of A. */
  M: number;
  /** [N], added to each row. */
  bias?: Float32Array;
  /** [M][N], added before the activation. */
  residual?: Float32Array;
  activation?: Activation;
  /** [M][N], where the result goes; may be any of the inputs. Default: a new array. */
  out?: Float32Array;
}

export interface LayerNormOptions {
  /** Added to the variance, inside the root. Default: 1e-12, as ALBERT has it. */
  eps?: number;
  out?: Float32Array;
}

export interface SoftmaxOptions {
  /** Values in a row: each row is normalised. Default: all of `x` is one row. */
  columns?: number;
  /** A factor > 0 on all values before. Default: 1. */
  scale?: number;
  out?: Float32Array;
}

export interface AttentionOptions {
  queries: number;
  keys: number;
  /** Heads A and their size D: rows of q, k, v and of the result are [A][D]. */
  heads: number;
  head_size: number;
  /** [A][queries][keys]: receives the softmax weights. Default: they are not kept. */
  probabilities?: Float32Array;
  out?: Float32Array;
}

/** No options are empty ones: a size that is missing is then named. */
export function given<Options>(options: Options | null | undefined): Options {
  return options ?? ({} as Options);
}

export function activationCode(name: Activation): number {
  // "none" is a code for the kernels, no activation: whoever wants none leaves it out.
  if (Object.hasOwn(ACTIVATION_CODE, name) && (name as string) !== "none") return ACTIVATION_CODE[name];
  const known = Object.keys(ACTIVATION_CODE).slice(1).join(", ");
  throw new RobertalbertError("OPTION_INVALID", `activation is ${show(name)}, expected one of ${known}`);
}

export function checkSizes(sizes: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RobertalbertError("INPUT_INVALID", `${name} is ${show(size)}, expected a whole number from 1 up`);
  }
}

export function checkPacking(b: Float32Array, { N, K, transposed = false, dtype = "fp32" }: PackOptions): void {
  checkSizes({ N, K });
  checkArray("b", b, transposed ? { N, K } : { K, N });
  if (dtype !== "fp32" && dtype !== "q8")
    throw new RobertalbertError("OPTION_INVALID", `dtype is ${show(dtype)}, expected "fp32" or "q8"`);
  if (dtype === "q8" && K > MOST_Q8_INPUTS)
    throw new RobertalbertError(
      "INPUT_INVALID",
      `K is ${K}, in q8 at most ${MOST_Q8_INPUTS} products can be summed: split it, or use dtype "fp32"`,
    );
}

/** By name, not instanceof: test runners and iframes have several realms. */
export function isFloats(value: unknown): value is Float32Array {
  return Object.prototype.toString.call(value) === "[object Float32Array]";
}

export function checkArray(name: string, values: Float32Array, shape?: Readonly<Record<string, number>>): void {
  if (!isFloats(values))
    throw new RobertalbertError("INPUT_INVALID", `${name} is ${show(values)}, expected a Float32Array`);
  if (shape === undefined) return;
  const size = Object.values(shape).reduce((a, b) => a * b, 1);
  if (values.length === size) return;
  const expected = Object.entries(shape).map(([letter, n]) => `${letter} ${n}`);
  throw new RobertalbertError(
    "INPUT_INVALID",
    `${name} has ${values.length} floats, expected ${size} (${expected.join(" × ")})`,
  );
}

/** The number of rows of N floats that x is. */
export function wholeRows(x: Float32Array, N: number): number {
  checkArray("x", x);
  if (x.length > 0 && x.length % N === 0) return x.length / N;
  throw new RobertalbertError("INPUT_INVALID", `x has ${x.length} floats, expected whole rows of ${N}`);
}
