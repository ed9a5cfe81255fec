// AlbertPreTrainedModel: what all models share: the call, its queue, its options, and disposal.
import { Callable } from "../callable.ts";
import type { AlbertConfig } from "../config/config.ts";
import { RobertalbertError, readFlag, show } from "../errors.ts";
import type { Build } from "../runtime/build.ts";
import type { DotForm } from "../runtime/dot.ts";
import { Tensor } from "../tensor.ts";
import type { Captures, Encoder } from "./encoder.ts";
import { type Head, startAll } from "./heads/head.ts";
import { type Batch, type ModelInputs, readInputs } from "./inputs.ts";
import { OutputLayout, outputFloats } from "./output-layout.ts";
import { checkOutputRows, makePacks, type OutputRows } from "./packs.ts";
import type { ComputeDtype } from "./weight-loader.ts";

export interface CallOptions {
  /** Adds `hidden_states`: 1 + num_hidden_layers · inner_group_num Tensors [B, T, H]. */
  output_hidden_states?: boolean;
  /** Adds `attentions`: num_hidden_layers · inner_group_num Tensors [B, A, T, T]. */
  output_attentions?: boolean;
  /**
   * Per text the positions whose outputs are wanted. Per-token outputs are then [rows, width], text after text in the order
   * given, and the last layer computes these rows alone.
   */
  output_rows?: readonly (readonly number[])[];
  /** Ends the call with an ABORTED error: at once where it waits its turn, else after the layer that is being computed. */
  signal?: AbortSignal;
}

/** What every model can give; each class adds its own Tensors. */
export interface ModelOutput {
  hidden_states?: Tensor[];
  attentions?: Tensor[];
}

/** Of the classes with one head. */
export interface LogitsOutput extends ModelOutput {
  /** Absent when loaded with `allow_missing` from a checkpoint without this head. */
  logits: Tensor;
}

/** How Transformers' loading report reads. */
export interface LoadingInfo {
  missing_keys: readonly string[];
  unexpected_keys: readonly string[];
}

export interface AlbertPreTrainedModel<Output extends ModelOutput = ModelOutput> {
  // biome-ignore lint/style/useShorthandFunctionType: a class with a call signature needs the merged interface
  (inputs: ModelInputs & CallOptions, options?: CallOptions): Promise<Output>;
}

/**
 * A model with its weights in a wasm memory of its own. Call it: `await model(inputs, options)`. Calls made at once are
 * queued. Hidden positions (attention_mask 0) are not computed: their outputs are 0.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Callable makes the instance a function
export abstract class AlbertPreTrainedModel<Output extends ModelOutput = ModelOutput> extends Callable {
  readonly config: AlbertConfig;
  readonly loading_info: LoadingInfo;
  /** How it computes: in floats, or in bytes. */
  readonly dtype: ComputeDtype;
  /** The wasm build that computes, and how its int8 kernels multiply. */
  readonly build: Build;
  readonly dot: DotForm;
  private loaded: { encoder: Encoder; heads: readonly Head[] } | undefined;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(encoder: Encoder, heads: readonly Head[], loadingInfo: LoadingInfo) {
    super();
    this.config = encoder.config;
    this.dtype = encoder.dtype;
    this.build = encoder.kernels.build;
    this.dot = encoder.kernels.dot;
    // Not the weights that it may be part of: they would keep the files' bytes in memory.
    const { missing_keys, unexpected_keys } = loadingInfo;
    this.loading_info = { missing_keys, unexpected_keys };
    this.loaded = { encoder, heads };
  }

  /** Bytes of wasm memory held; 0 after `dispose()`. It grows to what the longest call needed and no further. */
  get memory_bytes(): number {
    return this.loaded?.encoder.kernels.memoryBytes ?? 0;
  }

  /**
   * @throws INPUT_INVALID, INPUT_TOO_LONG, OPTION_INVALID, OUT_OF_MEMORY, ABORTED, DISPOSED; the model stays usable (but for DISPOSED)
   */
  async _call(inputs: ModelInputs & CallOptions, options: CallOptions = {}): Promise<Output> {
    const batch = readInputs(inputs, this.config);
    return this.run(batch, { ...pickOptions(inputs), ...options }, this.requireLoaded().heads);
  }

  /**
   * Gives the wasm memory back (to the garbage collector: nothing here refers to it any more). A call that is under way is
   * rejected with DISPOSED, as are queued and later ones.
   */
  async dispose(): Promise<void> {
    this.loaded = undefined;
    await this.queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** Queues one forward pass of `batch` through encoder and heads. */
  protected run(batch: Batch, options: CallOptions, heads: readonly Head[]): Promise<Output> {
    checkOptions(options);
    checkOutputRows(options.output_rows, batch);
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(aborted(signal));
    const result = this.queue.then(() => this.forward(batch, options, heads));
    this.queue = result.catch(() => undefined);
    return signal ? untilAborted(result, signal) : result;
  }

  protected requireLoaded(): { encoder: Encoder; heads: readonly Head[] } {
    if (this.loaded) return this.loaded;
    throw new RobertalbertError("DISPOSED", "the model has been disposed of: load it again with from_pretrained");
  }

  private async forward(batch: Batch, options: CallOptions, heads: readonly Head[]): Promise<Output> {
    const alive = () => {
      this.requireLoaded();
      throwIfAborted(options.signal);
    };
    alive();
    const { encoder } = this.requireLoaded();
    const captures = startCaptures(batch, options, encoder);
    const layout = new OutputLayout(batch, options.output_rows);
    const packs = makePacks(
      batch,
      rowsToCompute(batch, options, heads),
      heads.some((head) => head.readsPooler),
    );
    const run = startAll(heads, encoder, batch, layout);
    for (const pack of packs) {
      await run.take(pack, await encoder.run(pack, batch, captures, alive));
      alive();
    }

    const { hidden_size: H, num_attention_heads: A } = encoder.config;
    const { B, T } = batch;
    const output: ModelOutput = run.outputs();
    if (captures.hiddenStates)
      output.hidden_states = captures.hiddenStates.map((v) => new Tensor("float32", v, [B, T, H]));
    if (captures.attentions) output.attentions = captures.attentions.map((v) => new Tensor("float32", v, [B, A, T, T]));
    return output as Output; // the heads of a class give what its Output names
  }
}

/** Options may also stand among the inputs, as transformers.js has it. */
function pickOptions(inputs: CallOptions): CallOptions {
  const picked: CallOptions = {};
  if (inputs.output_hidden_states !== undefined) picked.output_hidden_states = inputs.output_hidden_states;
  if (inputs.output_attentions !== undefined) picked.output_attentions = inputs.output_attentions;
  if (inputs.output_rows !== undefined) picked.output_rows = inputs.output_rows;
  if (inputs.signal !== undefined) picked.signal = inputs.signal;
  return picked;
}

/** Whoever asks for hidden states or attentions gets those of the last layer too, so all its rows are computed then. */
function rowsToCompute(batch: Batch, options: CallOptions, heads: readonly Head[]): OutputRows {
  if (options.output_hidden_states || options.output_attentions) return undefined;
  if (heads.some((head) => head.readsTokens)) return options.output_rows;
  return Array.from({ length: batch.B }, () => []);
}

function checkOptions(options: CallOptions): void {
  for (const name of ["output_hidden_states", "output_attentions"] as const) readFlag(options[name], name);
  expectSignal(options.signal);
}

/** @throws OPTION_INVALID unless it is an AbortSignal, or null or undefined: none */
export function expectSignal(signal: unknown): void {
  if (signal === undefined || signal === null || typeof (signal as AbortSignal).addEventListener === "function") return;
  throw new RobertalbertError("OPTION_INVALID", `signal is ${show(signal)}, expected an AbortSignal`);
}

function startCaptures({ B, T }: Batch, options: CallOptions, encoder: Encoder): Captures {
  const layers = encoder.weights.layers.length;
  const many = (name: string, count: number, dims: readonly number[]) =>
    Array.from({ length: count }, () => outputFloats(name, dims));
  const { hidden_size: H, num_attention_heads: A } = encoder.config;
  return {
    hiddenStates: options.output_hidden_states ? many("hidden_states", 1 + layers, [B, T, H]) : undefined,
    attentions: options.output_attentions ? many("attentions", layers, [B, A, T, T]) : undefined,
  };
}

function aborted(signal: AbortSignal): RobertalbertError {
  return new RobertalbertError("ABORTED", "the call was aborted by its signal", { cause: signal.reason });
}

/** @throws ABORTED when the signal has fired */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

/** Rejects as soon as the signal fires, also while the call waits behind others. */
export function untilAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(aborted(signal));
    signal.addEventListener("abort", abort, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
