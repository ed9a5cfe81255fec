// Logits of many rows, which are computed block by block of the vocabulary, against those of few, which are computed at once.
import { expect, it } from "vitest";
import { AutoModelForMaskedLM } from "../../src/model/auto.ts";
import { describeBuilds } from "../support/builds.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { expectSameBits } from "../support/errors.ts";
import { randomFrom } from "../support/random.ts";

/** 60 rows of it are five blocks, the last of them no multiple of anything. */
const V = 20_011;

describeBuilds("logits", (build) => {
  it.each(["fp32", "q8"] as const)("%s: the same in blocks as at once", async (dtype) => {
    const { files } = await tinyModel("AlbertForMaskedLM", { vocab_size: V });
    const model = await AutoModelForMaskedLM.from_pretrained(files, { build, dtype });
    expect(model.build).toBe(build);
    const random = randomFrom(5);
    const input_ids = Array.from({ length: 2 }, () => Array.from({ length: 30 }, () => Math.floor(random() * V)));
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
        if (!(Math.abs(value - expected[i]!) < 1e-5)) expect.fail(`row ${t} of text ${b}: ${value} at ${i}`);
      });
    }
    model.dispose();
  });
});
