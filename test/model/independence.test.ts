// Properties: what a token gets depends on its own text alone, not on batch, padding, neighbours, or how the call is written.
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AlbertForPreTraining, PreTrainingOutput } from "../../src/model/albert.ts";
import { AutoModelForPreTraining } from "../../src/model/auto.ts";
import { Tensor } from "../../src/tensor.ts";
import { describeBuilds } from "../support/builds.ts";
import { TINY_CONFIG, type TinyModel, tinyModel } from "../support/checkpoint.ts";
import { randomFrom } from "../support/random.ts";

const {
  vocab_size: V,
  max_position_embeddings: MOST,
  pad_token_id: PAD,
  hidden_size: H,
  embedding_size: E,
} = TINY_CONFIG;

/** One token: its id and type. */
const token = fc.record({ id: fc.nat(V - 1), type: fc.nat(1) });
const text = fc.array(token, { minLength: 1, maxLength: 20 });
const texts = fc.array(text, { minLength: 1, maxLength: 5 });

describeBuilds("independence", (build) => {
  let tiny: TinyModel;
  let model: AlbertForPreTraining;
  beforeAll(async () => {
    tiny = await tinyModel();
    model = await AutoModelForPreTraining.from_pretrained(tiny.files, { build });
    expect(model.build).toBe(build);
  });
  afterAll(() => model.dispose());

  const alone = (one: readonly { id: number; type: number }[], position_ids: number[]) =>
    model({
      input_ids: [one.map((t) => t.id)],
      token_type_ids: [one.map((t) => t.type)],
      position_ids: [position_ids],
    });

  it("a text in a batch with padding anywhere gives what it gives alone", () =>
    fc.assert(
      fc.asyncProperty(texts, fc.infiniteStream(fc.nat(3)), async (batch, gaps) => {
        // Each text's tokens keep their order; behind each stand 0 to 3 hidden tokens, and before the first too.
        const rows = batch.map((one) => {
          const row = { ids: [] as number[], types: [] as number[], mask: [] as number[], positions: [] as number[] };
          const push = (id: number, type: number, visible: number, position: number) => {
            row.ids.push(id);
            row.types.push(type);
            row.mask.push(visible);
            row.positions.push(position);
          };
          const hide = () => {
            for (let n = gaps.next().value!; n > 0; n--) push((n * 17) % V, n % 2, 0, (n * 7) % MOST);
          };
          hide();
          one.forEach(({ id, type }, t) => {
            push(id, type, 1, t);
            hide();
          });
          return row;
        });
        const length = Math.max(...rows.map((row) => row.ids.length));
        const padded = (values: number[]) => [...values, ...new Array<number>(length - values.length).fill(0)];
        const together = await model({
          input_ids: rows.map((row) => padded(row.ids)),
          token_type_ids: rows.map((row) => padded(row.types)),
          attention_mask: rows.map((row) => padded(row.mask)),
          position_ids: rows.map((row) => padded(row.positions)),
        });
        for (const [b, one] of batch.entries()) {
          const single = await alone(
            one,
            one.map((_, t) => t),
          );
          const places = rows[b]!.mask.flatMap((visible, t) => (visible ? [b * length + t] : []));
          expectClose(rowsOf(together, "prediction_logits", places), rowsOf(single, "prediction_logits"));
          // The pooler reads position 0, whatever stands there: the same only where the text begins there.
          if (rows[b]!.mask[0] === 1) expectClose(rowsOf(together, "sop_logits", [b]), rowsOf(single, "sop_logits"));
        }
        const hidden = rows.flatMap((row, b) =>
          padded(row.mask).flatMap((visible, t) => (visible ? [] : [b * length + t])),
        );
        expect(rowsOf(together, "prediction_logits", hidden).every((v) => v === 0)).toBe(true);
      }),
      { numRuns: 60 },
    ));

  it("what stands at hidden positions and in other texts changes nothing, to the bit", () =>
    fc.assert(
      fc.asyncProperty(text, text, fc.nat(V - 1), async (one, other, filler) => {
        const length = Math.max(one.length, other.length) + 3;
        const call = (second: number[], fill: number) =>
          model({
            input_ids: [one.map((t) => t.id), second].map((ids) => [
              ...ids,
              ...new Array<number>(length - ids.length).fill(fill),
            ]),
            attention_mask: [one.length, second.length].map((n) => Array.from({ length }, (_, t) => (t < n ? 1 : 0))),
          });
        const ids = other.map((t) => t.id);
        const a = await call(ids, 0);
        const b = await call(
          ids.map((id) => (id + 1) % V),
          filler,
        );
        const own = one.map((_, t) => t);
        expect(rowsOf(a, "prediction_logits", own)).toEqual(rowsOf(b, "prediction_logits", own));
        expect(rowsOf(a, "sop_logits", [0])).toEqual(rowsOf(b, "sop_logits", [0]));
      }),
      { numRuns: 40 },
    ));

  it("output_rows gives the rows that a full call gives, in the order asked for, hidden ones as 0", () =>
    fc.assert(
      fc.asyncProperty(texts, fc.infiniteStream(fc.nat(1000)), async (batch, numbers) => {
        const length = Math.max(...batch.map((one) => one.length));
        const inputs = {
          input_ids: batch.map((one) => [...one.map((t) => t.id), ...new Array<number>(length - one.length).fill(PAD)]),
          attention_mask: batch.map((one) => Array.from({ length }, (_, t) => (t < one.length ? 1 : 0))),
        };
        const output_rows = batch.map(() =>
          Array.from({ length: numbers.next().value! % 4 }, () => numbers.next().value! % length),
        );
        const full = await model(inputs);
        const some = await model({ ...inputs, output_rows });
        const places = output_rows.flatMap((rows, b) => rows.map((t) => b * length + t));
        expect(some.prediction_logits.dims).toEqual([places.length, V]);
        expectClose(rowsOf(some, "prediction_logits"), rowsOf(full, "prediction_logits", places));
        expectClose(rowsOf(some, "sop_logits"), rowsOf(full, "sop_logits"));
      }),
      { numRuns: 60 },
    ));

  it("asking for hidden states or attentions changes no other output", () =>
    fc.assert(
      fc.asyncProperty(text, fc.boolean(), async (one, attentions) => {
        const inputs = { input_ids: [one.map((t) => t.id)] };
        const plain = await model(inputs);
        const more = await model(inputs, { output_hidden_states: !attentions, output_attentions: attentions });
        expectClose(rowsOf(more, "prediction_logits"), rowsOf(plain, "prediction_logits"));
        const row = more.attentions?.[0];
        if (row) {
          const T = one.length;
          const sums = Array.from({ length: row.size / T }, (_, i) =>
            (row.data as Float32Array).subarray(i * T, (i + 1) * T).reduce((a, b) => a + b, 0),
          );
          expectClose(
            sums,
            sums.map(() => 1),
          );
        }
      }),
      { numRuns: 20 },
    ));

  it('positions: by default 0, 1, 2, …; "roberta" counts what is not padding from pad_token_id + 1', () =>
    fc.assert(
      fc.asyncProperty(texts, async (batch) => {
        const length = Math.max(...batch.map((one) => one.length));
        const input_ids = batch.map((one) => [
          ...one.map((t) => t.id),
          ...new Array<number>(length - one.length).fill(PAD),
        ]);
        const counted = input_ids.map((ids) => ids.map((_, t) => t));
        const roberta = input_ids.map((ids) => {
          let seen = 0;
          return ids.map((id) => (id === PAD ? PAD : PAD + ++seen));
        });
        const results = await Promise.all(
          [undefined, counted, [counted[0]!], "roberta" as const, roberta].map((position_ids) =>
            model({ input_ids, ...(position_ids && { position_ids }) }),
          ),
        );
        const [byDefault, explicit, spread, named, computed] = results.map((r) => rowsOf(r, "prediction_logits"));
        expect(explicit).toEqual(byDefault);
        expect(spread).toEqual(byDefault);
        expect(computed).toEqual(named);
        expect(named).not.toEqual(byDefault);
      }),
      { numRuns: 20 },
    ));

  it("inputs_embeds of the word table's rows stand for input_ids", () =>
    fc.assert(
      fc.asyncProperty(text, async (one) => {
        const table = tiny.values.get("albert.embeddings.word_embeddings.weight")!;
        const rows = one.map(({ id }) => [...table.subarray(id * E, (id + 1) * E)]);
        const byIds = await model({ input_ids: [one.map((t) => t.id)] });
        const nested = await model({ inputs_embeds: [rows] });
        const flat = await model({ inputs_embeds: new Tensor("float32", rows.flat(), [1, one.length, E]) });
        expect(rowsOf(nested, "prediction_logits")).toEqual(rowsOf(byIds, "prediction_logits"));
        expect(rowsOf(flat, "prediction_logits")).toEqual(rowsOf(byIds, "prediction_logits"));
      }),
      { numRuns: 20 },
    ));

  it("every way to write the inputs gives the same to the bit", async () => {
    const ids = [
      [5, 6, 7, 8],
      [9, 10, 1, 1],
    ];
    const mask = [
      [1, 1, 1, 1],
      [1, 1, 0, 0],
    ];
    const reference = rowsOf(await model({ input_ids: ids, attention_mask: mask }), "prediction_logits");
    const dims = [2, 4];
    const bigints = (rows: number[][]) => BigInt64Array.from(rows.flat(), BigInt);
    const forms = {
      "nested bigints": {
        input_ids: ids.map((row) => row.map(BigInt)),
        attention_mask: mask.map((row) => row.map(BigInt)),
      },
      "arrays of typed arrays": {
        input_ids: ids.map((row) => Int32Array.from(row)),
        attention_mask: mask.map((row) => Uint8Array.from(row)),
      },
      "typed arrays with dims": {
        input_ids: { data: Int32Array.from(ids.flat()), dims },
        attention_mask: { data: bigints(mask), dims },
      },
      "plain data with dims": { input_ids: { data: ids.flat(), dims }, attention_mask: { data: mask.flat(), dims } },
      "int32 Tensors": {
        input_ids: new Tensor("int32", ids.flat(), dims),
        attention_mask: new Tensor("int32", mask.flat(), dims),
      },
      "int64 Tensors": {
        input_ids: new Tensor("int64", bigints(ids), dims),
        attention_mask: new Tensor("int64", bigints(mask), dims),
      },
      "null for what is not given": {
        input_ids: ids,
        attention_mask: mask,
        token_type_ids: null,
        position_ids: null,
        inputs_embeds: null,
      },
    };
    for (const [name, inputs] of Object.entries(forms))
      expect(rowsOf(await model(inputs), "prediction_logits"), name).toEqual(reference);
    const one = rowsOf(await model({ input_ids: [ids[0]!] }), "prediction_logits");
    for (const flat of [ids[0]!, Int32Array.from(ids[0]!), BigInt64Array.from(ids[0]!, BigInt)])
      expect(rowsOf(await model({ input_ids: flat }), "prediction_logits")).toEqual(one);
  });

  it("options are taken from the inputs and from the second argument, which wins", async () => {
    const input_ids = [[5, 6, 7]];
    const inside = await model({ input_ids, output_hidden_states: true, output_attentions: true, output_rows: [[2]] });
    const beside = await model(
      { input_ids },
      { output_hidden_states: true, output_attentions: true, output_rows: [[2]] },
    );
    expect(Object.keys(inside).sort()).toEqual(["attentions", "hidden_states", "prediction_logits", "sop_logits"]);
    expect(inside.hidden_states!.map((t) => t.dims)).toEqual(new Array(4).fill([1, 3, H]));
    expect(inside.attentions!.map((t) => t.dims)).toEqual(new Array(3).fill([1, 3, 3, 3]));
    expect(inside.prediction_logits.dims).toEqual([1, V]);
    expect(beside).toEqual(inside);
    const both = await model({ input_ids, output_hidden_states: true }, { output_hidden_states: false });
    expect(both.hidden_states).toBeUndefined();
  });

  it("more texts than fit one pack give what each gives alone", async () => {
    const random = randomFrom(7);
    const batch = Array.from({ length: 45 }, () =>
      Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * V)),
    );
    expect(batch.flat().length).toBeGreaterThan(512);
    const input_ids = batch.map((ids) => [...ids, ...new Array<number>(40 - ids.length).fill(PAD)]);
    const attention_mask = batch.map((ids) => Array.from({ length: 40 }, (_, t) => (t < ids.length ? 1 : 0)));
    const together = await model({ input_ids, attention_mask });
    for (const [b, ids] of batch.entries()) {
      const single = await model({ input_ids: [ids] });
      expectClose(
        rowsOf(
          together,
          "prediction_logits",
          ids.map((_, t) => b * 40 + t),
        ),
        rowsOf(single, "prediction_logits"),
      );
      expectClose(rowsOf(together, "sop_logits", [b]), rowsOf(single, "sop_logits"));
    }
  });

  it("a text without any visible token is 0 throughout and harms no other", async () => {
    const output = await model({
      input_ids: [
        [5, 6, 7],
        [5, 6, 7],
      ],
      attention_mask: [
        [0, 0, 0],
        [1, 1, 1],
      ],
    });
    const single = await model({ input_ids: [[5, 6, 7]] });
    expect(rowsOf(output, "prediction_logits", [0, 1, 2]).every((v) => v === 0)).toBe(true);
    expect(rowsOf(output, "sop_logits", [0])).toEqual([0, 0]);
    expectClose(rowsOf(output, "prediction_logits", [3, 4, 5]), rowsOf(single, "prediction_logits"));
    const nothing = await model({ input_ids: [[5, 6]], attention_mask: [[0, 0]] });
    expect(rowsOf(nothing, "prediction_logits").every((v) => v === 0)).toBe(true);
  });
});

/** The values of an output at the given rows, or all. */
function rowsOf(
  output: PreTrainingOutput,
  name: "prediction_logits" | "sop_logits",
  rows?: readonly number[],
): number[] {
  const tensor = output[name];
  const width = tensor.dims.at(-1)!;
  const values = tensor.data as Float32Array;
  return rows ? rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]) : [...values];
}

/** Equal but for float rounding. */
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(0, ...actual.map((v, i) => Math.abs(v - expected[i]!) / Math.max(1, Math.abs(expected[i]!))));
  expect(worst).toBeLessThan(1e-5);
}
