// areFinite and arePositive against plain comparisons: every length around the block, every place of the one bad value, the extremes.
import { expect, it } from "vitest";
import { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { describeBuilds } from "../support/builds.ts";

const extremes = [1, 3.4028234663852886e38, 1.401298464324817e-45, 1.1754942e-38];
const notFinite = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const signed = [0, -0, ...extremes.map((value) => -value)];

const CHECKS = [
  { check: "areFinite", good: [...signed, ...extremes], bad: notFinite },
  { check: "arePositive", good: extremes, bad: [...notFinite, ...signed] },
] as const;

describeBuilds("checks of weights", (build) => {
  it.each(CHECKS)("$check tells a bad value at any place", async ({ check, good, bad }) => {
    const kernels = await KernelInstance.create({ build });
    expect(kernels.build).toBe(build);
    const at = kernels.allocate(4 * 100) + 4; // not aligned to 16 bytes
    for (let n = 0; n <= 67; n++) {
      const values = kernels.floats(at, n + 1);
      for (let i = 0; i < n; i++) values[i] = good[i % good.length]!;
      values[n] = Number.NaN; // behind the end
      expect(kernels.exports[check](at, n), `${n} values`).toBe(1);
      for (let i = 0; i < n; i++) {
        const kept = values[i]!;
        for (const value of bad) {
          values[i] = value;
          expect(kernels.exports[check](at, n), `${value} at ${i} of ${n}`).toBe(0);
        }
        values[i] = kept;
      }
    }
  });

  it.each(CHECKS)("$check takes no NaN, quiet or signalling, of either sign", async ({ check }) => {
    const kernels = await KernelInstance.create({ build });
    const at = kernels.allocate(64);
    for (const bits of [0x7f800001, 0x7fc00000, 0x7fffffff, -0x7fffff, -1, 0x7f800000, -0x800000]) {
      kernels.ints(at, 16).fill(1)[5] = bits;
      expect(kernels.exports[check](at, 16), bits.toString(16)).toBe(0);
      expect(kernels.exports[check](at, 6), bits.toString(16)).toBe(0);
      expect(kernels.exports[check](at, 5)).toBe(1);
    }
  });
});
