// One instance of the kernels with a memory of its own: typed exports, views, and a bump allocator that grows it.
import { instantiateSync } from "@assemblyscript/loader";
import { RobertalbertError, show } from "../errors.ts";
import { type Build, type KernelOptions, loadModule } from "./build.ts";
import { chooseDot, DOT_FORMS, DOT_PROBE, type DotForm } from "./dot.ts";

type AttentionArguments = [
  context: number,
  q: number,
  k: number,
  v: number,
  strideBytes: number,
  scores: number,
  scratch: number,
  queries: number,
  keys: number,
  A: number,
  D: number,
];

/** Addresses and strides are bytes; see assembly/ for shapes. Address 0 means "none" where a kernel says so. */
export interface KernelExports {
  readonly heapBase: WebAssembly.Global;
  readonly relaxed: WebAssembly.Global;
  /** `matrix`: address of a Matrix (assembly/linear.ts); columns first … first + N - 1 of it. */
  linear(
    ...args: [
      c: number,
      ldcBytes: number,
      x: number,
      ldxBytes: number,
      matrix: number,
      first: number,
      init: number,
      ldinitBytes: number,
      scratch: number,
      M: number,
      N: number,
      K: number,
      activation: number,
    ]
  ): void;
  linearScratchBytes(M: number, K: number, areBytes: boolean): number;
  matmulF32ScratchBytes(K: number): number;
  matmulF32(
    ...args: [
      c: number,
      ldcBytes: number,
      a: number,
      ldaBytes: number,
      b: number,
      marks: number,
      bias: number,
      init: number,
      ldinitBytes: number,
      scratch: number,
      M: number,
      N: number,
      K: number,
      activation: number,
    ]
  ): void;
  packRowsI8(panels: number, scales: number, source: number, N: number, K: number): void;
  sumColumnsI8(sums: number, panels: number, N: number, K: number): void;
  /** In the form set: `out` holds 2 bytes a value in "i16", else 1. */
  quantizeRows(
    ...args: [out: number, scales: number, zeros: number, x: number, strideBytes: number, M: number, K: number]
  ): void;
  /** By the place in DOT_FORMS. */
  setForm(form: number): void;
  dotProbe(a: number, b: number): number;
  packRows(panels: number, source: number, sourceStrideBytes: number, N: number, K: number): void;
  packColumns(panels: number, source: number, sourceStrideBytes: number, N: number, K: number): void;
  markPanels(marks: number, panels: number, count: number, panelBytes: number): void;
  activateRows(kind: number, x: number, rowStrideBytes: number, rows: number, columns: number): void;
  layerNorm(out: number, x: number, gamma: number, beta: number, M: number, N: number, eps: number): void;
  softmax(x: number, rowStrideBytes: number, M: number, N: number, scale: number): void;
  attention(...args: AttentionArguments): void;
  /** The same in 8-bit integers, with scratch of its own size. */
  attentionI8(...args: AttentionArguments): void;
  attentionScratchBytes(keys: number, D: number): number;
  attentionI8ScratchBytes(keys: number, D: number): number;
  embed(
    ...args: [
      out: number,
      ids: number,
      types: number,
      positions: number,
      words: number,
      typeTable: number,
      positionTable: number,
      gamma: number,
      beta: number,
      T: number,
      E: number,
      eps: number,
    ]
  ): void;
  albertLayer(weights: number, call: number): void;
  areFinite(x: number, n: number): number;
  arePositive(x: number, n: number): number;
  multiplyAddPeak(operands: number, steps: number): void;
  pairDotPeak(operands: number, steps: number): void;
  byteDotPeak(operands: number, steps: number): void;
}

const PAGE_BYTES = 65536;
const MOST_BYTES = 2 ** 32 - PAGE_BYTES;
/** Behind the last allocation: kernels may read up to 7 floats beyond a row of the residual, 16 bytes beyond rows of pairs. */
const SLACK_BYTES = 64;

/** Activation kinds as the kernels number them (assembly/activation.ts). */
export const ACTIVATION_CODE = { none: 0, gelu: 1, gelu_tanh: 2, relu: 3, silu: 4, tanh: 5 } as const;

export class KernelInstance {
  readonly build: Build;
  /** How the int8 matmul multiplies. */
  readonly dot: DotForm;
  readonly exports: KernelExports;
  readonly memory: WebAssembly.Memory;
  private readonly limitBytes: number;
  /** The next free byte. Allocation is a stack: take, and go back to an earlier mark. */
  private top: number;

  private constructor(
    exports: KernelExports,
    memory: WebAssembly.Memory,
    limitBytes: number,
    forcedDot: DotForm | undefined,
  ) {
    this.exports = exports;
    this.build = exports.relaxed.value ? "relaxed" : "simd";
    this.dot = chooseDot(exports.dotProbe(...DOT_PROBE), forcedDot);
    exports.setForm(DOT_FORMS.indexOf(this.dot));
    this.memory = memory;
    this.limitBytes = limitBytes;
    this.top = exports.heapBase.value;
  }

  /**
   * @throws WASM_INVALID when the module is not this package's; WASM_UNSUPPORTED when the engine cannot run the forced build;
   *   OPTION_INVALID, also when a build is forced and the module given is the other, or a dot that the engine does not have
   */
  static async create(options: KernelOptions = {}): Promise<KernelInstance> {
    const { max_memory_bytes = MOST_BYTES } = options;
    if (typeof max_memory_bytes !== "number" || !(max_memory_bytes >= PAGE_BYTES)) {
      throw new RobertalbertError(
        "OPTION_INVALID",
        `max_memory_bytes is ${show(max_memory_bytes)}, expected a number from ${PAGE_BYTES} up`,
      );
    }
    const limitBytes = Math.min(max_memory_bytes, MOST_BYTES);
    const module = await loadModule(options);
    const names = new Set(WebAssembly.Module.exports(module).map((e) => e.name));
    if (!names.has("albertLayer") || !names.has("heapBase")) {
      throw new RobertalbertError(
        "WASM_INVALID",
        `the module exports ${[...names].slice(0, 5).join(", ") || "nothing"}: it is not this package's simd.wasm or relaxed.wasm`,
      );
    }
    const memory = new WebAssembly.Memory({ initial: 1 });
    let kernels: KernelInstance;
    try {
      // Synchronous: the loader's other function asks whether it got a Response, for which Node loads all of fetch (measured: 28 ms, 9 MB).
      const { exports } = instantiateSync(module, { env: { memory } });
      kernels = new KernelInstance(exports as unknown as KernelExports, memory, limitBytes, options.dot);
    } catch (cause) {
      if (cause instanceof RobertalbertError) throw cause;
      throw new RobertalbertError(
        "WASM_INVALID",
        `the kernels could not be instantiated: ${(cause as Error).message}; use the .wasm of this package's version`,
        { cause },
      );
    }
    if (options.build === undefined || options.build === kernels.build) return kernels;
    throw new RobertalbertError(
      "OPTION_INVALID",
      `build is ${show(options.build)}, but the module given is the ${kernels.build} build: pass the other .wasm, or leave build out`,
    );
  }

  /** Bytes of wasm memory that this instance holds. */
  get memoryBytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** Where the next allocation starts; hand it to `release` to give back all that was taken since. */
  get mark(): number {
    return this.top;
  }

  release(mark: number): void {
    this.top = mark;
  }

  /**
   * Takes `bytes`, aligned to a cache line. Contents are undefined. Growing detaches earlier views: make views after allocating.
   * @throws OUT_OF_MEMORY, before anything is taken
   */
  allocate(bytes: number): number {
    const address = Math.ceil(this.top / 64) * 64; // not & ~63: addresses pass 2^31
    this.ensure(address + bytes);
    this.top = address + bytes;
    return address;
  }

  /** Makes sure that memory reaches to `endBytes`. */
  ensure(endBytes: number): void {
    const missing = endBytes + SLACK_BYTES - this.memory.buffer.byteLength;
    if (missing <= 0) return;
    const pages = Math.ceil(missing / PAGE_BYTES);
    try {
      if (endBytes + SLACK_BYTES > this.limitBytes) throw new RangeError(`the limit is ${this.limitBytes} bytes`);
      this.memory.grow(pages);
    } catch (cause) {
      const have = this.memory.buffer.byteLength;
      throw new RobertalbertError(
        "OUT_OF_MEMORY",
        `wasm memory of ${have} bytes cannot grow to ${endBytes + SLACK_BYTES} (${(cause as Error).message}): use shorter inputs, dispose of other models, or raise max_memory_bytes`,
        { cause },
      );
    }
  }

  /** A view of memory, valid until the next allocation. */
  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }

  /** A view of memory, valid until the next allocation. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }

  /** A view of memory, valid until the next allocation. */
  ints(address: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, address, length);
  }
}
