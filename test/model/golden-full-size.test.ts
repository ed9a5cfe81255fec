// fp32 against Transformers at full size (12 × 768, weights from a formula): every real-* case, in every build.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlbertForPreTraining } from "../../src/model/albert.ts";
import { AutoModelForPreTraining } from "../../src/model/auto.ts";
import type { Tensor } from "../../src/tensor.ts";
import { describeBuilds } from "../support/builds.ts";
import { type GoldenCall, readTensors, tolerance, worstRatio } from "../support/golden.ts";
import { type FullSizeCase, fullSizeFiles } from "../support/hash-checkpoint.ts";
import { describeShared } from "../support/shared.ts";
import { parseSlices, pick, slicedIndices } from "../support/slices.ts";

/** What golden/README.md adds to the tolerance of full-size models. */
const EXTRA = 8e-5;

describeShared("golden full-size models", (shared) => {
  const root = `${shared}golden/models/`;
  for (const folder of readdirSync(root).filter((name) => name.startsWith("real-"))) {
    if (!existsSync(`${root}${folder}/case.json`)) continue;
    const golden = JSON.parse(readFileSync(`${root}${folder}/case.json`, "utf8")) as FullSizeCase;
    describe(folder, () => {
      let files: Record<string, Uint8Array> = {};
      beforeAll(async () => {
        files = await fullSizeFiles(`${root}${folder}`, golden);
      });
      afterAll(() => {
        files = {};
      });
      const tensors = readTensors(`${root}${folder}/golden.safetensors`);
      describeBuilds("fp32", (build) => {
        let model: AlbertForPreTraining;
        beforeAll(async () => {
          model = await AutoModelForPreTraining.from_pretrained(files, { build });
        });
        afterAll(() => model.dispose());
        for (const call of golden.loads[0]!.calls) {
          it(call.name, async () => {
            expect(model.build).toBe(build);
            await compare(model, call, tensors);
          });
        }
      });
    });
  }
});

async function compare(model: AlbertForPreTraining, call: GoldenCall, tensors: Map<string, Tensor>): Promise<void> {
  const [input_ids, attention_mask] = [tensors.get(call.inputs.input_ids!)!, tensors.get(call.inputs.attention_mask!)!];
  const [B, T] = input_ids.dims as [number, number];
  const seen = attention_mask.data as Int32Array;
  const masks = call.masked_positions!;
  const output = await model(
    { input_ids, attention_mask },
    { output_hidden_states: true, output_rows: fullRows(B, masks) },
  );
  const hidden = output.hidden_states!;
  const last = hidden.at(-1)!;
  const logits = output.prediction_logits;
  const V = model.config.vocab_size;
  expect(logits.dims).toEqual([B * masks.length, V]);
  // Hidden positions are 0 after every layer, and where a mask is hidden so are its logits.
  for (const state of hidden) {
    expect(state.data.every((v, i) => v === 0 || seen[Math.floor(i / state.dims[2]!)] === 1)).toBe(true);
  }
  const isSeenMask = (row: number) => seen[Math.floor(row / masks.length) * T + masks[row % masks.length]!] === 1;
  expect(logits.data.every((v, i) => v === 0 || isSeenMask(Math.floor(i / V)))).toBe(true);

  const error = (name: string) => call.float32_error[name] ?? call.float32_error.prediction_logits!;
  for (const [label, tensorName] of Object.entries(call.outputs)) {
    const { name, slices } = parseSlices(label);
    const expected = tensors.get(tensorName)!;
    if (name === "mlm_top_ids" || name === "mlm_top_logits") continue; // below, together
    let [actual, use]: [Float32Array, (i: number) => boolean] = [new Float32Array(0), () => true];
    if (name === "hidden_states") {
      const indices = slicedIndices(last.dims, slices.slice(1));
      const width = last.dims[2]!;
      actual = Float32Array.from(hidden.flatMap((state) => [...pick(state, indices)]));
      use = (i) => seen[Math.floor(indices[i % indices.length]! / width)] === 1;
    } else if (name === "last_hidden_state") {
      const indices = slicedIndices(last.dims, slices);
      actual = pick(last, indices);
      use = (i) => seen[Math.floor(indices[i]! / last.dims[2]!)] === 1;
    } else if (name === "mlm_logits") {
      expect(slices).toEqual([":", "masks", ":64"]);
      actual = pick(logits, slicedIndices(logits.dims, [":", ":64"]));
      use = (i) => isSeenMask(Math.floor(i / 64));
    } else {
      expect(name).toBe("sop_logits");
      actual = output.sop_logits.data as Float32Array;
    }
    expect(actual.length, label).toBe(expected.size);
    expect(worstRatio(actual, expected.data as Float32Array, error(name), use, EXTRA), label).toBeLessThanOrEqual(1);
  }
  compareTops(
    logits,
    isSeenMask,
    tensors.get(call.outputs.mlm_top_ids!)!,
    tensors.get(call.outputs.mlm_top_logits!)!,
    error(""),
  );
  compareSums(call, last, seen, logits);
}

function fullRows(B: number, masks: readonly number[]): number[][] {
  return Array.from({ length: B }, () => [...masks]);
}

/** The 12 best tokens at each mask: their logits, and their order wherever float32 decides it. */
function compareTops(
  logits: Tensor,
  isSeenMask: (row: number) => boolean,
  ids: Tensor,
  values: Tensor,
  error: number,
): void {
  const V = logits.dims[1]!;
  const k = ids.dims.at(-1)!;
  for (let row = 0; row < logits.dims[0]!; row++) {
    if (!isSeenMask(row)) continue;
    const own = (logits.data as Float32Array).subarray(row * V, (row + 1) * V);
    const best = [...own.keys()].sort((a, b) => own[b]! - own[a]!).slice(0, k);
    const expectedIds = [...(ids.data as Int32Array).subarray(row * k, (row + 1) * k)];
    const expected = [...(values.data as Float32Array).subarray(row * k, (row + 1) * k)];
    expect(
      worstRatio(
        expectedIds.map((id) => own[id]!),
        expected,
        error,
        undefined,
        EXTRA,
      ),
    ).toBeLessThanOrEqual(1);
    best.forEach((id, i) => {
      const gap = Math.min(
        ...[expected[i - 1], expected[i + 1]].map((v) => (v === undefined ? Infinity : Math.abs(v - expected[i]!))),
      );
      if (gap > 8 * error) expect(id, `row ${row}, rank ${i}`).toBe(expectedIds[i]);
      else expect(Math.abs(own[id]! - expected[i]!)).toBeLessThanOrEqual(tolerance(expected[i]!, error, EXTRA));
    });
  }
}

/** Sums over everything: what the slices leave out is right too. Errors are random, so they may add up to 2e-6 of the sizes. */
function compareSums(call: GoldenCall, last: Tensor, seen: Int32Array, logits: Tensor): void {
  const H = last.dims[2]!;
  const values = [...(last.data as Float32Array)].filter((_, i) => seen[Math.floor(i / H)] === 1);
  const sum = (list: Iterable<number>) => [...list].reduce((a, b) => a + b, 0);
  const size = sum(values.map(Math.abs));
  const logitSize = sum([...(logits.data as Float32Array)].map(Math.abs));
  const actual: Record<string, [number, number]> = {
    "last_hidden_state of visible tokens, sum": [sum(values), size],
    "last_hidden_state of visible tokens, sum of absolute values": [size, size],
    "mlm logits at masks, sum": [sum(logits.data as Float32Array), logitSize],
  };
  for (const [name, expected] of Object.entries(call.sums!)) {
    const [value, allOf] = actual[name]!;
    expect(Math.abs(value - expected), `${call.name}: ${name}`).toBeLessThanOrEqual(2e-6 * allOf);
  }
}
