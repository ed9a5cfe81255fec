// pipeline(): names and aliases, models that do not fit, the call forms of each task beyond the golden ones.
import { describe, expect, it } from "vitest";
import * as robertalbert from "../../src/index.ts";
import { pipeline, type Task } from "../../src/pipelines/pipeline.ts";
import type { Tensor } from "../../src/tensor.ts";
import { difference, pipelineFiles } from "../support/pipeline-cases.ts";

describe("pipeline()", () => {
  it("aliases of transformers.js", async () => {
    expect((await pipeline("sentiment-analysis", pipelineFiles("classification-3"))).task).toBe("text-classification");
    expect((await pipeline("ner", pipelineFiles("ner-bpe"))).task).toBe("token-classification");
    expect((await pipeline("embeddings", pipelineFiles("feature-extraction"))).task).toBe("feature-extraction");
  });

  it("without a model: the shipped one for fill-mask, else a clear error", async () => {
    const fill = await pipeline("fill-mask");
    expect((await fill("The capital of France is <mask>."))[0]).toMatchObject({ token_str: " Paris" });
    for (const task of ["feature-extraction", "sentiment-analysis", "question-answering"] as const) {
      await expect(pipeline(task)).rejects.toMatchObject({
        code: "OPTION_INVALID",
        message: expect.stringContaining("needs a model"),
      });
    }
  });

  it("unknown tasks, and models without the head that the task needs", async () => {
    for (const task of ["translation", "toString", "", 5])
      await expect(pipeline(task as Task, pipelineFiles("ner-bpe"))).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(pipeline("question-answering", pipelineFiles("ner-bpe"))).rejects.toMatchObject({
      code: expect.stringMatching(/TENSOR_MISSING|CONFIG_INVALID/),
    });
    const missing = { code: "TENSOR_MISSING", message: expect.stringContaining("classifier.weight") };
    await expect(pipeline("text-classification", pipelineFiles("feature-extraction"))).rejects.toMatchObject(missing);
    const zeroShot = await pipeline("zero-shot-classification", pipelineFiles("classification-3"));
    await expect(zeroShot("text", ["a"])).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("entailment"),
    });
  });

  it("transformers.js's names are exported", () => {
    for (const name of [
      ...["pipeline", "AutoModel", "AutoTokenizer", "AutoConfig", "AutoModelForMultipleChoice", "AlbertModel"],
      ...["AlbertForMaskedLM", "AlbertForSequenceClassification", "AlbertForTokenClassification", "Tensor", "env"],
      ...["AlbertForQuestionAnswering", "RobertaTokenizer", "AlbertTokenizer", "cos_sim", "dot", "softmax"],
      ...["mean_pooling", "FeatureExtractionPipeline", "ZeroShotClassificationPipeline"],
    ])
      expect(robertalbert, name).toHaveProperty(name);
  });
});

describe("text-classification", () => {
  it("pairs: as objects, as text_pair, one or many", async () => {
    const classify = await pipeline("text-classification", pipelineFiles("classification-3"));
    const pair = { text: "Who rows?", text_pair: "The keeper rows." };
    const expected = await classify(pair, { top_k: null });
    expect(await classify("Who rows?", { text_pair: "The keeper rows.", top_k: null })).toEqual(expected);
    const lists = await classify(["a", "Who rows?"], { text_pair: ["b", "The keeper rows."], top_k: null });
    expect(difference(lists[1], expected, 1e-6)).toBeUndefined();
    expect(await classify("Who rows?", { top_k: null })).not.toEqual(expected);
    const invalid = { code: "INPUT_INVALID" };
    await expect(classify(["a", "b"], { text_pair: ["c"] })).rejects.toMatchObject(invalid);
    await expect(classify(["a", "b"], { text_pair: "c" })).rejects.toMatchObject(invalid);
    await expect(classify("a", { text_pair: ["c"] })).rejects.toMatchObject(invalid);
  });

  it("one logit is scored by sigmoid, not by a softmax that is always 1 (as transformers.js does)", async () => {
    const score = await pipeline("text-classification", pipelineFiles("classification-1"));
    const a = (await score("some text"))[0]!.score;
    const b = (await score("quite another text"))[0]!.score;
    expect(a).not.toBe(b);
    expect(Math.max(a, b)).toBeLessThan(1);
  });

  it("rerank: as the pairs score by themselves, best first", async () => {
    const ranker = await pipeline("text-classification", pipelineFiles("classification-1"));
    const documents = ["The keeper rows.", "Money", "a café", "It is far away in the north."];
    const ranked = await ranker.rerank("Who rows?", documents);
    const scores = await Promise.all(
      documents.map(async (text_pair) => (await ranker({ text: "Who rows?", text_pair }))[0]!.score),
    );
    const expected = [...documents.keys()].sort((a, b) => scores[b]! - scores[a]!);
    expect(ranked.map((r) => r.corpus_id)).toEqual(expected);
    expect(ranked.map((r) => r.text)).toEqual(expected.map((i) => documents[i]));
    expect(
      difference(
        ranked.map((r) => r.score),
        expected.map((i) => scores[i]),
        1e-6,
      ),
    ).toBeUndefined();
    expect(await ranker.rerank("Who rows?", documents, { top_k: 2 })).toEqual(ranked.slice(0, 2));
    expect(await ranker.rerank("Who rows?", [])).toEqual([]);
    const long = `${"many words ".repeat(400)} rows`;
    const best = await ranker.rerank("Who rows?", [long], { on_too_long: "window" });
    expect(best[0]!.score).toBeGreaterThan(0);
    await expect(ranker.rerank("q", "text" as unknown as string[])).rejects.toMatchObject({ code: "INPUT_INVALID" });
    const three = await pipeline("text-classification", pipelineFiles("classification-3"));
    await expect(three.rerank("q", documents)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("similarity", () => {
  it("similarity, cos_sim and mean_pooling agree", async () => {
    const embed = await pipeline("feature-extraction", pipelineFiles("feature-extraction"));
    const [a, b] = ["The keeper rows.", "a café in Zürich, far away"] as const;
    const alike = await embed.similarity(a, b);
    const encoding = embed.tokenizer([a, b], { padding: true });
    const { last_hidden_state } = await embed.model(encoding as never);
    const pooled = robertalbert.mean_pooling(last_hidden_state as Tensor, encoding.attention_mask as Tensor);
    const [x, y] = pooled.tolist() as [number[], number[]];
    expect(alike).toBeCloseTo(robertalbert.cos_sim(x, y), 5);
    expect(await embed.similarity(a, a)).toBeCloseTo(1, 6);
    const table = (await embed.similarity([a, b], [b, a, b])) as Tensor;
    expect(table.dims).toEqual([2, 3]);
    expect(
      difference(
        table.tolist(),
        [
          [alike, 1, alike],
          [1, alike, 1],
        ],
        1e-5,
      ),
    ).toBeUndefined();
    const vectors = await embed([a, b], { pooling: "mean" });
    expect(
      robertalbert.semantic_search((await embed(b, { pooling: "mean" })).data as Float32Array, vectors)[0],
    ).toMatchObject({
      corpus_id: 1,
    });
  });

  it("semantic_search: the best of many by cosine, any length, ties by place", () => {
    const corpus = Float32Array.from([1, 0, 0, 2, -3, 0, 1, 1, 4, 0, 0, 0]);
    const hits = robertalbert.semantic_search([2, 0], corpus, { top_k: 3 });
    expect(hits.map((hit) => hit.corpus_id)).toEqual([0, 4, 3]);
    expect(hits.map((hit) => hit.score)).toEqual([1, 1, expect.closeTo(Math.SQRT1_2, 12)]);
    expect(robertalbert.semantic_search([2, 0], corpus)).toHaveLength(6);
    expect(robertalbert.semantic_search([2, 0], new Float32Array(0))).toEqual([]);
    expect(() => robertalbert.semantic_search([1, 2, 3, 4, 5], corpus)).toThrow("multiple");
    expect(() => robertalbert.semantic_search([1, 2], corpus, { top_k: 0 })).toThrow("top_k");
    expect(() => robertalbert.cos_sim([1], [1, 2])).toThrow("expected as many");
  });
});

describe("zero-shot-classification", () => {
  const relabelled = (...names: string[]) => ({
    id2label: Object.fromEntries(names.map((name, i) => [i, name])),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
  });

  // Transformers takes label 0 for the contradiction (or the last, where 0 is the entailment) whatever its name is.
  it.each([
    [["neutral", "entailment", "contradiction"], 1, 2],
    [["entailment", "contradiction", "neutral"], 0, 1],
    [["neutral", "not_entailment", "Entailment"], 2, 1],
    [["entailment", "neutral", "other"], 0, 2],
    [["other", "neutral", "entailment"], 2, 0],
  ] as [string[], number, number][])(
    "labels %j: which is the contradiction",
    async (names, entailment, contradiction) => {
      const files = pipelineFiles("zero-shot", relabelled(...names));
      const zeroShot = await pipeline("zero-shot-classification", files);
      const classify = await pipeline("text-classification", files);
      const text = "The keeper rows to the tower.";
      const logits = await classify(
        { text, text_pair: "This example is boats." },
        { top_k: null, function_to_apply: "none" },
      );
      const [no, yes] = [contradiction, entailment].map((i) => logits.find(({ label }) => label === names[i])!.score);
      const { scores } = await zeroShot(text, ["boats"], { multi_label: true });
      expect(scores[0]).toBeCloseTo(Math.exp(yes!) / (Math.exp(yes!) + Math.exp(no!)), 6);
    },
  );

  it("labels as a string with commas, and a template in which the label stands as it is", async () => {
    const zeroShot = await pipeline("zero-shot-classification", pipelineFiles("zero-shot"));
    const list = await zeroShot("a text", ["$& boats", "{}"], { hypothesis_template: "{} $1." });
    expect(await zeroShot("a text", " $& boats , {},", { hypothesis_template: "{} $1." })).toEqual(list);
    expect([...list.labels].sort()).toEqual(["$& boats", "{}"]);
    expect(list.scores[0]! + list.scores[1]!).toBeCloseTo(1, 12);
  });
});

describe("token classification, where Transformers is wrong", () => {
  it("words of a group are whole: blanks and letters are not lost by decoding twice", async () => {
    const ner = await pipeline("ner", pipelineFiles("ner-unigram"));
    const text = "Anna Schmidt moved from Berlin to New York in March 1998.";
    const groups = await ner(text, { aggregation_strategy: "first", ignore_labels: [] });
    expect(
      groups
        .map(({ word }) => word)
        .join(" ")
        .replaceAll(" ", ""),
    ).toBe(text.toLowerCase().replaceAll(" ", ""));
    const several = groups.find(({ word }) => word.includes(" "));
    expect(text.toLowerCase()).toContain(several!.word.trim());
  });

  it("a word ends at any white space, not at U+0020 only", async () => {
    const ner = await pipeline("ner", pipelineFiles("ner-bpe"));
    const places = async (text: string) =>
      (await ner(text, { aggregation_strategy: "first", ignore_labels: [] })).flatMap(({ start, end }) => [start, end]);
    for (const text of ["Berlin\nAnna", "Berlin\tAnna"])
      for (const at of await places(text)) expect([0, 6, 7, 11]).toContain(at);
  });
});
