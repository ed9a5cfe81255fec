// attention against its twin: one and many queries, keys that fill no panel, tiles of queries, probabilities asked for or not.
import { expect, it } from "vitest";
import { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { attention } from "../reference/attention.ts";
import { describeBuilds } from "../support/builds.ts";
import { expectClose } from "../support/errors.ts";
import { randomFloats } from "../support/random.ts";

const CASES = [
  { queries: 1, keys: 1, A: 1, D: 1 },
  { queries: 1, keys: 7, A: 2, D: 3 },
  { queries: 5, keys: 5, A: 3, D: 8 },
  { queries: 9, keys: 17, A: 1, D: 13 },
  { queries: 47, keys: 48, A: 2, D: 16 },
  { queries: 49, keys: 49, A: 2, D: 64 },
  { queries: 130, keys: 131, A: 1, D: 12 },
];

describeBuilds("attention", (build) => {
  it.each(CASES)("$queries queries, $keys keys, $A heads of $D", async ({ queries, keys, A, D }) => {
    const kernels = await KernelInstance.create({ build });
    expect(kernels.build).toBe(build);
    const H = A * D;
    const q = randomFloats(queries * H, 1, 2);
    const k = randomFloats(keys * H, 2, 2);
    const v = randomFloats(keys * H, 3, 2);
    const expected = attention(q, k, v, queries, keys, A, D);
    for (const withProbabilities of [false, true]) {
      // Rows lie apart as in a layer, where they may belong to a longer buffer.
      const stride = H + 5;
      const put = (values: Float32Array, rows: number) => {
        const at = kernels.allocate(rows * stride * 4);
        for (let row = 0; row < rows; row++)
          kernels.floats(at + row * stride * 4, H).set(values.subarray(row * H, (row + 1) * H));
        return at;
      };
      const [qAt, kAt, vAt] = [put(q, queries), put(k, keys), put(v, keys)];
      const scratch = kernels.allocate(kernels.exports.attentionScratchBytes(keys, D));
      const scores = withProbabilities ? kernels.allocate(A * queries * keys * 4) : 0;
      kernels.exports.attention(qAt, qAt, kAt, vAt, stride * 4, scores, scratch, queries, keys, A, D);
      const context = new Float32Array(queries * H);
      for (let row = 0; row < queries; row++) context.set(kernels.floats(qAt + row * stride * 4, H), row * H);
      expectClose(context, expected.context, { nmse: 1e-11, maxAbs: 1e-5 });
      if (withProbabilities)
        expectClose(kernels.floats(scores, A * queries * keys), expected.probabilities, { nmse: 1e-10, maxAbs: 1e-5 });
    }
  });
});
