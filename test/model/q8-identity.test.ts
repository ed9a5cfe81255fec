// q8 to the bit: the same in every build and form of multiplication, alone and in any batch, padded anywhere, asked for in any way.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as api from "../../src/index.ts";
import type { AlbertForPreTraining } from "../../src/model/albert.ts";
import type { KernelOptions } from "../../src/runtime/build.ts";
import type { DotForm } from "../../src/runtime/dot.ts";
import type { Tensor } from "../../src/tensor.ts";
import { fullHashes, hashOf, inputIds, smallHashes } from "../engines/program.mjs";
import { BUILDS } from "../support/builds.ts";
import { TINY_CONFIG, tinyModel } from "../support/checkpoint.ts";
import { emulatedDotModule } from "../support/emulated-dot.ts";
import { expectError } from "../support/expect-error.ts";
import { type FullSizeCase, fullSizeFiles } from "../support/hash-checkpoint.ts";
import { describeShared } from "../support/shared.ts";

interface Form {
  name: string;
  /** What the model must then say. */
  dot: DotForm | undefined;
  options(): Promise<KernelOptions>;
}

const ownForms = BUILDS.map(
  (build): Form => ({ name: `${build}, as the probe allows`, dot: undefined, options: async () => ({ build }) }),
);
/** Test builds with the byte dots of other engines. */
const emulatedForms = (["unsigned", "signed"] as const).map(
  (dot): Form => ({
    name: `a byte dot as engines with ${dot} bytes have it`,
    dot,
    options: async () => ({ module: await emulatedDotModule(dot) }),
  }),
);
/** Every way to multiply that can be had here. */
const FORMS: readonly Form[] = [
  ...ownForms,
  ...BUILDS.map((build): Form => ({ name: `${build}, i16`, dot: "i16", options: async () => ({ build, dot: "i16" }) })),
  ...emulatedForms,
];

const golden = JSON.parse(readFileSync(new URL("../golden/q8-hashes.json", import.meta.url), "utf8")) as Record<
  "fill-mask" | "full-size",
  Record<string, string>[]
>;
const shipped = new URL("../../models/fill-mask/", import.meta.url);

describe.each(FORMS)("committed hashes: $name", ({ dot, options }) => {
  it("the shipped model, 30 inputs", async () => {
    const result = await smallHashes(api, shipped, await options());
    if (dot) expect(result.dot).toBe(dot);
    expect(result.hashes).toEqual(golden["fill-mask"]);
  });
});

describeShared("committed hashes at full size", (shared) => {
  const folder = `${shared}golden/models/real-robertalbert/`;
  const load = JSON.parse(readFileSync(`${folder}case.json`, "utf8")) as FullSizeCase;
  let files: Record<string, Uint8Array> = {};
  beforeAll(async () => {
    files = await fullSizeFiles(folder, load);
  });
  // Where test/engines has all 30, the 18 of at most 24 tokens, which spares a minute.
  const whole = [ownForms.at(-1), ...emulatedForms];
  it.each(FORMS.map((form) => ({ ...form, inputs: whole.includes(form) ? 30 : 18 })))(
    "$name, $inputs inputs",
    async ({ dot, options, inputs }) => {
      const result = await fullHashes(api, files, await options(), inputs);
      if (dot) expect(result.dot).toBe(dot);
      expect(result.hashes).toEqual(golden["full-size"].slice(0, inputs));
    },
    180_000,
  );

  it("texts of 1 to 130 tokens in one batch, each as alone", async () => {
    const model = await api.AutoModel.from_pretrained(files, { dtype: "q8" });
    const places = [0, 7, 15, 21, 24, 28];
    const texts = places.map((place) => inputIds(model.config.vocab_size)[place]!);
    const most = Math.max(...texts.map(({ length }) => length));
    const output = await model({
      input_ids: texts.map((ids) => [...ids, ...new Array<number>(most - ids.length).fill(1)]),
      attention_mask: texts.map((ids) => Array.from({ length: most }, (_, t) => (t < ids.length ? 1 : 0))),
    });
    const { last_hidden_state, pooler_output } = output as Record<"last_hidden_state" | "pooler_output", Tensor>;
    for (const [b, ids] of texts.entries()) {
      const states = rowsOf(
        last_hidden_state,
        ids.map((_, t) => b * most + t),
      );
      const { logits: _, ...expected } = golden["full-size"][places[b]!]!;
      expect({
        last_hidden_state: await hashOf({ data: states }),
        pooler_output: await hashOf({ data: rowsOf(pooler_output, [b]) }),
      }).toEqual(expected);
    }
    await model.dispose();
  });
});

it("a form that is wrong on this engine cannot be forced", async () => {
  const { files } = await tinyModel();
  const load = (options: KernelOptions) => api.AutoModel.from_pretrained(files, { ...options, dtype: "q8" });
  for (const dot of ["unsigned", "signed"] as const) {
    await expectError(() => load({ build: "simd", dot }), "OPTION_INVALID", `"${dot}"`, '"i16"');
    const other = dot === "signed" ? "unsigned" : "signed";
    const module = await emulatedDotModule(other);
    await expectError(() => load({ module, dot }), "OPTION_INVALID", `"${dot}"`, `"${other}"`);
  }
});

const { vocab_size: V, pad_token_id: PAD, max_position_embeddings: MOST } = TINY_CONFIG;
const text = fc.array(fc.nat(V - 1), { minLength: 1, maxLength: 20 });
const texts = fc.array(text, { minLength: 1, maxLength: 5 });

describe.each(FORMS)("independence to the bit: $name", ({ options }) => {
  let model: AlbertForPreTraining;
  beforeAll(async () => {
    const { files } = await tinyModel("AlbertForPreTraining", { num_hidden_layers: 4, inner_group_num: 2 });
    model = await api.AutoModelForPreTraining.from_pretrained(files, { ...(await options()), dtype: "q8" });
    expect(model.dtype).toBe("q8");
  });
  afterAll(() => model.dispose());

  it("a text gives in a batch, with padding before, behind and within, what it gives alone", () =>
    fc.assert(
      fc.asyncProperty(texts, fc.infiniteStream(fc.nat(3)), async (batch, gaps) => {
        const rows = batch.map((ids) => {
          const row = { ids: [] as number[], mask: [] as number[], positions: [] as number[] };
          const hide = () => {
            for (let n = gaps.next().value!; n > 0; n--) {
              row.ids.push((n * 17) % V);
              row.mask.push(0);
              row.positions.push((n * 7) % MOST);
            }
          };
          hide();
          ids.forEach((id, t) => {
            row.ids.push(id);
            row.mask.push(1);
            row.positions.push(t);
            if (t % 4 === 0) hide();
          });
          return row;
        });
        const length = Math.max(...rows.map((row) => row.ids.length));
        const padded = (values: number[]) => [...values, ...new Array<number>(length - values.length).fill(0)];
        const together = await model(
          {
            input_ids: rows.map((row) => padded(row.ids)),
            attention_mask: rows.map((row) => padded(row.mask)),
            position_ids: rows.map((row) => padded(row.positions)),
          },
          { output_hidden_states: true },
        );
        for (const [b, ids] of batch.entries()) {
          const alone = await model({ input_ids: [ids] }, { output_hidden_states: true });
          const places = rows[b]!.mask.flatMap((seen, t) => (seen ? [b * length + t] : []));
          expectSame(rowsOf(together.prediction_logits, places), alone.prediction_logits);
          together.hidden_states!.forEach((state, i) => {
            expectSame(rowsOf(state, places), alone.hidden_states![i]!);
          });
          if (rows[b]!.mask[0]) expectSame(rowsOf(together.sop_logits, [b]), alone.sop_logits);
        }
      }),
      { numRuns: 40 },
    ));

  it("rows asked for, hidden states and attentions asked for: the same values", () =>
    fc.assert(
      fc.asyncProperty(texts, fc.infiniteStream(fc.nat(1000)), async (batch, numbers) => {
        const length = Math.max(...batch.map((ids) => ids.length));
        const inputs = {
          input_ids: batch.map((ids) => [...ids, ...new Array<number>(length - ids.length).fill(PAD)]),
          attention_mask: batch.map((ids) => Array.from({ length }, (_, t) => (t < ids.length ? 1 : 0))),
        };
        const output_rows = batch.map(() =>
          Array.from({ length: numbers.next().value! % 4 }, () => numbers.next().value! % length),
        );
        const full = await model(inputs);
        const some = await model({ ...inputs, output_rows });
        const more = await model(inputs, { output_attentions: true, output_hidden_states: true });
        const places = output_rows.flatMap((rows, b) => rows.map((t) => b * length + t));
        expectSame(rowsOf(full.prediction_logits, places), some.prediction_logits);
        expectSame(full.sop_logits.data as Float32Array, some.sop_logits);
        expectSame(full.prediction_logits.data as Float32Array, more.prediction_logits);
        expectSame(full.sop_logits.data as Float32Array, more.sop_logits);
      }),
      { numRuns: 40 },
    ));
});

it("the shipped model: 20 texts at once, padded left or right, give what each gives alone", async () => {
  const model = await api.AutoModelForMaskedLM.from_pretrained(shipped, { dtype: "q8" });
  const batch = inputIds(model.config.vocab_size).slice(5, 25);
  const length = Math.max(...batch.map((ids) => ids.length));
  const fill = (ids: readonly number[], value: (n: number) => number) =>
    Array.from({ length: length - ids.length }, (_, n) => value(n));
  const rows = batch.map((ids) => [0, ids.length >> 1, ids.length - 1]);
  const right = await model(
    {
      input_ids: batch.map((ids) => [...ids, ...fill(ids, () => 1)]),
      attention_mask: batch.map((ids) => [...ids.map(() => 1), ...fill(ids, () => 0)]),
    },
    { output_rows: rows },
  );
  const left = await model(
    {
      input_ids: batch.map((ids) => [...fill(ids, (n) => n), ...ids]),
      attention_mask: batch.map((ids) => [...fill(ids, () => 0), ...ids.map(() => 1)]),
      position_ids: batch.map((ids) => [...fill(ids, () => 7), ...ids.keys()]),
    },
    { output_rows: rows.map((list, b) => list.map((t) => t + length - batch[b]!.length)) },
  );
  expectSame(right.logits.data as Float32Array, left.logits);
  for (const [b, ids] of batch.entries()) {
    const alone = await model({ input_ids: [ids] }, { output_rows: [rows[b]!] });
    expectSame(rowsOf(right.logits, [3 * b, 3 * b + 1, 3 * b + 2]), alone.logits);
    const top = await model.top_tokens({ input_ids: [ids] }, { output_rows: [rows[b]!], top_k: 1 });
    top.forEach(([best], row) => {
      const logits = rowsOf(alone.logits, [row]);
      expect(best!.token).toBe(logits.indexOf(Math.max(...logits)));
    });
  }
  await model.dispose();
});

/** Values of rows of the last dimension. */
function rowsOf(tensor: Tensor, rows: readonly number[]): Float32Array {
  const width = tensor.dims.at(-1)!;
  const values = tensor.data as Float32Array;
  return Float32Array.from(rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]));
}

function expectSame(actual: Float32Array, expected: Tensor): void {
  const wanted = expected.data as Float32Array;
  const bytes = (v: Float32Array) => Buffer.from(v.buffer, v.byteOffset, v.byteLength);
  if (!bytes(actual).equals(bytes(wanted))) expect(actual).toEqual(wanted);
}
