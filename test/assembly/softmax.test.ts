// softmax against its twin: awkward widths, strides, huge and equal scores, NaN.
import { expect, it } from "vitest";
import { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { softmax } from "../reference/softmax.ts";
import { describeBuilds } from "../support/builds.ts";
import { expectClose } from "../support/errors.ts";
import { randomFloats } from "../support/random.ts";

describeBuilds("softmax", (build) => {
  async function run(x: ArrayLike<number>, M: number, N: number, scale: number, gapFloats = 0) {
    const kernels = await KernelInstance.create({ build });
    expect(kernels.build).toBe(build);
    const stride = N + gapFloats;
    const at = kernels.allocate(M * stride * 4);
    const memory = kernels.floats(at, M * stride).fill(-5);
    for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) memory[m * stride + n] = x[m * N + n]!;
    kernels.exports.softmax(at, stride * 4, M, N, scale);
    for (let i = 0; i < memory.length; i++) if (i % stride >= N) expect(memory[i]).toBe(-5);
    return Float32Array.from({ length: M * N }, (_, i) => memory[Math.floor(i / N) * stride + (i % N)]!);
  }

  it.each([1, 2, 3, 4, 5, 7, 8, 33, 255, 256, 259, 512, 2049])("rows of %d", async (N) => {
    const x = randomFloats(3 * N, N, 20);
    expectClose(await run(x, 3, N, 0.125, 3), softmax(x, 3, N, 0.125), { nmse: 1e-11, maxAbs: 1e-6 });
  });

  it("loses nothing of the many small values of a vocabulary beside one great one", async () => {
    // e^-17 is 4e-8: less than a float of 1 can tell, and 50,264 of them are 0.002.
    const x = new Float32Array(50_265).fill(-17);
    x[777] = 0;
    expectClose(await run(x, 1, x.length, 1), softmax(x, 1, x.length, 1), { nmse: 1e-12, maxAbs: 1e-6 });
  });

  it("neither overflows nor underflows to NaN", async () => {
    const x = [3e38, -3e38, 0, 3e38, -1e4, -1e4, -1e4, -1e4 - 100];
    expectClose(await run(x, 2, 4, 1), softmax(x, 2, 4, 1), { nmse: 1e-12, maxAbs: 1e-6 });
  });

  it("gives NaN for a row with NaN, and for that row alone", async () => {
    const x = [1, 2, 3, 4, 5, 1, Number.NaN, 3, 4, 5, 5, 5, 5, 5, 5];
    const actual = await run(x, 3, 5, 1);
    expect([...actual.subarray(5, 10)]).toEqual(Array(5).fill(Number.NaN));
    expectClose(
      [...actual.subarray(0, 5), ...actual.subarray(10)],
      [...softmax(x.slice(0, 5), 1, 5, 1), ...Array(5).fill(0.2)],
      {
        nmse: 1e-12,
        maxAbs: 1e-6,
      },
    );
  });
});
