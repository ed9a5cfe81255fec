// The memory plan of one pack: which buffer lies where behind the weights. Plans are made once per shape class and kept.
import type { AlbertConfig } from "../config/config.ts";
import type { KernelInstance } from "../runtime/kernel-instance.ts";
import type { ComputeDtype } from "./weight-loader.ts";

/** Addresses in wasm memory; shapes with the letters of assembly/index.ts. */
export interface Plan {
  /** The 16 words of assembly/layer.ts LayerCall. */
  call: number;
  /** i32 [T] each. */
  ids: number;
  types: number;
  positions: number;
  picks: number;
  /** i32 [T][4], one text a token at most. */
  texts: number;
  /** f32 [T][E] */
  embeddings: number;
  /** f32 [T][H] */
  x: number;
  /** f32 [T][3][H], each row of H padded to whole panels of 8. */
  qkv: number;
  /** f32 [128][H] */
  h: number;
  /** f32 [128][F] */
  feedForward: number;
  /** Of attention, or of a `linear` of any depth that the model has. */
  scratch: number;
  /** f32, what the attention scores of a pack need, when asked for. */
  probabilities: number;
  /** The first byte behind the encoder's buffers: the heads' buffers start here. */
  end: number;
}

/** Rows that go through all that follows attention together (assembly/layer.ts). */
const BLOCK_ROWS = 128;
/** Shapes are rounded up to this many tokens, so that few plans serve all lengths. */
const CLASS_TOKENS = 32;

export class Planner {
  private readonly plans = new Map<string, Plan>();
  private readonly kernels: KernelInstance;
  private readonly config: AlbertConfig;
  private readonly dtype: ComputeDtype;
  /** Everything from here up belongs to the plans: the kernels' mark at the first plan, when all weights are loaded. */
  private base: number | undefined;

  constructor(kernels: KernelInstance, config: AlbertConfig, dtype: ComputeDtype) {
    this.kernels = kernels;
    this.config = config;
    this.dtype = dtype;
  }

  /**
   * A plan for at least `T` rows, texts of at most `keys` tokens, and `probabilityFloats`; memory reaches that far afterwards.
   * @throws OUT_OF_MEMORY
   */
  plan(T: number, keys: number, probabilityFloats: number): Plan {
    const rows = roundUp(T, CLASS_TOKENS);
    const mostKeys = roundUp(keys, CLASS_TOKENS);
    const name = `${rows} ${mostKeys} ${probabilityFloats}`;
    let plan = this.plans.get(name);
    if (plan === undefined) {
      plan = this.layOut(rows, mostKeys, probabilityFloats);
      if (probabilityFloats === 0) this.plans.set(name, plan); // one for every exact shape would be kept for ever
    }
    this.kernels.ensure(plan.end);
    return plan;
  }

  private layOut(T: number, keys: number, probabilityFloats: number): Plan {
    const { hidden_size: H, embedding_size: E, intermediate_size: F, num_attention_heads: A } = this.config;
    this.base ??= this.kernels.mark;
    let top = this.base;
    const take = (words: number): number => {
      const address = roundUp(top, 64);
      top = address + words * 4;
      return address;
    };
    return {
      call: take(16),
      ids: take(T),
      types: take(T),
      positions: take(T),
      picks: take(T),
      texts: take(4 * T),
      embeddings: take(T * E),
      x: take(T * H),
      qkv: take(T * 3 * roundUp(H, 8)),
      h: take(Math.min(T, BLOCK_ROWS) * H),
      feedForward: take(Math.min(T, BLOCK_ROWS) * F),
      scratch: take(this.scratchBytes(T, keys, H / A) / 4),
      probabilities: take(probabilityFloats),
      end: top,
    };
  }

  private scratchBytes(T: number, keys: number, D: number): number {
    const { exports } = this.kernels;
    const { embedding_size: E, hidden_size: H, intermediate_size: F } = this.config;
    const areBytes = this.dtype === "q8";
    const attention = areBytes ? exports.attentionI8ScratchBytes(keys, D) : exports.attentionScratchBytes(keys, D);
    return Math.max(attention, exports.linearScratchBytes(T, Math.max(E, H, F), areBytes));
  }
}

function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}
