// top_tokens against the logits that the same model gives: scores, order, candidates, more rows than are held at once.
import { afterAll, beforeAll, expect, it } from "vitest";
import { AutoModelForMaskedLM } from "../../src/model/auto.ts";
import { topEntries } from "../../src/model/heads/top-entries.ts";
import type { AlbertForMaskedLM } from "../../src/model/masked-lm.ts";
import { softmax } from "../reference/softmax.ts";
import { describeBuilds } from "../support/builds.ts";
import { TINY_CONFIG, tinyModel } from "../support/checkpoint.ts";
import { randomFrom } from "../support/random.ts";

const { vocab_size: V } = TINY_CONFIG;

describeBuilds("top_tokens", (build) => {
  let model: AlbertForMaskedLM;
  beforeAll(async () => {
    model = await AutoModelForMaskedLM.from_pretrained((await tinyModel("AlbertForMaskedLM")).files, { build });
    expect(model.build).toBe(build);
  });
  afterAll(() => model.dispose());

  const random = randomFrom(5);
  const input_ids = Array.from({ length: 3 }, () => Array.from({ length: 30 }, () => Math.floor(random() * V)));
  // 59 rows, some asked for twice, in no order.
  const output_rows = [
    Array.from({ length: 30 }, (_, t) => 29 - t),
    [],
    [3, 3, ...Array.from({ length: 27 }, (_, t) => t)],
  ];

  it("gives the best tokens of every row with their probabilities, row for row", async () => {
    const { logits } = await model({ input_ids }, { output_rows });
    const found = await model.top_tokens({ input_ids }, { output_rows, top_k: 7 });
    expect(found).toHaveLength(59);
    const probabilities = softmax(logits.data as Float32Array, 59, V, 1);
    for (const [row, best] of found.entries()) {
      const own = probabilities.subarray(row * V, (row + 1) * V);
      const expected = [...own.keys()].sort((a, b) => own[b]! - own[a]!).slice(0, 7);
      expect(best.map(({ token }) => token)).toEqual(expected);
      for (const { token, score } of best) expect(Math.abs(score - own[token]!)).toBeLessThan(1e-6);
    }
  });

  it("gives all tokens when more are asked for than there are, and only the candidates where they are named", async () => {
    const options = { output_rows: [[0], [], []], top_k: 1000 };
    const [all] = await model.top_tokens({ input_ids }, options);
    expect(all).toHaveLength(V);
    const [some] = await model.top_tokens({ input_ids }, { ...options, candidates: [7, 3, 11, 3] });
    expect(some).toEqual(all!.filter(({ token }) => [7, 3, 11].includes(token)));
    expect(await model.top_tokens({ input_ids }, { ...options, output_rows: [[], [], []] })).toEqual([]);
  });
});

it("topEntries puts the lower of equal tokens first", () => {
  const scores = Float32Array.of(1, 3, 3, 2, 3, 0);
  expect(topEntries(scores, 3, undefined).map((e) => e.token)).toEqual([1, 2, 4]);
  expect(topEntries(scores, 2, [0, 2, 4, 5]).map((e) => e.token)).toEqual([2, 4]);
  expect(topEntries(scores, 9, undefined).map((e) => e.token)).toEqual([1, 2, 4, 3, 0, 5]);
});
