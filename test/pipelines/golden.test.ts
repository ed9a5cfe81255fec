// Every pipeline against Transformers' own (test/golden/pipelines.py): labels, places and words the same, scores within 1e-5.
import { expect, it } from "vitest";
import { pipeline, type Task } from "../../src/pipelines/pipeline.ts";
import type { Tensor } from "../../src/tensor.ts";
import type { PreTrainedTokenizer } from "../../src/tokenizer/pretrained-tokenizer.ts";
import { describeBuilds } from "../support/builds.ts";
import { difference, type PipelineCall, pipelineCases, pipelineFiles } from "../support/pipeline-cases.ts";

type AnyPipeline = ((...args: unknown[]) => Promise<unknown>) & {
  dispose(): Promise<void>;
  model: { build: string };
  tokenizer: PreTrainedTokenizer;
};
type Entities = { word: string; start: number; end: number }[];

interface Form {
  args?: (input: never) => unknown[];
  result?: (result: never) => unknown;
  expected?: (call: PipelineCall, tokenizer: PreTrainedTokenizer, actual: never) => unknown;
}

/** What the calls of a task take, and how their results read in Transformers' form. */
const FORMS: Record<string, Form> = {
  "fill-mask": {},
  "feature-extraction": { result: (result: Tensor) => (result.tolist() as unknown[])[0] },
  "text-classification": {},
  "zero-shot-classification": { args: (input: unknown[]) => input },
  "token-classification": { expected: entities },
  "question-answering": { args: (input: unknown[]) => input },
};

/**
 * Two documented differences, in `word` only: with "none" Transformers shows the token as it stands in the vocabulary (here its
 * text, as in transformers.js); with "first", "average" and "max" it decodes what it has decoded already, which loses blanks
 * and letters (here the text of all tokens, as with "simple").
 */
function entities(call: PipelineCall, tokenizer: PreTrainedTokenizer, actual: Entities): unknown {
  const expected = call.expected as Entities;
  const strategy = call.options.aggregation_strategy;
  if (strategy === "simple") return expected;
  return expected.map((entity, i) => {
    const ofToken = strategy === "none" && entity.word !== (call.input as string).slice(entity.start, entity.end);
    if (!ofToken) return { ...entity, word: actual[i]?.word };
    return { ...entity, word: tokenizer.decode([tokenizer.convert_tokens_to_ids(entity.word)]) };
  });
}

describeBuilds("golden pipelines", (build) => {
  for (const [task, form] of Object.entries(FORMS)) {
    for (const { folder, config, calls } of pipelineCases(task)) {
      it(`${task}: ${folder} ${JSON.stringify(config)}`, async () => {
        const pipe = (await pipeline(task as Task, pipelineFiles(folder, config), { build })) as unknown as AnyPipeline;
        expect(pipe.model.build).toBe(build);
        expect(calls.length).toBeGreaterThan(8);
        for (const call of calls) {
          const args = form.args?.(call.input as never) ?? [call.input];
          const actual = (await pipe(...args, call.options)) as never;
          const label = `${JSON.stringify(call.input).slice(0, 80)} ${JSON.stringify(call.options)}`;
          const wanted = form.expected?.(call, pipe.tokenizer, actual) ?? call.expected;
          expect(difference(form.result?.(actual) ?? actual, wanted), label).toBeUndefined();
        }
        await pipe.dispose();
      });
    }
  }
});
