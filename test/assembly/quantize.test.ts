// quantize against its twin, each form: tails, strides, and rows that are constant, huge, tiny, or hold NaN and infinities.
import { describe, expect, it } from "vitest";
import type { DotForm } from "../../src/runtime/dot.ts";
import type { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { quantizeRow } from "../reference/quantize.ts";
import { createVariant, dotVariants } from "../support/dot-forms.ts";
import { randomFloats } from "../support/random.ts";

interface Rows {
  /** q - zero, whatever the form. */
  centred: number[][];
  scales: number[];
  /** 0 … 255; undefined in the i16 form, which has taken them off already. */
  zeros: (number | undefined)[];
  /** What lies between K and the next multiple of 4, as stored. */
  padding: number[][];
}

/** Runs the kernel on rows of K floats that lie `gapFloats` apart; checks that it writes nothing beyond. */
function quantize(kernels: KernelInstance, rows: readonly Float32Array[], gapFloats = 0): Rows {
  const M = rows.length;
  const K = rows[0]!.length;
  const depth = Math.ceil(K / 4) * 4;
  const mark = kernels.mark;
  const x = kernels.allocate(M * (K + gapFloats) * 4);
  // Pairs stand in groups of four rows.
  const bytes = kernels.dot === "i16" ? Math.ceil(M / 4) * 4 * depth * 2 : M * depth;
  const out = kernels.allocate(bytes + 64);
  const scales = kernels.allocate(M * 4 + 4);
  const zeros = kernels.allocate(M * 4 + 4);
  // What lies between rows must not count.
  kernels.floats(x, M * (K + gapFloats)).fill(1e30);
  rows.forEach((row, m) => {
    kernels.floats(x + m * (K + gapFloats) * 4, K).set(row);
  });
  const guard = kernels.bytes(out + bytes, 16).fill(0xa5);
  kernels.ints(scales + M * 4, 1)[0] = 77;
  kernels.ints(zeros + M * 4, 1)[0] = 77;
  kernels.exports.quantizeRows(out, scales, zeros, x, (K + gapFloats) * 4, M, K);
  expect([...guard]).toEqual(Array(16).fill(0xa5));
  expect([kernels.ints(scales + M * 4, 1)[0], kernels.ints(zeros + M * 4, 1)[0]]).toEqual([77, 77]);
  const buffer = kernels.memory.buffer;
  const stored = rows.map((_, m) => {
    if (kernels.dot === "i16") {
      const group = new Int16Array(buffer, out + (m >> 2) * depth * 8, depth * 4);
      return Array.from({ length: depth }, (_, k) => group[pairsOffset(m & 3, k)]!);
    }
    const tile = tileOf(m, M);
    const at = out + tile.firstRow * depth;
    const length = tile.rows * depth;
    const values = kernels.dot === "signed" ? new Int8Array(buffer, at, length) : new Uint8Array(buffer, at, length);
    return Array.from(
      { length: depth },
      (_, k) => values[(k >> 2) * tile.rows * 4 + (m - tile.firstRow) * 4 + (k & 3)]!,
    );
  });
  const zerosOf = [...kernels.ints(zeros, M)];
  const result = {
    centred: stored.map((row, m) => row.slice(0, K).map((value) => value - zerosOf[m]!)),
    scales: [...kernels.floats(scales, M)],
    zeros: zerosOf.map((zero) => zeroPoint(kernels.dot, zero)),
    padding: stored.map((row) => row.slice(K)),
  };
  kernels.release(mark);
  return result;
}

/** The tile of bytes that row m of M is in: at most 6 rows, the same number in each or one more in the first ones. */
function tileOf(m: number, M: number): { firstRow: number; rows: number } {
  const tiles = Math.ceil(M / 6);
  let firstRow = 0;
  for (let tile = 0; ; tile++) {
    const rows = Math.floor(M / tiles) + (tile < M % tiles ? 1 : 0);
    if (m < firstRow + rows) return { firstRow, rows };
    firstRow += rows;
  }
}

/** Where value k of one of four rows stands in a group, i16 [depth/2][4][2]: of every four k the pairs 0 2 and 1 3. */
function pairsOffset(row: number, k: number): number {
  const pair = (k >> 2) * 2 + (k & 1);
  return pair * 8 + row * 2 + ((k >> 1) & 1);
}

function zeroPoint(dot: DotForm, zero: number): number | undefined {
  if (dot === "unsigned") return zero;
  if (dot === "signed") return zero + 128;
  expect(zero).toBe(0);
  return undefined;
}

function expectTwin(kernels: KernelInstance, rows: readonly Float32Array[], gapFloats?: number): void {
  const actual = quantize(kernels, rows, gapFloats);
  for (const [m, row] of rows.entries()) {
    const label = `row ${m} of ${rows.length}: ${row.slice(0, 6)}`;
    const expected = quantizeRow(row);
    expect(actual.scales[m], label).toBe(expected.scale);
    if (Number.isNaN(expected.scale)) continue;
    expect(actual.zeros[m] ?? expected.zero, label).toBe(expected.zero);
    expect(actual.centred[m], label).toEqual(Array.from(expected.q, (q) => q - expected.zero));
  }
}

const MOST = 3.4028234663852886e38;

describe.each(await dotVariants())("quantize [$name]", (variant) => {
  it("any length, rows close together and apart", async () => {
    const kernels = await createVariant(variant);
    for (const K of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 31, 33, 127, 768, 3072]) {
      for (const [M, gap] of [
        [1, 0],
        [2, 1],
        [3, 0],
        [5, 3],
        [6, 0],
        [7, 0],
        [8, 1],
        [13, 2],
      ] as const) {
        const rows = Array.from({ length: M }, (_, m) => randomFloats(K, K * 10 + m, 10 ** (m - 2)));
        expectTwin(kernels, rows, gap);
      }
    }
  });

  it("rows of one sign, constant rows, and 0", async () => {
    const kernels = await createVariant(variant);
    const K = 21;
    const rows = [0, -0, 1, -1, 0.1, -3.7, 255, 1e20, -1e-20].map((value) => new Float32Array(K).fill(value));
    rows.push(
      randomFloats(K, 1).map(Math.abs),
      randomFloats(K, 2).map((value) => -Math.abs(value)),
    );
    // One value apart from the others, at each place.
    for (let k = 0; k < K; k++) rows.push(new Float32Array(K).fill(0.5).fill(-7, k, k + 1));
    expectTwin(kernels, rows);
  });

  it("ties go to the even number", async () => {
    const kernels = await createVariant(variant);
    // Scale 1, so that the values themselves are rounded; with zero points 0, 100 and 128.
    for (const least of [0, -100, -127.5]) {
      const ties = Array.from({ length: 255 }, (_, i) => least + i + 0.5);
      expectTwin(kernels, [Float32Array.of(least, least + 255, ...ties), Float32Array.of(...ties, least + 255, least)]);
    }
  });

  it("huge and tiny values", async () => {
    const kernels = await createVariant(variant);
    for (const size of [MOST, 1e38, 1e30, 1e-30, 1e-36, 3e-36, 2.9e-36, 1e-38, 1.1754944e-38, 1e-40, 1.4e-45]) {
      for (const K of [2, 7, 33]) {
        const mixed = randomFloats(K, K, size);
        mixed[0] = size;
        mixed[1] = -size;
        expectTwin(kernels, [mixed, mixed.map(Math.abs), mixed.map((value) => -Math.abs(value))]);
      }
    }
    expect(quantize(kernels, [Float32Array.of(MOST, -MOST, 0)]).scales).toEqual([Math.fround(MOST / 127.5)]);
    expect(quantize(kernels, [Float32Array.of(1e-40, -1e-40, 0)])).toMatchObject({ scales: [0], centred: [[0, 0, 0]] });
  });

  it("NaN and infinities at any place give a scale of NaN, to their row alone", async () => {
    const kernels = await createVariant(variant);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const K of [1, 3, 4, 8, 37]) {
        for (let k = 0; k < K; k++) {
          const rows = [randomFloats(K, 1), randomFloats(K, 2), randomFloats(K, 3)];
          rows[1]![k] = bad;
          expect(quantize(kernels, rows).scales[1], `${bad} at ${k} of ${K}`).toBeNaN();
          expectTwin(kernels, rows);
        }
      }
    }
  });

  it("any NaN, whatever its sign and its other bits, gives the same NaN, and so do infinities", async () => {
    const kernels = await createVariant(variant);
    const canonical = new Int32Array(Float32Array.of(Number.NaN).buffer)[0];
    const [M, K] = [6, 39];
    const x = kernels.allocate(M * K * 4);
    const out = kernels.allocate(8 * 40 * 2);
    const [scales, zeros] = [kernels.allocate(M * 4), kernels.allocate(M * 4)];
    const nans = [0x7fc00000, 0xffc00000, 0x7fffffff, 0xffffffff, 0x7f800001, 0xff800001];
    for (const bits of [...nans, 0x7f800000, 0xff800000]) {
      for (let row = 0; row < M; row++) {
        for (const place of [0, 17, 36, 38]) {
          kernels.floats(x, M * K).fill(255);
          kernels.ints(x + (row * K + place) * 4, 1)[0] = bits; // as a float it might become another one on the way
          kernels.exports.quantizeRows(out, scales, zeros, x, K * 4, M, K);
          const one = new Int32Array(Float32Array.of(1).buffer)[0];
          const expected = Array.from({ length: M }, (_, m) => (m === row ? canonical : one));
          expect([...kernels.ints(scales, M)], `${bits.toString(16)} at ${place} of row ${row}`).toEqual(expected);
        }
      }
    }
  });

  it("what is stored beyond K is the same each time", async () => {
    const kernels = await createVariant(variant);
    for (const K of [1, 2, 3, 5, 33]) {
      const rows = [randomFloats(K, K)];
      expect(quantize(kernels, rows, 3).padding).toEqual(quantize(kernels, rows).padding);
    }
  });
});
