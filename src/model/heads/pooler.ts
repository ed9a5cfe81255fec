// pooler_output = tanh(x₀·W + b) of each text's position 0, and linear heads on top of it (sop_logits, classification logits).
import { Tensor } from "../../tensor.ts";
import type { Encoder } from "../encoder.ts";
import { outputFloats } from "../output-layout.ts";
import type { Pack } from "../packs.ts";
import type { Plan } from "../plan.ts";
import type { Linear, WeightLoader } from "../weight-loader.ts";
import type { Head } from "./head.ts";

/**
 * A head named `outputName`: the pooled row itself, or `classifier` on it.
 * A text without any visible token has no row: its outputs are 0.
 */
export function poolerHead(outputName: string, pooler: Linear, classifier?: Linear): Head {
  const width = classifier?.N ?? pooler.N;
  return {
    readsPooler: true,
    readsTokens: false,
    start(encoder, batch) {
      const values = outputFloats(outputName, [batch.B, width]);
      return {
        take(pack, plan) {
          const rows = pool(encoder, pack, plan, pooler, classifier);
          for (const [i, b] of pack.textNumbers.entries())
            values.set(rows.subarray(i * width, (i + 1) * width), b * width);
        },
        outputs: () => ({ [outputName]: new Tensor("float32", values, [batch.B, width]) }),
      };
    },
  };
}

/** The head `outputName` of a linear layer named `name` on the pooler: none where the checkpoint lacks one of the two. */
export async function loadPoolerHead(
  outputName: string,
  encoder: Encoder,
  loader: WeightLoader,
  name: string,
): Promise<Head[]> {
  const { pooler } = encoder.weights;
  if (pooler === undefined || !loader.has(`${name}.weight`)) return [];
  return [poolerHead(outputName, pooler, await loader.linear(name))];
}

/** f32 [texts of the pack][width], a view of wasm memory. */
function pool(encoder: Encoder, pack: Pack, plan: Plan, pooler: Linear, classifier: Linear | undefined): Float32Array {
  const { kernels } = encoder;
  const { N: H, K } = pooler;
  const texts = pack.poolerRows.length;
  const first = plan.end;
  const pooled = first + texts * K * 4;
  const classified = pooled + texts * H * 4;
  kernels.ensure(classified + texts * (classifier?.N ?? 0) * 4);
  pack.poolerRows.forEach((row, i) => {
    kernels.floats(first + i * K * 4, K).set(kernels.floats(plan.x + row * K * 4, K));
  });
  encoder.linear(plan, pooled, first, texts, pooler, "tanh");
  if (classifier === undefined) return kernels.floats(pooled, texts * H);
  encoder.linear(plan, classified, pooled, texts, classifier);
  return kernels.floats(classified, texts * classifier.N);
}
