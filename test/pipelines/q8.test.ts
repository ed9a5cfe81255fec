// Every pipeline in q8, the golden calls of Transformers' own in float32 (test/golden/pipelines.py): what is answered is mostly the same.
// All of it cannot be, as these models are random and their scores close together; the share is the same on every engine.
import { expect, it } from "vitest";
import { pipeline, type Task } from "../../src/pipelines/pipeline.ts";
import type { Tensor } from "../../src/tensor.ts";
import { meanError } from "../support/distance.ts";
import { type PipelineCase, pipelineCases, pipelineFiles } from "../support/pipeline-cases.ts";

type AnyPipeline = ((...args: unknown[]) => Promise<unknown>) & {
  dispose(): Promise<void>;
  model: { dtype: string };
};
type Result = Record<string, unknown>;

async function open(task: Task, { folder, config }: PipelineCase): Promise<AnyPipeline> {
  const pipe = (await pipeline(task, pipelineFiles(folder, config), { dtype: "q8" })) as unknown as AnyPipeline;
  expect(pipe.model.dtype).toBe("q8");
  return pipe;
}

const flat = (result: unknown): Result[] => (Array.isArray(result) ? result.flatMap(flat) : [result as Result]);
const place = ({ start, end }: Result) => `${start}–${end}`;

/** What is answered, without scores: of each result, in their order; and how many of them are to be the same. */
const TASKS: readonly [Task, (result: Result) => unknown, number][] = [
  ["fill-mask", ({ token }) => token, 0.89],
  ["text-classification", ({ label }) => label, 0.95],
  ["zero-shot-classification", ({ labels }) => (labels as string[])[0], 0.7],
  ["token-classification", (result) => `${result.entity ?? result.entity_group} ${place(result)}`, 0.83],
  ["question-answering", place, 0.87],
];

for (const [task, answer, least] of TASKS) {
  it.each(pipelineCases(task).map((golden) => ({ ...golden, named: JSON.stringify(golden.config) })))(
    `${task}: $folder $named`,
    async (golden) => {
      const pipe = await open(task, golden);
      const isPair = task === "zero-shot-classification" || task === "question-answering";
      let [same, all] = [0, 0];
      for (const { input, options, expected } of golden.calls) {
        const actual = await pipe(...(isPair ? (input as unknown[]) : [input]), options);
        const [answers, wanted] = [flat(actual).map(answer), flat(expected).map(answer)];
        all += Math.max(answers.length, wanted.length);
        same += wanted.filter((one, i) => one === answers[i]).length;
      }
      expect(all).toBeGreaterThan(30);
      expect(same / all).toBeGreaterThanOrEqual(least);
      await pipe.dispose();
    },
  );
}

it.each(pipelineCases("feature-extraction"))("feature-extraction: $folder", async (golden) => {
  const pipe = await open("feature-extraction", golden);
  for (const { input, options, expected } of golden.calls) {
    const { data } = (await pipe(input, options)) as Tensor;
    expect(meanError(data as Float32Array, Float32Array.from((expected as number[][]).flat()))).toBeLessThan(0.02);
  }
  await pipe.dispose();
});
