// The forward pass of one pack: embeddings, projection, the layers one call each; hidden states end in the plan's x.
import { activationKind } from "../config/activations.ts";
import type { AlbertConfig } from "../config/config.ts";
import { ACTIVATION_CODE, type KernelInstance } from "../runtime/kernel-instance.ts";
import { WorkMeter } from "../turn.ts";
import type { EncoderWeights } from "./encoder-weights.ts";
import type { Batch } from "./inputs.ts";
import type { Pack } from "./packs.ts";
import { type Plan, Planner } from "./plan.ts";
import type { ComputeDtype, Linear } from "./weight-loader.ts";

/** What is wanted beyond the final rows, all in the layout of the whole batch; hidden positions stay 0. */
export interface Captures {
  /** [B, T, H] each: after the projection, then after each layer. Undefined: not wanted. */
  hiddenStates: Float32Array[] | undefined;
  /** [B, A, T, T] each, one a layer. */
  attentions: Float32Array[] | undefined;
}

export class Encoder {
  readonly kernels: KernelInstance;
  readonly weights: EncoderWeights;
  readonly config: AlbertConfig;
  readonly dtype: ComputeDtype;
  /** Heads count their work here too. */
  readonly work = new WorkMeter();
  private readonly planner: Planner;

  constructor(kernels: KernelInstance, weights: EncoderWeights, config: AlbertConfig, dtype: ComputeDtype) {
    this.kernels = kernels;
    this.weights = weights;
    this.config = config;
    this.dtype = dtype;
    this.planner = new Planner(kernels, config, dtype);
  }

  /**
   * Runs a pack through all layers. On return the plan's `x` holds f32 [queries][H], one row for each pick of the pack.
   * @param alive is called between layers and throws when the call was aborted or the model disposed of
   */
  async run(pack: Pack, batch: Batch, captures: Captures, alive: () => void): Promise<Plan> {
    const { kernels, weights, config } = this;
    const T = pack.places.length;
    const plan = this.planner.plan(T, pack.mostKeys, captures.attentions ? probabilityFloats(pack, config) : 0);
    this.embed(pack, batch, plan);
    capture(captures.hiddenStates?.[0], kernels, plan.x, pack, config.hidden_size);

    for (const [i, layer] of weights.layers.entries()) {
      const isLast = i === weights.layers.length - 1;
      this.writeCall(pack, plan, isLast, captures.attentions !== undefined);
      kernels.exports.albertLayer(layer, plan.call);
      capture(captures.hiddenStates?.[i + 1], kernels, plan.x, pack, config.hidden_size);
      if (captures.attentions)
        captureAttentions(
          captures.attentions[i]!,
          kernels,
          plan.probabilities,
          pack,
          batch.T,
          config.num_attention_heads,
        );
      await this.work.count(layerFlops(pack, config, isLast));
      alive();
    }
    return plan;
  }

  /**
   * y = activation(x·Wᵀ + b) for rows in wasm memory, while `plan` is in use.
   * @param columns which outputs: from a multiple of 8; default all
   */
  linear(
    plan: Plan,
    out: number,
    x: number,
    rows: number,
    { matrix, N, K }: Linear,
    activation: keyof typeof ACTIVATION_CODE = "none",
    columns: { first: number; count: number } = { first: 0, count: N },
  ): void {
    const { first, count } = columns;
    const code = ACTIVATION_CODE[activation];
    this.kernels.exports.linear(out, count * 4, x, K * 4, matrix, first, 0, 0, plan.scratch, rows, count, K, code);
  }

  private embed(pack: Pack, batch: Batch, plan: Plan): void {
    const { kernels, weights, config } = this;
    const T = pack.places.length;
    const E = config.embedding_size;
    const gather = (address: number, from: Int32Array) =>
      kernels.ints(address, T).set(pack.places.map((place) => from[place]!));
    gather(plan.types, batch.types);
    gather(plan.positions, batch.positions);
    if (batch.ids !== undefined) gather(plan.ids, batch.ids);
    if (batch.embeds !== undefined) {
      const rows = kernels.floats(plan.embeddings, T * E);
      pack.places.forEach((place, row) => {
        rows.set(batch.embeds!.subarray(place * E, (place + 1) * E), row * E);
      });
    }
    kernels.exports.embed(
      plan.embeddings,
      batch.ids === undefined ? 0 : plan.ids,
      plan.types,
      plan.positions,
      weights.words.matrix,
      weights.typeTable,
      weights.positionTable,
      weights.gamma,
      weights.beta,
      T,
      E,
      config.layer_norm_eps,
    );
    this.linear(plan, plan.x, plan.embeddings, T, weights.projection);
  }

  /** Writes LayerCall of assembly/layer.ts, in its order. */
  private writeCall(pack: Pack, plan: Plan, isLast: boolean, withProbabilities: boolean): void {
    const { kernels, config } = this;
    const texts = isLast ? pack.lastTexts : pack.texts;
    const picks = isLast ? pack.picks : undefined;
    kernels.ints(plan.texts, texts.length).set(texts);
    if (picks) kernels.ints(plan.picks, picks.length).set(picks);
    const words = kernels.ints(plan.call, 16);
    words.set([
      config.hidden_size,
      config.intermediate_size,
      config.num_attention_heads,
      ACTIVATION_CODE[activationKind(config.hidden_act)],
      0,
      pack.places.length,
      picks?.length ?? pack.places.length,
      texts.length / 4,
      plan.texts,
      picks ? plan.picks : 0,
      plan.x,
      plan.qkv,
      plan.h,
      plan.feedForward,
      plan.scratch,
      withProbabilities ? plan.probabilities : 0,
    ]);
    kernels.floats(plan.call, 16)[4] = config.layer_norm_eps;
  }
}

/** Copies rows [rows][H] to their places in [B, T, H]. */
function capture(to: Float32Array | undefined, kernels: KernelInstance, x: number, pack: Pack, H: number): void {
  if (to === undefined) return;
  const rows = kernels.floats(x, pack.places.length * H);
  pack.places.forEach((place, row) => {
    if (!pack.unattended[row]) to.set(rows.subarray(row * H, (row + 1) * H), place * H);
  });
}

function probabilityFloats(pack: Pack, config: AlbertConfig): number {
  let floats = 0;
  for (let i = 0; i < pack.texts.length; i += 4) floats += pack.texts[i + 1]! * pack.texts[i + 3]!;
  return floats * config.num_attention_heads;
}

/** Spreads each text's [A][queries][keys] over [B, A, T, T]. */
function captureAttentions(
  to: Float32Array,
  kernels: KernelInstance,
  from: number,
  pack: Pack,
  T: number,
  A: number,
): void {
  let address = from;
  for (let i = 0; i < pack.texts.length; i += 4) {
    const [firstRow, keys, , queries] = pack.texts.subarray(i, i + 4) as unknown as [number, number, number, number];
    const probabilities = kernels.floats(address, A * queries * keys);
    const b = Math.floor(pack.places[firstRow]! / T);
    for (let head = 0; head < A; head++) {
      for (let query = 0; query < keys; query++) {
        const row = ((b * A + head) * T + (pack.places[firstRow + query]! % T)) * T;
        const source = (head * queries + query) * keys;
        for (let key = 0; key < keys; key++)
          to[row + (pack.places[firstRow + key]! % T)] = probabilities[source + key]!;
      }
    }
    address += A * queries * keys * 4;
  }
}

function layerFlops(pack: Pack, { hidden_size: H, intermediate_size: F }: AlbertConfig, isLast: boolean): number {
  const rows = isLast && pack.picks ? pack.picks.length : pack.places.length;
  return 4 * H * H * pack.places.length + rows * (4 * H * H + 4 * H * F + 4 * H * pack.mostKeys);
}
