// q8 on every small golden model: near Transformers' values, 0 where hidden, and the same bits from the converted folder; back to floats.
import { expect, it } from "vitest";
import type { AlbertPreTrainedModel, ModelOutput } from "../../src/model/pretrained-model.ts";
import type { Tensor } from "../../src/tensor.ts";
import { describeBuilds } from "../support/builds.ts";
import { converted } from "../support/converted.ts";
import { type GoldenCall, type GoldenCase, readGoldenCases } from "../support/golden.ts";
import { AUTO_CLASSES, inputsOf, isPooled, visibility } from "../support/golden-calls.ts";
import { describeShared } from "../support/shared.ts";

/** mean |Δ| / mean |x| that 8 bits may cost in networks as small and as random as these (measured: 0.029). */
const MOST_ERROR = 0.035;
/** The same of what hangs on the pooler: a few numbers, some of them near 0 (measured: 0.073, of two logits). */
const MOST_POOLED_ERROR = 0.08;

describeShared("golden models in q8", (shared) => {
  describeBuilds("q8", (build) => {
    for (const golden of readGoldenCases(shared)) {
      if (golden.name.startsWith("real-")) continue;
      for (const load of golden.loads) {
        it(`${golden.name}: ${load.class}`, async () => {
          const folder = `${golden.folder}${load.folder}`;
          const quantized = await converted(folder, "q8");
          const exported = await converted(quantized, "fp32");
          const options = { build, dtype: "q8", allow_missing: (load.missing_keys ?? []).length > 0 } as const;
          const Auto = AUTO_CLASSES[load.auto_class]!;
          const model = await Auto.from_pretrained(folder, options);
          const fromFile = await Auto.from_pretrained(quantized, options);
          const inFloats = { ...options, dtype: "fp32" } as const;
          const [widened, back] = [
            await Auto.from_pretrained(quantized, inFloats),
            await Auto.from_pretrained(exported, inFloats),
          ];
          expect([model.build, model.dtype, fromFile.dtype]).toEqual([build, "q8", "q8"]);
          expect(fromFile.constructor.name).toBe(load.class);
          for (const call of load.calls) {
            const output = await run(model, call, golden);
            compare(golden, load.class, call, output);
            expect(await run(fromFile, call, golden)).toEqual(output);
            expect(await run(back, call, golden)).toEqual(await run(widened, call, golden));
          }
          await Promise.all([model, fromFile, widened, back].map((each) => each.dispose()));
        });
      }
    }
  });
});

function run(model: AlbertPreTrainedModel, call: GoldenCall, golden: GoldenCase): Promise<ModelOutput> {
  return model({
    ...inputsOf(call, golden),
    output_hidden_states: "hidden_states" in call.outputs,
    output_attentions: "attentions" in call.outputs,
  });
}

function compare(golden: GoldenCase, className: string, call: GoldenCall, output: ModelOutput): void {
  for (const [name, tensorName] of Object.entries(call.outputs)) {
    const expected = golden.tensors.get(tensorName)!;
    const parts = [(output as Record<string, Tensor | Tensor[]>)[name]!].flat();
    const size = expected.size / parts.length;
    let [error, sum] = [0, 0];
    parts.forEach((part, n) => {
      expect(part.size, name).toBe(size);
      const values = part.data as Float32Array;
      const wanted = (expected.data as Float32Array).subarray(n * size, (n + 1) * size);
      const visible = visibility(golden, className, call, name, part.dims);
      values.forEach((value, i) => {
        if (visible(i)) {
          error += Math.abs(value - wanted[i]!);
          sum += Math.abs(wanted[i]!);
        } else if (value !== 0) expect(value, `${call.name}: ${name}[${n}], hidden`).toBe(0);
      });
    });
    const most = isPooled(className, name) ? MOST_POOLED_ERROR : MOST_ERROR;
    if (sum > 0) expect(error / sum, `${call.name}: ${name}`).toBeLessThanOrEqual(most);
  }
}
