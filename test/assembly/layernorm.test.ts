// layernorm against its twin: awkward widths, an offset that E[x²] - E[x]² would cancel, constant rows, in place and not.
import { expect, it } from "vitest";
import { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { layernorm } from "../reference/layernorm.ts";
import { describeBuilds } from "../support/builds.ts";
import { expectClose } from "../support/errors.ts";
import { randomFloats } from "../support/random.ts";

describeBuilds("layernorm", (build) => {
  async function run(x: Float32Array, M: number, N: number, eps: number, inPlace: boolean) {
    const kernels = await KernelInstance.create({ build });
    expect(kernels.build).toBe(build);
    const gamma = randomFloats(N, 1);
    const beta = randomFloats(N, 2);
    const put = (values: Float32Array) => {
      const at = kernels.allocate(values.byteLength);
      kernels.floats(at, values.length).set(values);
      return at;
    };
    const from = put(x);
    const out = inPlace ? from : kernels.allocate(x.byteLength);
    kernels.exports.layerNorm(out, from, put(gamma), put(beta), M, N, eps);
    return { actual: kernels.floats(out, x.length).slice(), expected: layernorm(x, gamma, beta, M, N, eps) };
  }

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 128, 767, 768, 4096])("rows of %d", async (N) => {
    for (const inPlace of [true, false]) {
      const { actual, expected } = await run(randomFloats(5 * N, N, 3), 5, N, 1e-12, inPlace);
      expectClose(actual, expected, { nmse: 1e-11, maxAbs: 1e-5 });
    }
  });

  it("keeps its digits on rows far from 0", async () => {
    const N = 768;
    const x = randomFloats(N, 3).map((value) => value + 4096);
    const { actual, expected } = await run(x, 1, N, 1e-12, false);
    expectClose(actual, expected, { nmse: 1e-6, maxAbs: 1e-2 });
  });

  it("gives beta for a constant row, with eps inside the root", async () => {
    const { actual, expected } = await run(new Float32Array(10).fill(2.5), 1, 10, 1e-12, false);
    expectClose(actual, expected, { nmse: 1e-12, maxAbs: 1e-6 });
    const small = Float32Array.of(1e-3, -1e-3, 1e-3, -1e-3);
    const withEps = await run(small, 1, 4, 1e-5, false);
    expectClose(withEps.actual, withEps.expected, { nmse: 1e-12, maxAbs: 1e-6 });
  });
});
