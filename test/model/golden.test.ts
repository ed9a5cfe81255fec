// fp32 against Transformers' own outputs: every golden case, in every build.
import { expect, it } from "vitest";
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForMultipleChoice,
  AutoModelForPreTraining,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
} from "../../src/model/auto.ts";
import type { ModelInputs } from "../../src/model/inputs.ts";
import type { ModelOutput } from "../../src/model/pretrained-model.ts";
import type { Tensor } from "../../src/tensor.ts";
import { describeBuilds } from "../support/builds.ts";
import { type GoldenCall, type GoldenCase, readGoldenCases, worstRatio } from "../support/golden.ts";
import { describeShared } from "../support/shared.ts";

const CLASSES = {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForMultipleChoice,
  AutoModelForPreTraining,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
};

describeShared("golden models", (shared) => {
  describeBuilds("fp32", (build) => {
    for (const golden of readGoldenCases(shared)) {
      for (const load of golden.loads) {
        const folder = `${golden.folder}${load.folder}`;
        if (golden.name.startsWith("real-")) continue;
        it(`${golden.name}: ${load.class}`, async () => {
          const missing = load.missing_keys ?? [];
          const model = await CLASSES[load.auto_class as keyof typeof CLASSES].from_pretrained(folder, {
            build,
            allow_missing: missing.length > 0,
          });
          expect(model.build).toBe(build);
          expect(model.constructor.name).toBe(load.class);
          expect(model.loading_info.missing_keys).toEqual([...missing].sort());
          if (load.unexpected_keys)
            expect(model.loading_info.unexpected_keys).toEqual([...load.unexpected_keys].sort());
          for (const call of load.calls) {
            const inputs = Object.fromEntries(
              Object.entries(call.inputs).map(([name, tensor]) => [name, golden.tensors.get(tensor)!]),
            ) as ModelInputs;
            const wants = (name: string) => name in call.outputs;
            const output = await model({
              ...inputs,
              output_hidden_states: wants("hidden_states"),
              output_attentions: wants("attentions"),
            });
            compare(golden, load.class, call, output);
          }
          await model.dispose();
        });
      }
    }
  });
});

/** Visible positions within the tolerance, hidden ones and rows without any visible token exactly 0. */
function compare(golden: GoldenCase, className: string, call: GoldenCall, output: ModelOutput): void {
  const pooledLogits = ["AlbertForSequenceClassification", "AlbertForMultipleChoice"].includes(className);
  const mask = call.inputs.attention_mask === undefined ? undefined : golden.tensors.get(call.inputs.attention_mask)!;
  for (const [name, tensorName] of Object.entries(call.outputs)) {
    const expected = golden.tensors.get(tensorName)!;
    const label = `${call.name}: ${name}`;
    const parts = [(output as Record<string, Tensor | Tensor[]>)[name]!].flat();
    const size = expected.size / parts.length;
    expect(
      parts.map((part) => part.size),
      label,
    ).toEqual(parts.map(() => size));
    parts.forEach((part, n) => {
      const values = part.data as Float32Array;
      const wanted = (expected.data as Float32Array).subarray(n * size, (n + 1) * size);
      const isPooled = ["pooler_output", "sop_logits"].includes(name) || (name === "logits" && pooledLogits);
      const visible = visibility(name, isPooled, part.dims, mask);
      expect(
        worstRatio(values, wanted, call.float32_error[name] ?? 0, visible),
        `${label}[${n}], in tolerances`,
      ).toBeLessThanOrEqual(1);
      expect(
        values.every((v, i) => visible(i) || v === 0),
        `${label}[${n}]: hidden values are 0`,
      ).toBe(true);
    });
  }
}

/** Which values of an output are defined: by token, by query and key, or by text (a choice is a text). */
function visibility(
  name: string,
  isPooled: boolean,
  dims: readonly number[],
  mask: Tensor | undefined,
): (i: number) => boolean {
  if (mask === undefined) return () => true;
  const T = mask.dims.at(-1)!;
  const seen = mask.data as Int32Array;
  if (name === "attentions") {
    const heads = dims[1]!;
    return (i) => {
      const key = i % T;
      const query = Math.floor(i / T) % T;
      const b = Math.floor(i / (T * T * heads));
      return seen[b * T + query] === 1 && seen[b * T + key] === 1;
    };
  }
  const size = dims.reduce((a, b) => a * b, 1);
  if (isPooled) {
    const width = size / (mask.size / T);
    return (i) => seen.subarray(Math.floor(i / width) * T, Math.floor(i / width + 1) * T).includes(1);
  }
  const width = size / mask.size;
  return (i) => seen[Math.floor(i / width)] === 1;
}
