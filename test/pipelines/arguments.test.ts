// Options and vectors of the wrong kind: each is a typed error that names it, none is taken for something else.
import { beforeAll, describe, expect, it } from "vitest";
import {
  cos_sim,
  dot,
  type FeatureExtractionPipeline,
  mean_pooling,
  pipeline,
  RobertalbertError,
  semantic_search,
  softmax,
  Tensor,
} from "../../src/index.ts";
import { pipelineFiles } from "../support/pipeline-cases.ts";

type Call = (options: never) => unknown;
const NO_OPTIONS = [1, "softmax", true, [], () => ({})];
const NO_FLAGS = [0, 1, "yes", "", {}, []];
const NO_VECTORS = [undefined, null, 1, "ab", true, {}, () => []];

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return "no error";
  } catch (error) {
    if (!(error instanceof RobertalbertError)) throw error;
    return error.code;
  }
}

describe("options", () => {
  const calls: Record<string, Call> = {};
  const flags: Record<string, Call> = {};
  beforeAll(async () => {
    const classify = await pipeline("text-classification", pipelineFiles("classification-1"));
    const ner = await pipeline("ner", pipelineFiles("ner-bpe"));
    const answer = await pipeline("question-answering", pipelineFiles("qa-bpe"));
    const zero = await pipeline("zero-shot-classification", pipelineFiles("zero-shot"));
    const embed = await pipeline("feature-extraction", pipelineFiles("feature-extraction"));
    const fill = await pipeline("fill-mask", pipelineFiles("fill-mask"));
    Object.assign(calls, {
      classify: (o: never) => classify("a", o),
      rerank: (o: never) => classify.rerank("a", ["b"], o),
      ner: (o: never) => ner("a", o),
      zero: (o: never) => zero("a", ["b"], o),
      embed: (o: never) => embed("a", o),
      fill: (o: never) => fill("a <mask>", o),
      "fill, streamed": async (o: never) => {
        for await (const _ of fill(one("a <mask>"), o)) break;
      },
    } satisfies Record<string, Call>);
    Object.assign(flags, {
      normalize: (o: never) => embed("a", o),
      multi_label: (o: never) => zero("a", ["b", "c"], o),
      align_to_words: (o: never) => answer([], [], o),
      handle_impossible_answer: (o: never) => answer("who", "a", o),
    } satisfies Record<string, Call>);
  });

  it.each(["classify", "rerank", "ner", "zero", "embed", "fill", "fill, streamed"])("%s: no object", async (name) => {
    for (const options of NO_OPTIONS)
      expect(await codeOf(() => calls[name]!(options as never)), String(options)).toBe("OPTION_INVALID");
    for (const signal of [0, false, "", "abort", {}])
      expect(await codeOf(() => calls[name]!({ signal } as never)), String(signal)).toBe("OPTION_INVALID");
    expect(await codeOf(() => calls[name]!({ signal: null } as never))).toBe("no error");
  });

  it.each(["normalize", "multi_label", "align_to_words", "handle_impossible_answer"])("%s: no flag", async (name) => {
    for (const value of NO_FLAGS)
      expect(await codeOf(() => flags[name]!({ [name]: value } as never)), String(value)).toBe("OPTION_INVALID");
    for (const value of [true, false, null, undefined])
      expect(await codeOf(() => flags[name]!({ [name]: value } as never))).toBe("no error");
  });
});

describe("vectors", () => {
  it.each(NO_VECTORS)("%o is none", async (value) => {
    const any = value as never;
    const calls = [
      () => cos_sim(any, [1]),
      () => dot([1], any),
      () => softmax(any),
      () => mean_pooling(any, any),
      () => semantic_search(any, new Float32Array(4)),
      () => semantic_search([1, 2], any),
    ];
    for (const call of calls) expect(await codeOf(call)).toBe("INPUT_INVALID");
  });

  it("semantic_search: one query, and vectors of its length", () => {
    const zeros = (...dims: number[]) => new Tensor("float32", new Float32Array(dims.reduce((a, b) => a * b)), dims);
    expect(semantic_search(zeros(1, 2), zeros(3, 2), { top_k: null })).toHaveLength(3);
    // Both have sizes that would divide each other.
    expect(() => semantic_search(zeros(2, 2), zeros(4, 2))).toThrow("2 × 2 values");
    expect(() => semantic_search([1, 2], zeros(3, 4))).toThrow("3 × 4");
    expect(() => semantic_search([1, 2], new Float32Array(4), 5 as never)).toThrow("expected an object");
  });

  it("similarity of what are no texts", async () => {
    const embed: FeatureExtractionPipeline = await pipeline("feature-extraction", pipelineFiles("feature-extraction"));
    for (const value of [undefined, null, 1, {}, [1], new Set(["a"])]) {
      expect(await codeOf(() => embed.similarity(value as never, "b"))).toBe("INPUT_INVALID");
      expect(await codeOf(() => embed.similarity("a", value as never))).toBe("INPUT_INVALID");
    }
  });
});

async function* one(text: string): AsyncGenerator<string> {
  yield text;
}
