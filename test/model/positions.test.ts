// Positions: ALBERT's count by default, RoBERTa's on demand, and what happens at the end of the table's 514 rows.
import { beforeAll, expect, it } from "vitest";
import { newFolder } from "../../src/folder/init.ts";
import type { AlbertModel } from "../../src/model/albert.ts";
import { AutoModel } from "../../src/model/auto.ts";
import type { ModelInputs } from "../../src/model/inputs.ts";
import { tensorOf, writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { describeBuilds } from "../support/builds.ts";
import { readTensorsOf } from "../support/golden.ts";
import { inMemory } from "../support/new-folder.ts";

const PAD = 1;
const TABLE = "albert.embeddings.position_embeddings.weight";
const size = "hidden=32,layers=2,heads=2,intermediate=48,embedding=16";

describeBuilds("positions", (build) => {
  let folder: Record<string, Uint8Array>;
  let model: AlbertModel;

  /** The model with another table of positions. */
  async function withTable(change: (table: Float32Array) => Float32Array): Promise<AlbertModel> {
    const tensors = readTensorsOf(folder["model.safetensors"]!);
    const sources = [...tensors].map(([name, { shape, data }]) =>
      tensorOf(name, "F32", shape, name === TABLE ? change(data) : data),
    );
    const weights = await inMemory([{ name: "model.safetensors", chunks: () => writeSafetensors(sources) }]);
    return AutoModel.from_pretrained({ ...folder, ...weights }, { build });
  }

  const run = async (inputs: ModelInputs, on = model): Promise<Float32Array> => {
    const { last_hidden_state } = await on(inputs);
    return (last_hidden_state as { data: Float32Array }).data;
  };
  const text = (tokens: number) => [Array.from({ length: tokens }, (_, i) => 2 + ((i * 7) % 90))];

  beforeAll(async () => {
    folder = await inMemory((await newFolder({ size, vocab_size: 100, weights: true })).files);
    model = await AutoModel.from_pretrained(folder, { build });
    expect(model.build).toBe(build);
  });

  it("takes 512, 513 and 514 tokens; 515 are an error", async () => {
    for (const tokens of [512, 513, 514]) expect(await run({ input_ids: text(tokens) })).toHaveLength(tokens * 32);
    await expect(run({ input_ids: text(515) })).rejects.toMatchObject({
      code: "INPUT_TOO_LONG",
      message: expect.stringMatching(/515 tokens.*514 positions/),
    });
  });

  it("uses rows 0 … 511 for 512 tokens: the last two stay unused", async () => {
    const other = await withTable((table) => table.slice().fill(0.5, 512 * 16));
    expect(await run({ input_ids: text(512) }, other)).toEqual(await run({ input_ids: text(512) }));
    expect(await run({ input_ids: text(513) }, other)).not.toEqual(await run({ input_ids: text(513) }));
    await other.dispose();
  });

  it("counts padding by default and skips it as RoBERTa does on demand", async () => {
    const [a, b, c] = [10, 20, 30];
    const input_ids = [
      [PAD, PAD, a, b, c],
      [a, b, c, PAD, PAD],
      [a, PAD, b, PAD, c],
    ];
    const attention_mask = input_ids.map((ids) => ids.map((id) => (id === PAD ? 0 : 1)));
    const byDefault = [0, 1, 2, 3, 4];
    expect(await run({ input_ids, attention_mask })).toEqual(
      await run({ input_ids, attention_mask, position_ids: [byDefault] }),
    );
    // create_position_ids_from_input_ids of Transformers: cumsum(mask) · mask + padding_idx, mask = (ids ≠ padding_idx).
    const position_ids = input_ids.map((ids) => {
      let count = 0;
      return ids.map((id) => (id === PAD ? PAD : PAD + ++count));
    });
    expect(position_ids).toEqual([
      [1, 1, 2, 3, 4],
      [2, 3, 4, 1, 1],
      [2, 1, 3, 1, 4],
    ]);
    const roberta = await run({ input_ids, attention_mask, position_ids: "roberta" });
    expect(roberta).toEqual(await run({ input_ids, attention_mask, position_ids }));
    // Wherever the padding stands, the three tokens see the same: RoBERTa's count does not depend on it.
    const rows = (text: number, at: number[]) =>
      at.flatMap((t) => [...roberta.subarray((5 * text + t) * 32, (5 * text + t + 1) * 32)]);
    expect(rows(0, [2, 3, 4])).toEqual(rows(1, [0, 1, 2]));
    expect(rows(2, [0, 2, 4])).toEqual(rows(1, [0, 1, 2]));
  });

  it('"roberta" is what a table moved by padding_idx + 1 rows gives without it', async () => {
    const moved = await withTable((table) => {
      const result = new Float32Array(table.length);
      result.set(table.subarray((PAD + 1) * 16));
      return result;
    });
    for (const tokens of [1, 7, 512]) {
      expect(await run({ input_ids: text(tokens), position_ids: "roberta" })).toEqual(
        await run({ input_ids: text(tokens) }, moved),
      );
    }
    await moved.dispose();
  });

  it('"roberta" takes 512 tokens and not 513, padding aside', async () => {
    const padded = [[...text(512)[0]!, PAD, PAD]];
    expect(await run({ input_ids: padded, position_ids: "roberta" })).toHaveLength(514 * 32);
    await expect(run({ input_ids: text(513), position_ids: "roberta" })).rejects.toMatchObject({
      code: "INPUT_TOO_LONG",
      message: expect.stringMatching(/512 tokens/),
    });
    await expect(run({ input_ids: text(3), position_ids: "bert" as "roberta" })).rejects.toMatchObject({
      code: "INPUT_INVALID",
    });
  });
});
