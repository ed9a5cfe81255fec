// Texts longer than the model: cut with one warning, refused, or read in windows.
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import { pipeline } from "../../src/pipelines/pipeline.ts";
import type { Tensor } from "../../src/tensor.ts";
import { pipelineFiles } from "../support/pipeline-cases.ts";

const long = Array.from({ length: 60 }, (_, i) => `Anna ${i} rows.`).join(" ");

describe("texts that are too long", () => {
  let warn: MockInstance;
  beforeEach(() => {
    warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  });
  afterEach(() => warn.mockRestore());

  it("truncate: the special tokens stay, and one warning is given for a pipeline", async () => {
    const classify = await pipeline("text-classification", pipelineFiles("classification-3"));
    const ids = classify.tokenizer(long, { truncation: true, max_length: 128, return_tensor: false }).input_ids;
    expect(ids.at(-1)).toBe(classify.tokenizer.sep_token_id);
    const { logits } = await classify.model({ input_ids: [ids] });
    const scores = await classify(long, { top_k: null, function_to_apply: "none" });
    expect(scores.map((s) => s.score)).toEqual([...((logits as Tensor).data as Float32Array)].sort((a, b) => b - a));
    await classify([long, long]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]![0]).toMatch(/128 tokens.*on_too_long/);
    await classify("short");
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it("error: INPUT_TOO_LONG with the limit, for texts that are too long only", async () => {
    const classify = await pipeline("text-classification", pipelineFiles("classification-3"));
    await expect(classify(long, { on_too_long: "error" })).rejects.toMatchObject({
      code: "INPUT_TOO_LONG",
      message: expect.stringContaining("more than 128 tokens"),
    });
    const exactly = classify.tokenizer.decode(
      classify.tokenizer.encode(long, { add_special_tokens: false }).slice(0, 6),
    );
    const length = classify.tokenizer.encode(exactly).length;
    await expect(classify(exactly, { on_too_long: "error", max_length: length })).resolves.toHaveLength(1);
    await expect(classify(exactly, { on_too_long: "error", max_length: length - 1 })).rejects.toThrow();
    expect(warn).not.toHaveBeenCalled();
  });

  it("window: short texts are as ever; a change at the end of a long text counts", async () => {
    const options = { on_too_long: "window", top_k: null } as const;
    const classify = await pipeline("text-classification", pipelineFiles("classification-3"));
    expect(await classify("short", options)).toEqual(await classify("short", { top_k: null }));
    expect(await classify(long, options)).not.toEqual(await classify(`${long} Zürich!`, options));
    const embed = await pipeline("feature-extraction", pipelineFiles("feature-extraction"));
    const pooled = { on_too_long: "window", pooling: "mean", max_length: 64 } as const;
    const a = await embed(long, pooled);
    expect(a.dims).toEqual([1, 24]);
    expect(a.data).not.toEqual((await embed(`${long} Zürich!`, pooled)).data);
    expect((await embed("short", pooled)).data).toEqual((await embed("short", { pooling: "mean" })).data);
    await expect(embed(long, { on_too_long: "window" })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(warn).not.toHaveBeenCalled();
  });

  it("window, classification: the mean of the windows' logits, weighted by tokens", async () => {
    const classify = await pipeline("text-classification", pipelineFiles("classification-3"));
    const { input_ids } = classify.tokenizer([long], {
      truncation: true,
      max_length: 128,
      stride: 31,
      return_overflowing_tokens: "all",
      return_tensor: false,
    });
    expect(input_ids.length).toBeGreaterThan(2);
    const total = input_ids.flat().length;
    const sum = [0, 0, 0];
    for (const ids of input_ids) {
      const logits = ((await classify.model({ input_ids: [ids] })).logits as Tensor).data as Float32Array;
      logits.forEach((v, i) => {
        sum[i]! += (v * ids.length) / total;
      });
    }
    const scores = await classify(long, { on_too_long: "window", top_k: null, function_to_apply: "none" });
    const sorted = sum.sort((a, b) => b - a);
    scores.forEach(({ score }, i) => {
      expect(score).toBeCloseTo(sorted[i]!, 5);
    });
  });

  it("fill-mask, window: every mask is answered, far beyond what the model takes", async () => {
    const fill = await pipeline("fill-mask", pipelineFiles("fill-mask"));
    const masked = `${long} The <mask> keeper. ${long} rows <mask>`;
    await expect(fill(masked)).rejects.toMatchObject({
      code: "INPUT_INVALID",
      message: expect.stringContaining("first 128"),
    });
    const lists = await fill(masked, { on_too_long: "window", top_k: 3 });
    expect(lists).toHaveLength(2);
    expect((lists as unknown[][]).every((list) => list.length === 3)).toBe(true);
    const short = "The <mask> keeper";
    expect(await fill(short, { on_too_long: "window" })).toEqual(await fill(short));
  });

  it("token classification: entities of a long text have their places in it, each once", async () => {
    const ner = await pipeline("token-classification", pipelineFiles("ner-bpe"));
    const options = { aggregation_strategy: "none", ignore_labels: [] as string[], on_too_long: "window" } as const;
    const tokens = await ner(long, options);
    const offsets = ner.tokenizer([long], {
      return_offsets_mapping: true,
      add_special_tokens: false,
      return_tensor: false,
    }).offset_mapping![0]!;
    expect(tokens.map(({ start, end }) => [start, end])).toEqual(offsets);
    expect(tokens.map((token) => ("index" in token ? token.index : 0))).toEqual(offsets.map((_, i) => i + 1));
    expect((await ner(long, { ignore_labels: [] })).length).toBe(126);
  });

  it("question answering reads all of a long context unless it is told otherwise", async () => {
    const answer = await pipeline("question-answering", pipelineFiles("qa-bpe"));
    const context = `${long} ${long} Zürich`;
    const whole = await answer("Who?", context, { top_k: 500, max_answer_len: 2 });
    const cut = await answer("Who?", context, { top_k: 500, max_answer_len: 2, on_too_long: "truncate" });
    expect(Math.max(...whole.map(({ end }) => end))).toBe(context.length);
    expect(Math.max(...cut.map(({ end }) => end))).toBeLessThan(context.length / 2);
    for (const { start, end, answer } of whole) expect(context.slice(start, end)).toBe(answer);
    await expect(answer("Who?", context, { on_too_long: "error" })).rejects.toMatchObject({ code: "INPUT_TOO_LONG" });
  });

  it("zero-shot and rerank cut the text, never hypothesis or query", async () => {
    const zero = await pipeline("zero-shot-classification", pipelineFiles("zero-shot"));
    const a = await zero(long, ["sea", "money"], { max_length: 40 });
    expect(a.scores).toHaveLength(2);
    await expect(zero(long, [long], { max_length: 40 })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    const { scores } = await zero(long, ["sea", "money"], { max_length: 40, on_too_long: "window" });
    expect(scores).not.toEqual(a.scores);
  });
});
