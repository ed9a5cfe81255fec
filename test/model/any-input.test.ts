// Whatever is passed to a model, the answer is a result or one of our errors: never a trap, a TypeError, a hang.
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { RobertalbertError } from "../../src/errors.ts";
import { AutoModel, AutoModelForMaskedLM } from "../../src/model/auto.ts";
import type { AlbertForMaskedLM } from "../../src/model/masked-lm.ts";
import { tinyModel } from "../support/checkpoint.ts";

let model: AlbertForMaskedLM;
let files: Record<string, Uint8Array>;
const good = { input_ids: [[5, 6, 7]] };
let expected: unknown;

beforeAll(async () => {
  files = (await tinyModel("AlbertForMaskedLM")).files;
  model = await AutoModelForMaskedLM.from_pretrained(files);
  expected = await model(good);
});
afterAll(async () => {
  expect(await model(good)).toEqual(expected);
  await model.dispose();
});

/** Anything at all, sparse arrays, typed arrays, bigints and objects without prototype among it. */
const anything = fc.anything({
  maxDepth: 3,
  withBigInt: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withSparseArray: true,
  withTypedArray: true,
});
/** Nearly right values, which come further. */
const nearly = fc.oneof(
  anything,
  fc.array(fc.array(fc.oneof(fc.nat(60), fc.integer(), fc.double(), fc.bigInt()), { maxLength: 4 }), { maxLength: 3 }),
  fc.record({
    data: fc.oneof(anything, fc.array(fc.nat(60))),
    dims: fc.oneof(anything, fc.array(fc.integer({ min: -2, max: 4 }))),
  }),
);

async function answersOrRefuses(call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof RobertalbertError)) throw error;
  }
}

it("as inputs, or as one of them", () =>
  fc.assert(
    fc.asyncProperty(
      nearly,
      fc.constantFrom("input_ids", "attention_mask", "token_type_ids", "position_ids", "inputs_embeds"),
      async (value, name) => {
        await answersOrRefuses(() => model(value as never));
        await answersOrRefuses(() => model({ ...good, [name]: value } as never));
        await answersOrRefuses(() => model({ [name]: value } as never));
      },
    ),
    { numRuns: 1000, seed: 3 },
  ));

it("as options of a call", () =>
  fc.assert(
    fc.asyncProperty(
      nearly,
      fc.constantFrom("output_rows", "output_hidden_states", "output_attentions", "signal", "top_k", "candidates"),
      async (value, name) => {
        await answersOrRefuses(() => model(good, value as never));
        await answersOrRefuses(() => model(good, { [name]: value } as never));
        await answersOrRefuses(() => model.top_tokens(good, { output_rows: [[1]], top_k: 2, [name]: value } as never));
        await answersOrRefuses(() => model.top_tokens(good, (value ?? {}) as never));
      },
    ),
    { numRuns: 1000, seed: 3 },
  ));

it("as options of loading", () =>
  fc.assert(
    fc.asyncProperty(
      anything,
      fc.constantFrom(
        "dtype",
        "device",
        "build",
        "module",
        "wasmBinary",
        "max_memory_bytes",
        "allow_missing",
        "signal",
      ),
      async (value, name) => {
        await answersOrRefuses(() => AutoModel.from_pretrained(files, { [name]: value } as never));
        await answersOrRefuses(() => AutoModel.from_pretrained(files, (value ?? {}) as never));
      },
    ),
    { numRuns: 400, seed: 3 },
  ));

it("as config.json", () => {
  const keys = [
    "vocab_size",
    "hidden_act",
    "num_hidden_layers",
    "num_attention_heads",
    "id2label",
    "layer_norm_eps",
    "architectures",
  ];
  return fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(...keys), async (value, key) => {
      const config = JSON.parse(new TextDecoder().decode(files["config.json"])) as Record<string, unknown>;
      for (const json of [value, { ...config, [key]: value }]) {
        const bytes = new TextEncoder().encode(JSON.stringify(json));
        await answersOrRefuses(() => AutoModel.from_pretrained({ ...files, "config.json": bytes }));
      }
    }),
    { numRuns: 400, seed: 3 },
  );
});
