// matmul-f32 against its twin: every tile height, tails of rows and columns, strides, and each fused part.
import { expect, it } from "vitest";
import { ACTIVATION_CODE, KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { markBytes, panelBytes } from "../../src/weights/panels.ts";
import { ACTIVATIONS, type ActivationName } from "../reference/activation.ts";
import { matmul, transpose } from "../reference/matmul.ts";
import { describeBuilds } from "../support/builds.ts";
import { nmse } from "../support/distance.ts";
import { randomFloats } from "../support/random.ts";

/** Values that must not change: before, between and behind the rows of the result. */
const GUARD = 12345.5;

interface Case {
  M: number;
  N: number;
  K: number;
  bias?: boolean;
  residual?: boolean;
  activation?: ActivationName;
  /** Floats between the end of a row and the next, in a and c. */
  gapFloats?: number;
  packing?: "packRows" | "packColumns";
}

const CASES: Case[] = [
  { M: 1, N: 1, K: 1 },
  { M: 1, N: 8, K: 4 },
  { M: 1, N: 9, K: 5, bias: true },
  { M: 1, N: 768, K: 769, bias: true, residual: true },
  // Every height of the last tiles, beside a row block of 128 and its tail.
  ...[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 127, 128, 129, 134, 257].map((M) => ({ M, N: 17, K: 19, bias: true })),
  // Every width of the last panel.
  ...[1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 16].map((N) => ({ M: 7, N, K: 33, bias: true, residual: true, gapFloats: 3 })),
  ...[1, 2, 3, 4, 5, 7, 8, 31].map((K) => ({ M: 13, N: 11, K, residual: true, gapFloats: 1 })),
  ...ACTIVATIONS.map((activation) => ({ M: 9, N: 21, K: 10, bias: true, residual: true, activation, gapFloats: 2 })),
  { M: 6, N: 13, K: 6, packing: "packColumns", gapFloats: 5 },
  { M: 1, N: 31, K: 40, packing: "packColumns" },
  { M: 33, N: 64, K: 3072, bias: true },
  // Deeper than what stays in the cache: sums go on in c.
  { M: 130, N: 13, K: 800, bias: true, residual: true, activation: "gelu", gapFloats: 2 },
  { M: 128, N: 9, K: 1600, gapFloats: 1 },
];

describeBuilds("matmul-f32", (build) => {
  it.each(CASES)("$M × $N × $K bias:$bias residual:$residual $activation gap:$gapFloats $packing", async (shape) => {
    const kernels = await KernelInstance.create({ build });
    expect(kernels.build).toBe(build);
    const { M, N, K, gapFloats: gap = 0, packing = "packRows" } = shape;
    const seed = M * 1e6 + N * 1e3 + K;
    const a = randomFloats(M * K, seed);
    const b = randomFloats(K * N, seed + 1);
    const bias = shape.bias ? randomFloats(N, seed + 2) : undefined;
    const residual = shape.residual ? randomFloats(M * N, seed + 3) : undefined;

    const panels = kernels.allocate(Math.ceil(N / 8) * 8 * K * 4);
    const source = kernels.allocate(N * K * 4);
    const aAt = kernels.allocate(M * (K + gap) * 4);
    const cAt = kernels.allocate((M * (N + gap) + 16) * 4);
    const biasAt = kernels.allocate((N + 8) * 4);
    const scratchBytes = kernels.exports.matmulF32ScratchBytes(K);
    const scratch = kernels.allocate(scratchBytes + 64);
    kernels.bytes(scratch, scratchBytes + 64).fill(0x5b); // what was there before must not count
    kernels.floats(source, N * K).set(packing === "packRows" ? transpose(b, K, N) : b);
    kernels.exports[packing](panels, source, (packing === "packRows" ? K : N) * 4, N, K);
    const marks = kernels.allocate(markBytes(N, K, "fp32"));
    kernels.exports.markPanels(marks, panels, Math.ceil(N / 8), K * 32);
    const packed = kernels.bytes(panels, panelBytes(N, K, "fp32")).slice();
    for (let m = 0; m < M; m++) kernels.floats(aAt + m * (K + gap) * 4, K).set(a.subarray(m * K, (m + 1) * K));
    const c = kernels.floats(cAt, M * (N + gap) + 16).fill(GUARD);
    if (residual) for (let m = 0; m < M; m++) c.set(residual.subarray(m * N, (m + 1) * N), m * (N + gap));
    kernels.floats(biasAt, N + 8).fill(0);
    if (bias) kernels.floats(biasAt, N).set(bias);

    kernels.exports.matmulF32(
      cAt,
      (N + gap) * 4,
      aAt,
      (K + gap) * 4,
      panels,
      marks,
      bias ? biasAt : 0,
      residual ? cAt : 0,
      (N + gap) * 4,
      scratch,
      M,
      N,
      K,
      ACTIVATION_CODE[shape.activation ?? "none"],
    );

    const { values, magnitudes } = matmul(a, b, M, N, K, bias, residual, shape.activation);
    const actual = Float64Array.from({ length: M * N }, (_, i) => c[Math.floor(i / N) * (N + gap) + (i % N)]!);
    // Each of K + 2 additions and K products rounds once at most, by 2^-24 of what has been summed; 2e-6 is the activations' own error.
    const bound = (i: number) => (2 * K + 2) * 2 ** -24 * magnitudes[i]! * 1.13 + (shape.activation ? 2e-6 : 0);
    const worst = values.findIndex((value, i) => !(Math.abs(actual[i]! - value) <= bound(i)));
    expect(worst, worst < 0 ? "" : `${actual[worst]} at ${worst}, expected ${values[worst]}`).toBe(-1);
    expect(nmse(actual, values)).toBeLessThan(1e-11);
    expect([...kernels.bytes(scratch + scratchBytes, 64)]).toEqual(Array(64).fill(0x5b));
    expect(Buffer.compare(kernels.bytes(panels, packed.length), packed)).toBe(0);
    for (let i = 0; i < c.length; i++)
      if (i >= M * (N + gap) || i % (N + gap) >= N) expect(c[i], `guard ${i}`).toBe(GUARD);
  });

  // Marks that are wrong show which bytes were stored.
  it.each([
    { M: 4, N: 24, K: 5 },
    { M: 6, N: 24, K: 5 },
    { M: 7, N: 24, K: 5 },
    { M: 16, N: 17, K: 768 },
    { M: 16, N: 40, K: 1001 },
    { M: 128, N: 24, K: 1537 },
    { M: 300, N: 16, K: 770 },
  ])("prefetches each line of all panels but the first, from the second tile on: $M × $N × $K", async ({ M, N, K }) => {
    const kernels = await KernelInstance.create({ build });
    const bytes = panelBytes(N, K, "fp32");
    const panels = kernels.allocate(bytes);
    const marks = kernels.allocate(markBytes(N, K, "fp32"));
    const a = kernels.allocate(M * K * 4);
    const c = kernels.allocate(M * N * 4);
    const scratch = kernels.allocate(kernels.exports.matmulF32ScratchBytes(K));
    kernels.bytes(panels, bytes).fill(0);
    kernels.bytes(marks, markBytes(N, K, "fp32")).fill(1);
    kernels.floats(a, M * K).fill(0);
    kernels.exports.matmulF32(c, N * 4, a, K * 4, panels, marks, 0, 0, 0, scratch, M, N, K, 0);
    const isStored = (i: number) => M > (build === "relaxed" ? 6 : 4) && i >= K * 32 && (i % (K * 32)) % 64 === 0;
    const expected = Uint8Array.from({ length: bytes }, (_, i) => (isStored(i) ? 1 : 0));
    expect(Buffer.compare(kernels.bytes(panels, bytes), expected)).toBe(0);
  });

  it("lets NaN through to its row alone", async () => {
    const kernels = await KernelInstance.create({ build });
    const [M, N, K] = [7, 8, 9];
    const panels = kernels.allocate(N * K * 4);
    const a = kernels.allocate(M * K * 4);
    const c = kernels.allocate(M * N * 4);
    const scratch = kernels.allocate(kernels.exports.matmulF32ScratchBytes(K));
    kernels.floats(panels, N * K).fill(1);
    kernels.floats(a, M * K).fill(1)[3 * K + 4] = Number.NaN;
    kernels.exports.matmulF32(c, N * 4, a, K * 4, panels, 0, 0, 0, 0, scratch, M, N, K, 0);
    const rows = Array.from({ length: M }, (_, m) => [...kernels.floats(c + m * N * 4, N)]);
    expect(rows).toEqual(rows.map((_, m) => Array(N).fill(m === 3 ? Number.NaN : K)));
  });
});
