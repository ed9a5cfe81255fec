// Logits of many rows, which are computed block by block of the vocabulary, against those of few, which are computed at once.
import { expect, it } from "vitest";
import { AutoModelForMaskedLM } from "../../src/model/auto.ts";
import { blockColumns, logitBlocks } from "../../src/model/heads/masked-lm.ts";
import { describeBuilds } from "../support/builds.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { expectSameBits } from "../support/errors.ts";
import { randomFrom } from "../support/random.ts";

/** No multiple of anything. */
const V = 20_011;

it("blocks are an odd number of cache lines of each row, no fewer than 64, and all columns for few rows", () => {
  expect([1, 13].map((rows) => blockColumns(rows, V))).toEqual([V, V]);
  for (const rows of [14, 60, 128, 500, 512, 10_000, 1e9]) {
    const columns = blockColumns(rows, V);
    expect(columns % 32, `${rows} rows`).toBe(16);
    expect(columns, `${rows} rows`).toBeGreaterThanOrEqual(1024);
    expect(rows > 256 || columns * rows * 4 < 1.1 * 2 ** 20, `${rows} rows`).toBe(true);
  }
});

it("blocks are all logits once, stretch of columns after stretch, 128 rows and 1 MB, but for a line of each row, at most", () => {
  for (const [rows, columns] of [
    [1, V],
    [129, V],
    [300, 5_003],
  ] as const) {
    const seen = new Uint8Array(rows * columns);
    let last = 0;
    for (const block of logitBlocks(rows, columns)) {
      expect(block.column).toBeGreaterThanOrEqual(last);
      last = block.column;
      expect(block.rows).toBeLessThanOrEqual(128);
      expect(block.rows * (block.columns - 16) * 4).toBeLessThanOrEqual(2 ** 20);
      for (let row = block.row; row < block.row + block.rows; row++) {
        for (let column = block.column; column < block.column + block.columns; column++)
          seen[row * columns + column]!++;
      }
    }
    expect(
      seen.every((times) => times === 1),
      `${rows} rows of ${columns}`,
    ).toBe(true);
  }
});

describeBuilds("logits", (build) => {
  it.each(["fp32", "q8"] as const)("%s: the same in blocks as at once", async (dtype) => {
    const { files } = await tinyModel("AlbertForMaskedLM", { vocab_size: V });
    const model = await AutoModelForMaskedLM.from_pretrained(files, { build, dtype });
    expect(model.build).toBe(build);
    const random = randomFrom(5);
    const input_ids = Array.from({ length: 2 }, () => Array.from({ length: 30 }, () => Math.floor(random() * V)));
    expect(blockColumns(1, V)).toBe(V);
    expect(V / blockColumns(60, V)).toBeGreaterThan(4);
    const { logits } = await model({ input_ids });
    expect(logits.dims).toEqual([2, 30, V]);
    const all = logits.data as Float32Array;
    for (const [b, t] of [
      [0, 0],
      [0, 29],
      [1, 17],
    ] as const) {
      const alone = await model({ input_ids: [input_ids[b]!] }, { output_rows: [[t]] });
      const expected = alone.logits.data as Float32Array;
      const row = (b * 30 + t) * V;
      const actual = all.subarray(row, row + V);
      if (dtype === "q8") expectSameBits(actual, expected, `row ${t} of text ${b}`);
      // fp32's sums before the head depend on how many rows there are.
      actual.forEach((value, i) => {
        if (!(Math.abs(value - expected[i]!) < 2e-6)) expect.fail(`row ${t} of text ${b}: ${value} at ${i}`);
      });
    }
    model.dispose();
  });

  it.each(["fp32", "q8"] as const)("%s: more rows than a block has, the same as few", async (dtype) => {
    const { files } = await tinyModel("AlbertForMaskedLM", { vocab_size: V });
    const model = await AutoModelForMaskedLM.from_pretrained(files, { build, dtype });
    const random = randomFrom(6);
    const input_ids = Array.from({ length: 5 }, () => Array.from({ length: 30 }, () => Math.floor(random() * V)));
    expect([...logitBlocks(150, V)].some(({ row }) => row > 0)).toBe(true);
    const { logits } = await model({ input_ids });
    for (const b of [0, 4]) {
      const alone = (await model({ input_ids: [input_ids[b]!] })).logits.data as Float32Array;
      const rows = (logits.data as Float32Array).subarray(b * 30 * V, (b + 1) * 30 * V);
      if (dtype === "q8") expectSameBits(rows, alone, `text ${b}`);
      const wrong = rows.findIndex((value, i) => !(Math.abs(value - alone[i]!) < 2e-6));
      expect(wrong, `text ${b}`).toBe(-1);
    }
    model.dispose();
  });
});
