// robertalbert/kernels: the compute kernels on Float32Arrays, for people who want just those.
import { RobertalbertError, show } from "./errors.ts";
import {
  type Activation,
  type AttentionOptions,
  activationCode,
  checkArray,
  checkPacking,
  checkSizes,
  given,
  isFloats,
  type LayerNormOptions,
  type MatmulOptions,
  type PackedMatrix,
  type PackOptions,
  type QuantizedRows,
  type SoftmaxOptions,
  wholeRows,
} from "./kernel-arguments.ts";
import type { Build, KernelOptions } from "./runtime/build.ts";
import { DOT_FORMS, type DotForm } from "./runtime/dot.ts";
import { ACTIVATION_CODE, KernelInstance } from "./runtime/kernel-instance.ts";
import { markBytes, panelBytes, roundUp8 } from "./weights/panels.ts";

export { type ErrorCode, RobertalbertError } from "./errors.ts";
export type {
  Activation,
  AttentionOptions,
  LayerNormOptions,
  MatmulOptions,
  MatrixDtype,
  PackedMatrix,
  PackOptions,
  QuantizedRows,
  SoftmaxOptions,
} from "./kernel-arguments.ts";
export type { Build, KernelOptions } from "./runtime/build.ts";
export type { DotForm } from "./runtime/dot.ts";

/**
 * Compiles and instantiates the kernels, with a wasm memory of their own.
 * @param options which build, or a compiled module where the runtime forbids compiling
 * @throws OPTION_INVALID, WASM_INVALID, WASM_UNSUPPORTED, FILE_NOT_FOUND
 */
export async function loadKernels(options: KernelOptions = {}): Promise<Kernels> {
  return new Kernels(await KernelInstance.create(options));
}

/** Addresses of a matrix in wasm memory (assembly/linear.ts); scales and sums are 0 in fp32, marks where it is used once. */
interface Panels {
  panels: number;
  scales: number;
  sums: number;
  marks: number;
}

/** Where a packed matrix lies, and whose it is. */
const packedIn = new WeakMap<PackedMatrix, { owner: Kernels; at: Panels }>();

/**
 * All matrices are row-major float32. Inputs are copied into wasm memory and the result out of it, so no argument is kept, and `out`
 * may be an input. Every method throws INPUT_INVALID for arrays that do not fit the shapes, OUT_OF_MEMORY when wasm memory cannot
 * hold them (then nothing has happened), and DISPOSED after `dispose()`.
 */
export class Kernels {
  /** The wasm build that computes. */
  readonly build: Build;
  /** How it multiplies bytes in "q8"; the result is the same in each form. */
  readonly dot: DotForm;
  private instance: KernelInstance | undefined;

  /** Use `loadKernels()`. */
  constructor(instance: KernelInstance) {
    this.instance = instance;
    this.build = instance.build;
    this.dot = instance.dot;
  }

  /** Bytes of wasm memory held: packed matrices and what the largest call needed; 0 after `dispose()`. */
  get memory_bytes(): number {
    return this.instance?.memoryBytes ?? 0;
  }

  /**
   * Brings B into the layout that `matmul` reads, for use in many calls.
   * @param b [K][N], or [N][K] with `transposed`
   */
  pack(b: Float32Array, options: PackOptions): PackedMatrix {
    const kernels = this.require();
    checkPacking(b, given(options));
    const { N, K, dtype = "fp32" } = options;
    const mark = kernels.mark;
    try {
      const packed: PackedMatrix = Object.freeze({ N, K, dtype });
      const at = this.packed(b, options);
      at.marks = kernels.allocate(markBytes(N, K, dtype));
      kernels.exports.markPanels(at.marks, at.panels, Math.ceil(N / 8), panelBytes(8, K, dtype));
      packedIn.set(packed, { owner: this, at });
      return packed;
    } catch (error) {
      kernels.release(mark);
      throw error;
    }
  }

  /**
   * activation(A·B + bias + residual). 2·M·N·K operations.
   * @param a [M][K]; in "q8" a row with NaN or an infinity gives a row of NaN
   * @param b what `pack` gave, or the values as `pack` takes them, which are then packed in each call
   * @returns [M][N]
   */
  matmul(a: Float32Array, b: PackedMatrix | Float32Array, options: MatmulOptions): Float32Array {
    const kernels = this.require();
    const { M, N, K, bias, residual, activation, out } = given(options);
    checkSizes({ M, N, K });
    checkArray("a", a, { M, K });
    if (bias) checkArray("bias", bias, { N });
    if (residual) checkArray("residual", residual, { M, N });
    if (isFloats(b)) checkPacking(b, options);
    const packedAt = isFloats(b) ? undefined : this.placeOf(b, options);
    const code = activation === undefined ? 0 : activationCode(activation);
    if (out) checkArray("out", out, { M, N });

    return this.scratch(() => {
      const { panels, scales, sums, marks } = packedAt ?? this.packed(b as Float32Array, options);
      const x = kernels.allocate(M * K * 4);
      const c = kernels.allocate(M * N * 4);
      const biasAt = bias ? kernels.allocate(roundUp8(N) * 4) : 0;
      const matrix = kernels.allocate(5 * 4);
      const scratch = kernels.allocate(kernels.exports.linearScratchBytes(M, K, scales !== 0));
      kernels.floats(x, M * K).set(a);
      if (bias) kernels.floats(biasAt, roundUp8(N)).fill(0).set(bias);
      if (residual) kernels.floats(c, M * N).set(residual);
      kernels.ints(matrix, 5).set([panels, biasAt, scales, sums, marks]);
      kernels.exports.linear(c, N * 4, x, K * 4, matrix, 0, residual ? c : 0, N * 4, scratch, M, N, K, code);
      return copyOut(kernels.floats(c, M * N), out);
    });
  }

  /**
   * Rows → 8 bits as the matmul in "q8" takes them, whatever form this engine multiplies in: scale = max(x, 0) / 255 - min(x, 0) / 255,
   * zero = round(-min(x, 0) / scale), value = round(x / scale) + zero, ties to even.
   * @param x [M][columns]
   * @param options.columns values in a row; default: all of `x` is one row
   */
  quantize(x: Float32Array, options?: { columns?: number }): QuantizedRows {
    const kernels = this.require();
    checkArray("x", x);
    const { columns: K = x.length } = given(options);
    checkSizes({ columns: K });
    const M = wholeRows(x, K);
    return this.scratch(() => {
      const depth = Math.ceil(K / 4) * 4;
      const rows = kernels.allocate(M * depth);
      const scales = kernels.allocate(M * 4);
      const zeros = kernels.allocate(M * 4);
      const at = kernels.allocate(M * K * 4);
      kernels.floats(at, M * K).set(x);
      kernels.exports.setForm(DOT_FORMS.indexOf("unsigned")); // the one that holds bytes as they are
      // One at a time: several would share tiles.
      for (let m = 0; m < M; m++) {
        kernels.exports.quantizeRows(rows + m * depth, scales + m * 4, zeros + m * 4, at + m * K * 4, K * 4, 1, K);
      }
      kernels.exports.setForm(DOT_FORMS.indexOf(this.dot));
      const values = new Uint8Array(M * K);
      for (let m = 0; m < M; m++) values.set(kernels.bytes(rows + m * depth, K), m * K);
      return { values, scales: kernels.floats(scales, M).slice(), zeros: Uint8Array.from(kernels.ints(zeros, M)) };
    });
  }

  /** x/2 · (1 + erf(x/√2)), max abs error 4e-7 on [-12, 12]. */
  gelu(x: Float32Array, out?: Float32Array): Float32Array {
    return this.activate("gelu", x, out);
  }

  /** x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))); Transformers: gelu_new, gelu_pytorch_tanh. */
  gelu_tanh(x: Float32Array, out?: Float32Array): Float32Array {
    return this.activate("gelu_tanh", x, out);
  }

  /** max(x, 0); NaN stays NaN. */
  relu(x: Float32Array, out?: Float32Array): Float32Array {
    return this.activate("relu", x, out);
  }

  /** x / (1 + e^-x); also called swish. */
  silu(x: Float32Array, out?: Float32Array): Float32Array {
    return this.activate("silu", x, out);
  }

  tanh(x: Float32Array, out?: Float32Array): Float32Array {
    return this.activate("tanh", x, out);
  }

  /**
   * (x - mean) / √(variance + eps) · gamma + beta over each row; biased variance, computed in two passes.
   * @param x [M][N] with N = gamma.length
   * @param gamma [N]
   * @param beta [N]
   */
  layernorm(x: Float32Array, gamma: Float32Array, beta: Float32Array, options?: LayerNormOptions): Float32Array {
    const kernels = this.require();
    checkArray("gamma", gamma);
    const N = gamma.length;
    const M = wholeRows(x, N);
    checkArray("beta", beta, { N });
    const { eps = 1e-12, out } = given(options);
    if (!(eps >= 0 && eps < Number.POSITIVE_INFINITY))
      throw new RobertalbertError("INPUT_INVALID", `eps is ${show(eps)}, expected a number from 0 up`);
    if (out) checkArray("out", out, { M, N });
    return this.scratch(() => {
      const rows = kernels.allocate(M * N * 4);
      const scale = kernels.allocate(N * 4);
      const shift = kernels.allocate(N * 4);
      kernels.floats(rows, M * N).set(x);
      kernels.floats(scale, N).set(gamma);
      kernels.floats(shift, N).set(beta);
      kernels.exports.layerNorm(rows, rows, scale, shift, M, N, eps);
      return copyOut(kernels.floats(rows, M * N), out);
    });
  }

  /**
   * e^(scale·x - max) / Σ e^(scale·x - max) over each row.
   * @param x [M][columns]
   */
  softmax(x: Float32Array, options?: SoftmaxOptions): Float32Array {
    const kernels = this.require();
    checkArray("x", x);
    const { columns: N = x.length, scale = 1, out } = given(options);
    checkSizes({ columns: N });
    const M = wholeRows(x, N);
    if (!(scale > 0 && scale < Number.POSITIVE_INFINITY))
      throw new RobertalbertError("INPUT_INVALID", `scale is ${show(scale)}, expected a number above 0`);
    if (out) checkArray("out", out, { M, N });
    return this.scratch(() => {
      const rows = kernels.allocate(M * N * 4);
      kernels.floats(rows, M * N).set(x);
      kernels.exports.softmax(rows, N * 4, M, N, scale);
      return copyOut(kernels.floats(rows, M * N), out);
    });
  }

  /**
   * Multi-head attention: softmax(Q·Kᵀ / √D)·V for each head; every query sees every key. 4·A·queries·keys·D flops.
   * @param q [queries][A·D]
   * @param k [keys][A·D]
   * @param v [keys][A·D]
   * @returns [queries][A·D]
   */
  attention(q: Float32Array, k: Float32Array, v: Float32Array, options: AttentionOptions): Float32Array {
    const kernels = this.require();
    const { queries, keys, heads: A, head_size: D, probabilities, out } = given(options);
    checkSizes({ queries, keys, heads: A, head_size: D });
    const H = A * D;
    checkArray("q", q, { queries, heads·head_size: H });
    checkArray("k", k, { keys, heads·head_size: H });
    checkArray("v", v, { keys, heads·head_size: H });
    if (probabilities) checkArray("probabilities", probabilities, { heads: A, queries, keys });
    if (out) checkArray("out", out, { queries, heads·head_size: H });
    return this.scratch(() => {
      const rows = kernels.allocate(queries * H * 4);
      const keyRows = kernels.allocate(keys * H * 4);
      const valueRows = kernels.allocate(keys * H * 4);
      const scratch = kernels.allocate(kernels.exports.attentionScratchBytes(keys, D));
      const scores = probabilities ? kernels.allocate(probabilities.byteLength) : 0;
      kernels.floats(rows, queries * H).set(q);
      kernels.floats(keyRows, keys * H).set(k);
      kernels.floats(valueRows, keys * H).set(v);
      kernels.exports.attention(rows, rows, keyRows, valueRows, H * 4, scores, scratch, queries, keys, A, D);
      probabilities?.set(kernels.floats(scores, probabilities.length));
      return copyOut(kernels.floats(rows, queries * H), out);
    });
  }

  /** Gives the wasm memory back to the garbage collector; packed matrices go with it. */
  dispose(): void {
    this.instance = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private activate(kind: Activation, x: Float32Array, out: Float32Array | undefined): Float32Array {
    const kernels = this.require();
    checkArray("x", x);
    if (out) checkArray("out", out, { "x.length": x.length });
    return this.scratch(() => {
      const at = kernels.allocate(x.byteLength);
      kernels.floats(at, x.length).set(x);
      kernels.exports.activateRows(ACTIVATION_CODE[kind], at, 0, 1, x.length);
      return copyOut(kernels.floats(at, x.length), out);
    });
  }

  /** Runs `compute` and gives back what it allocated. */
  private scratch<T>(compute: () => T): T {
    const kernels = this.require();
    const mark = kernels.mark;
    try {
      return compute();
    } finally {
      kernels.release(mark);
    }
  }

  /** B in a layout of its own, which stays allocated. The options have been checked. */
  private packed(b: Float32Array, { N, K, transposed = false, dtype = "fp32" }: PackOptions): Panels {
    const kernels = this.require();
    const panels = kernels.allocate(panelBytes(N, K, dtype));
    const isQ8 = dtype === "q8";
    const [scales, sums] = isQ8 ? [kernels.allocate(roundUp8(N) * 4), kernels.allocate(roundUp8(N) * 4)] : [0, 0];
    this.scratch(() => {
      const source = kernels.allocate(N * K * 4);
      const values = kernels.floats(source, N * K);
      if (!isQ8) {
        values.set(b);
        if (transposed) kernels.exports.packRows(panels, source, K * 4, N, K);
        else kernels.exports.packColumns(panels, source, N * 4, N, K);
        return;
      }
      if (transposed) values.set(b);
      else for (let k = 0; k < K; k++) for (let n = 0; n < N; n++) values[n * K + k] = b[k * N + n]!;
      if (kernels.exports.areFinite(source, N * K) !== 1)
        throw new RobertalbertError("INPUT_INVALID", `b holds NaN or infinities, which bytes cannot: use dtype "fp32"`);
      kernels.floats(scales, roundUp8(N)).fill(0);
      kernels.exports.packRowsI8(panels, scales, source, N, K);
      kernels.exports.sumColumnsI8(sums, panels, N, K);
    });
    return { panels, scales, sums, marks: 0 };
  }

  private placeOf(b: PackedMatrix, { N, K, dtype }: PackOptions): Panels {
    const packed = typeof b === "object" && b !== null ? packedIn.get(b) : undefined;
    if (packed?.owner !== this)
      throw new RobertalbertError(
        "INPUT_INVALID",
        `b is ${show(b)}, expected a Float32Array or what pack() of these kernels gave`,
      );
    if (b.N !== N || b.K !== K)
      throw new RobertalbertError("INPUT_INVALID", `b was packed with N ${b.N}, K ${b.K}, expected N ${N}, K ${K}`);
    if (dtype !== undefined && dtype !== b.dtype)
      throw new RobertalbertError("INPUT_INVALID", `b was packed as ${b.dtype}, but dtype is ${show(dtype)}`);
    return packed.at;
  }

  private require(): KernelInstance {
    if (this.instance) return this.instance;
    throw new RobertalbertError("DISPOSED", "the kernels have been disposed of: load them again with loadKernels()");
  }
}

/** A copy of what a kernel computed: made only now, when wasm memory could hold it. */
function copyOut(values: Float32Array, out: Float32Array | undefined): Float32Array {
  if (out === undefined) return values.slice();
  out.set(values);
  return out;
}
