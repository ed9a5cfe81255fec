// Texts that nobody writes: every pipeline gives a right-shaped answer or an error of ours, in bounded time, and stays usable.
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { RobertalbertError } from "../../src/errors.ts";
import { pipeline } from "../../src/pipelines/pipeline.ts";
import { pipelineFiles } from "../support/pipeline-cases.ts";

const TEXTS = [
  "",
  " ",
  "\n\t\u0000",
  "\ud83d", // half of a surrogate pair
  "\ude00\ud83d",
  "\u202e\u0301\u0301\u0301",
  "<s></s><pad><mask>",
  "[CLS][SEP]",
  "a".repeat(5000),
  "😀".repeat(2000),
  "word ".repeat(200_000),
  " ".repeat(100_000),
];

describe("hostile texts", () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);

  it("classification, zero-shot, rerank: scores are probabilities", async () => {
    const classify = await pipeline("text-classification", pipelineFiles("classification-3"));
    const zero = await pipeline("zero-shot-classification", pipelineFiles("zero-shot"));
    const rank = await pipeline("text-classification", pipelineFiles("classification-1"));
    for (const text of TEXTS) {
      const labels = await classify(text, { top_k: null });
      expect(labels.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6);
      const { scores } = await zero(text, ["a", ""]);
      expect(scores[0]! + scores[1]!).toBeCloseTo(1, 6);
      expect((await rank.rerank("query", [text]))[0]!.score).toBeGreaterThan(0);
    }
  });

  it("embeddings are finite, of length 1", async () => {
    const embed = await pipeline("feature-extraction", pipelineFiles("feature-extraction"));
    for (const text of TEXTS) {
      const { data } = await embed(text, { pooling: "mean", normalize: true });
      expect(Math.hypot(...(data as Float32Array))).toBeCloseTo(1, 5);
    }
  });

  for (const tokenizer of ["bpe", "unigram"]) {
    it(`entities and answers lie in the text, in order [${tokenizer}]`, async () => {
      const ner = await pipeline("ner", pipelineFiles(`ner-${tokenizer}`));
      const answer = await pipeline("question-answering", pipelineFiles(`qa-${tokenizer}`));
      const check = async (text: string) => {
        let last = 0;
        for (const { start, end, score } of await ner(text, { aggregation_strategy: "max", ignore_labels: [] })) {
          expect(last <= start && start <= end && end <= text.length).toBe(true);
          expect(score > 0 && score <= 1).toBe(true);
          last = start;
        }
        const found = await answer("Who?", text, { top_k: 3, on_too_long: "truncate" });
        expect(found.length).toBeGreaterThan(0);
        for (const { start, end, answer } of found) expect(text.slice(start, end)).toBe(answer);
      };
      for (const text of TEXTS) await check(text);
      await fc.assert(fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 60 }), check), {
        numRuns: 60,
        seed: 1,
      });
      await fc.assert(fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), check), { numRuns: 60, seed: 1 });
    });
  }

  it("arguments that are no texts end in an error of ours", async () => {
    const answer = await pipeline("question-answering", pipelineFiles("qa-bpe"));
    const zero = await pipeline("zero-shot-classification", pipelineFiles("zero-shot"));
    const ner = await pipeline("ner", pipelineFiles("ner-bpe"));
    const bad = [undefined, null, 1, {}, [1], Symbol.iterator, () => "text", new Uint8Array(3)];
    const calls = bad.flatMap((value) => {
      const any = value as string;
      return [
        () => answer(any, "context"),
        () => answer("question", any),
        () => answer([any] as never),
        () => zero(any, ["a"]),
        () => zero("text", any),
        () => zero("text", [any]),
        () => ner(any),
        () => ner("text", { stride: any as never }),
        () => ner("text", { ignore_labels: any as never }),
        () => answer("q", "c", { doc_stride: any as never }),
      ];
    });
    let errors = 0;
    for (const call of calls) {
      try {
        await call();
      } catch (error) {
        expect(error).toBeInstanceOf(RobertalbertError);
        errors++;
      }
    }
    expect(errors).toBeGreaterThan(50);
    expect(await ner("still usable")).toBeInstanceOf(Array);
  });
});
