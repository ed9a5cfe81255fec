// last_hidden_state: the final rows as they are.
import { Tensor } from "../../tensor.ts";
import { outputFloats } from "../output-layout.ts";
import type { Head } from "./head.ts";

export const hiddenStateHead: Head = {
  readsPooler: false,
  readsTokens: true,
  start(encoder, _batch, layout) {
    const H = encoder.config.hidden_size;
    const values = outputFloats("last_hidden_state", [...layout.dims, H]);
    return {
      take(pack, plan) {
        const rows = encoder.kernels.floats(plan.x, pack.places.length * H);
        layout.forEach(pack, (row, outputRow) => values.set(rows.subarray(row * H, (row + 1) * H), outputRow * H));
      },
      outputs: () => ({ last_hidden_state: new Tensor("float32", values, [...layout.dims, H]) }),
    };
  },
};
