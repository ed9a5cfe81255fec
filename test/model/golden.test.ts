// fp32 against Transformers' own outputs: every golden case, in every build.
import { expect, it } from "vitest";
import type { ModelOutput } from "../../src/model/pretrained-model.ts";
import type { Tensor } from "../../src/tensor.ts";
import { describeBuilds } from "../support/builds.ts";
import { type GoldenCall, type GoldenCase, readGoldenCases, worstRatio } from "../support/golden.ts";
import { AUTO_CLASSES, inputsOf, visibility } from "../support/golden-calls.ts";
import { describeShared } from "../support/shared.ts";

describeShared("golden models", (shared) => {
  describeBuilds("fp32", (build) => {
    for (const golden of readGoldenCases(shared)) {
      for (const load of golden.loads) {
        const folder = `${golden.folder}${load.folder}`;
        if (golden.name.startsWith("real-")) continue;
        it(`${golden.name}: ${load.class}`, async () => {
          const missing = load.missing_keys ?? [];
          const model = await AUTO_CLASSES[load.auto_class]!.from_pretrained(folder, {
            build,
            allow_missing: missing.length > 0,
          });
          expect(model.build).toBe(build);
          expect(model.constructor.name).toBe(load.class);
          expect(model.loading_info.missing_keys).toEqual([...missing].sort());
          if (load.unexpected_keys)
            expect(model.loading_info.unexpected_keys).toEqual([...load.unexpected_keys].sort());
          for (const call of load.calls) {
            const wants = (name: string) => name in call.outputs;
            const output = await model({
              ...inputsOf(call, golden),
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
      const visible = visibility(golden, className, call, name, part.dims);
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
