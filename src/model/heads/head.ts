// What a head is: something that turns the final hidden rows of each pack into named output tensors.
import type { Tensor } from "../../tensor.ts";
import type { Encoder } from "../encoder.ts";
import type { Batch } from "../inputs.ts";
import type { OutputLayout } from "../output-layout.ts";
import type { Pack } from "../packs.ts";
import type { Plan } from "../plan.ts";

/** A head during one call: it takes the packs one by one and gives its outputs in the end. */
export interface HeadRun {
  /** Reads the rows in `plan.x` (f32 [queries][H]); wasm memory from `plan.end` on is free. */
  take(pack: Pack, plan: Plan): void | Promise<void>;
  outputs(): Record<string, Tensor>;
}

export interface Head {
  /** Whether position 0 of every text is read, also where the mask hides it. */
  readonly readsPooler: boolean;
  /** Whether each position's final hidden state is read. */
  readonly readsTokens: boolean;
  start(encoder: Encoder, batch: Batch, layout: OutputLayout): HeadRun;
}

/** Several heads as one: all take every pack. */
export function startAll(heads: readonly Head[], encoder: Encoder, batch: Batch, layout: OutputLayout): HeadRun {
  const runs = heads.map((head) => head.start(encoder, batch, layout));
  return {
    take: async (pack, plan) => {
      for (const run of runs) await run.take(pack, plan);
    },
    outputs: () => Object.assign({}, ...runs.map((run) => run.outputs())) as Record<string, Tensor>,
  };
}
