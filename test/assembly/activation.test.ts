// The activations against their twins and against Transformers' values: accuracy, tails, extremes.
import { expect, it } from "vitest";
import { activationKind } from "../../src/config/activations.ts";
import { ACTIVATION_CODE, KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { ACTIVATIONS, type ActivationName, activate } from "../reference/activation.ts";
import { describeBuilds } from "../support/builds.ts";
import { maxAbsError } from "../support/distance.ts";
import { expectSameBits } from "../support/errors.ts";
import { readTensors } from "../support/golden.ts";
import { randomFloats } from "../support/random.ts";
import { describeShared } from "../support/shared.ts";

/** Of results that are rounded to 8 bits, as activation.ts has them. */
const ROUNDED_CODE = { gelu: 6, gelu_tanh: 7 } as const;

async function run(
  kernels: KernelInstance,
  name: ActivationName,
  x: ArrayLike<number>,
  code: number = ACTIVATION_CODE[name],
): Promise<Float32Array> {
  const at = kernels.allocate(x.length * 4 + 4);
  const values = kernels.floats(at, x.length + 1);
  values.set(x);
  values[x.length] = 7;
  kernels.exports.activateRows(code, at, 0, 1, x.length);
  expect(values[x.length], "the value behind the row").toBe(7);
  return values.slice(0, x.length);
}

describeBuilds("activations", (build) => {
  it.each(ACTIVATIONS)("%s: error ≤ 4e-7, relative beyond 1, on 480,001 points of [-12, 12]", async (name) => {
    const kernels = await KernelInstance.create({ build });
    expect(kernels.build).toBe(build);
    const x = Float32Array.from({ length: 480_001 }, (_, i) => -12 + i * 5e-5);
    const expected = Float64Array.from(x, (value) => activate(name, value));
    const actual = await run(kernels, name, x);
    if (name === "gelu") expect(maxAbsError(actual, expected)).toBeLessThanOrEqual(6e-7);
    // Beyond 1, what counts is the relative error: a float near 12 is 9.5e-7 from the next.
    const errors = expected.map((value, i) => (actual[i]! - value) / Math.max(1, Math.abs(value)));
    expect(maxAbsError(errors, new Float64Array(x.length))).toBeLessThanOrEqual(4e-7);
  });

  it.each(["gelu", "gelu_tanh"] as const)(
    "%s, to be rounded: error ≤ 1.4e-4; NaN and extremes as they are",
    async (name) => {
      const kernels = await KernelInstance.create({ build });
      const x = Float32Array.from({ length: 480_003 }, (_, i) => -12 + i * 5e-5);
      const expected = Float64Array.from(x, (value) => activate(name, value));
      expect(maxAbsError(await run(kernels, name, x, ROUNDED_CODE[name]), expected)).toBeLessThanOrEqual(1.4e-4);
      const [nan, low, high, tiny] = await run(kernels, name, [Number.NaN, -1e30, 1e30, 1e-30], ROUNDED_CODE[name]);
      expect(nan).toBeNaN();
      expect(low).toBeCloseTo(0, 5);
      expect(high! / 1e30).toBeCloseTo(1, 6);
      expect(tiny! / 1e-30).toBeCloseTo(0.5, 6);
    },
  );

  it.each(ACTIVATIONS)("%s: rows of 1 … 9 values give what each value alone gives", async (name) => {
    const kernels = await KernelInstance.create({ build });
    const x = [-3.5, -1, -0.25, 0, 0.5, 1.75, 2, 3, 20];
    const alone = await Promise.all(x.map(async (value) => (await run(kernels, name, [value]))[0]!));
    for (let length = 1; length <= x.length; length++) {
      expect([...(await run(kernels, name, x.slice(0, length)))]).toEqual(alone.slice(0, length));
    }
  });

  it.each(ACTIVATIONS)(
    "%s: many rows and long ones, with gaps between, give what each value alone gives",
    async (name) => {
      const kernels = await KernelInstance.create({ build });
      // Narrow rows share a block of 256 floats, wide ones need several.
      const sizes = [
        [40, 8],
        [33, 13],
        [300, 3],
        [2, 256],
        [3, 257],
        [2, 1030],
      ] as const;
      const one = kernels.allocate(4);
      const alone = (value: number): number => {
        kernels.floats(one, 1)[0] = value;
        kernels.exports.activateRows(ACTIVATION_CODE[name], one, 0, 1, 1);
        return kernels.floats(one, 1)[0]!;
      };
      for (const [rows, columns] of sizes) {
        const stride = columns + 5;
        const x = randomFloats(rows * stride, columns, 4);
        const at = kernels.allocate(x.length * 4);
        kernels.floats(at, x.length).set(x);
        kernels.exports.activateRows(ACTIVATION_CODE[name], at, stride * 4, rows, columns);
        const expected = x.map((value, i) => (i % stride < columns ? alone(value) : value));
        expectSameBits(kernels.floats(at, x.length), expected, `${rows} × ${columns}`);
      }
    },
  );

  it.each(ACTIVATIONS)("%s: extremes", async (name) => {
    const kernels = await KernelInstance.create({ build });
    const [nan, low, high, tiny] = await run(kernels, name, [Number.NaN, -1e30, 1e30, 1e-30]);
    expect(nan).toBeNaN();
    expect(low).toBeCloseTo(name === "tanh" ? -1 : 0, 6);
    expect(high).toBe(name === "tanh" ? 1 : Math.fround(1e30));
    expect(tiny! / 1e-30).toBeCloseTo(name === "relu" || name === "tanh" ? 1 : 0.5, 6);
  });
});

describeShared("golden activations", (shared) => {
  describeBuilds("as Transformers computes them", (build) => {
    const tensors = readTensors(`${shared}golden/models/activations/golden.safetensors`);
    const names = [...tensors.keys()].filter((name) => name.endsWith(".f64")).map((name) => name.slice(0, -4));
    it.each(names)("%s", async (name) => {
      const kernels = await KernelInstance.create({ build });
      const x = tensors.get("x")!.data as Float32Array;
      const exact = tensors.get(`${name}.f64`)!.data as Float64Array;
      const actual = await run(kernels, activationKind(name), x);
      // Absolute up to 1, relative beyond.
      const errors = exact.map((value, i) => (actual[i]! - value) / Math.max(1, Math.abs(value)));
      expect(maxAbsError(errors, new Float64Array(x.length))).toBeLessThanOrEqual(1e-6);
    });
  });
});
