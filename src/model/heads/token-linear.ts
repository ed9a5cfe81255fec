// Linear heads on every token's final hidden state: logits (token classification), start and end logits (question answering).
import { Tensor } from "../../tensor.ts";
import { outputFloats } from "../output-layout.ts";
import type { Linear } from "../weight-loader.ts";
import type { Head } from "./head.ts";

/** Output: logits [B, T, labels]. */
export function tokenLogitsHead(classifier: Linear): Head {
  return tokenLinearHead(classifier, (values, dims) => ({
    logits: new Tensor("float32", values, [...dims, classifier.N]),
  }));
}

/** Outputs: start_logits and end_logits [B, T], the two columns of the classifier. */
export function spanHead(classifier: Linear): Head {
  return tokenLinearHead(classifier, (values, dims) => {
    const column = (j: number) =>
      new Tensor(
        "float32",
        Float32Array.from({ length: values.length / 2 }, (_, i) => values[2 * i + j]!),
        dims,
      );
    return { start_logits: column(0), end_logits: column(1) };
  });
}

/** @param name makes the outputs of values [rows][N], N being the classifier's */
function tokenLinearHead(
  classifier: Linear,
  name: (values: Float32Array, dims: readonly number[]) => Record<string, Tensor>,
): Head {
  const { N } = classifier;
  return {
    readsPooler: false,
    readsTokens: true,
    start(encoder, _batch, layout) {
      const values = outputFloats("logits", [...layout.dims, N]);
      return {
        take(pack, plan) {
          const { kernels } = encoder;
          const rows = pack.picks?.length ?? pack.places.length;
          kernels.ensure(plan.end + rows * N * 4);
          encoder.linear(plan, plan.end, plan.x, rows, classifier);
          const logits = kernels.floats(plan.end, rows * N);
          layout.forEach(pack, (row, outputRow) => {
            values.set(logits.subarray(row * N, (row + 1) * N), outputRow * N);
          });
        },
        outputs: () => name(values, layout.dims),
      };
    },
  };
}
