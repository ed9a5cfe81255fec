// areFinite and arePositive against plain comparisons: every length around the block, every place of the one bad value, the extremes.
import { expect, it } from "vitest";
import { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { describeBuilds } from "../support/builds.ts";

describeBuilds("areFinite", (build) => {
  const extremes = [0, -0, 1, -1, 3.4028234663852886e38, -3.4028234663852886e38, 1.401298464324817e-45, 1.1754942e-38];
  const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

  it("tells a value that is not finite at any place", async () => {
    const kernels = await KernelInstance.create({ build });
    expect(kernels.build).toBe(build);
    const at = kernels.allocate(4 * 100) + 4; // not aligned to 16 bytes
    for (let n = 0; n <= 67; n++) {
      const values = kernels.floats(at, n + 1);
      for (let i = 0; i < n; i++) values[i] = extremes[i % extremes.length]!;
      values[n] = Number.NaN; // behind the end
      expect(kernels.exports.areFinite(at, n), `${n} values`).toBe(1);
      for (let i = 0; i < n; i++) {
        const kept = values[i]!;
        values[i] = bad[i % 3]!;
        expect(kernels.exports.areFinite(at, n), `${values[i]} at ${i} of ${n}`).toBe(0);
        values[i] = kept;
      }
    }
  });

  it("takes any NaN, quiet or signalling, of either sign", async () => {
    const kernels = await KernelInstance.create({ build });
    const at = kernels.allocate(64);
    for (const bits of [0x7f800001, 0x7fc00000, -0x7fffff, -1, 0x7f800000, -0x800000]) {
      kernels.ints(at, 16).fill(0)[5] = bits;
      expect(kernels.exports.areFinite(at, 16), bits.toString(16)).toBe(0);
      expect(kernels.exports.areFinite(at, 6), bits.toString(16)).toBe(0);
      expect(kernels.exports.areFinite(at, 5)).toBe(1);
    }
  });
});

describeBuilds("arePositive", (build) => {
  it("tells a value that is not positive and finite at any place", async () => {
    const kernels = await KernelInstance.create({ build });
    expect(kernels.build).toBe(build);
    const good = [1, 3.4028234663852886e38, 1.401298464324817e-45, 1.1754942e-38];
    const bad = [0, -0, -1, -1.401298464324817e-45, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const at = kernels.allocate(4 * 100) + 4; // not aligned to 16 bytes
    for (let n = 0; n <= 19; n++) {
      const values = kernels.floats(at, n + 1);
      for (let i = 0; i < n; i++) values[i] = good[i % good.length]!;
      values[n] = Number.NaN; // behind the end
      expect(kernels.exports.arePositive(at, n), `${n} values`).toBe(1);
      for (let i = 0; i < n; i++) {
        const kept = values[i]!;
        for (const value of bad) {
          values[i] = value;
          expect(kernels.exports.arePositive(at, n), `${value} at ${i} of ${n}`).toBe(0);
        }
        values[i] = kept;
      }
    }
  });

  it("takes no NaN, quiet or signalling, of either sign", async () => {
    const kernels = await KernelInstance.create({ build });
    const at = kernels.allocate(64);
    for (const bits of [0x7f800001, 0x7fc00000, 0x7fffffff, -0x7fffff, -1]) {
      kernels.ints(at, 16).fill(1)[5] = bits;
      expect(kernels.exports.arePositive(at, 16), bits.toString(16)).toBe(0);
      expect(kernels.exports.arePositive(at, 6), bits.toString(16)).toBe(0);
      expect(kernels.exports.arePositive(at, 5)).toBe(1);
    }
  });
});
