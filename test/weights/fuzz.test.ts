// Every file of every golden model and tokenizer, changed at random (fixed seeds): loading must end in an error of ours, or in
// what the changed file really says. FUZZ=N changes the number of mutations (default 20,000), FUZZ_SEED the seed.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RobertalbertError } from "../../src/errors.ts";
import { memorySource } from "../../src/hub/memory.ts";
import { AutoModel, AutoModelForPreTraining } from "../../src/model/auto.ts";
import type { ModelInputs } from "../../src/model/inputs.ts";
import type { Tensor } from "../../src/tensor.ts";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import { Checkpoint } from "../../src/weights/checkpoint.ts";
import { BYTES_OF_DTYPE, toFloat32 } from "../../src/weights/dtype.ts";
import type { TensorEntry } from "../../src/weights/entry.ts";
import { converted } from "../support/converted.ts";
import { mutate } from "../support/mutate.ts";
import { randomFrom } from "../support/random.ts";
import { describeShared } from "../support/shared.ts";

type Files = Record<string, Uint8Array<ArrayBuffer>>;

const MUTATIONS = Number(process.env.FUZZ ?? 20_000);
const SEED = Number(process.env.FUZZ_SEED ?? 0);
/** Loading a tokenizer takes 10 to 100 times as long as loading a small model. */
const TOKENIZER_SHARE = 0.02;
/** Of processor time: the machine may be busy with other things. */
const MOST_MS = 5000;

describeShared("fuzz", (shared) => {
  const models = `${shared}golden/models/`;
  const folders = readdirSync(models).filter((name) => !/^(real-|activations)/.test(name));
  const inputNames = (folder: string) =>
    readdirSync(folder).filter((name) => name.startsWith("config.json") || /^(model|pytorch_model)/.test(name));
  const targets = folders.reduce((sum, folder) => sum + inputNames(models + folder).length, 0);
  const share = Math.ceil((MUTATIONS * (1 - TOKENIZER_SHARE)) / targets);

  describe(`models, ${share} mutations of each of ${targets} files`, () => {
    const other = readFileSync(`${models}format-bin/pytorch_model.bin`);
    it.each(folders)("%s", async (folder) => {
      const names = inputNames(models + folder);
      const files = readAll(models + folder, names);
      const original = await valuesOf(files);
      for (const name of names) {
        for (let i = 0; i < share; i++) {
          const changed = mutate(files[name]!, other, randomFrom(hash(`${SEED} ${folder} ${name} ${i}`)));
          await survives(`${folder}/${name}, mutation ${i}`, async () => {
            const mutated = { ...files, [name]: changed };
            // The cheap part first: most mutations end here.
            if (name !== "config.json") compare(await valuesOf(mutated), original, files, mutated, name);
            await runModel(mutated);
          });
        }
      }
    });
  });

  it(`a converted q8 folder, ${4 * share} mutations of its file`, async () => {
    const files = (await converted(`${models}format-f32`, "q8")) as Files;
    const original = await valuesOf(files);
    const name = "model.q8.safetensors";
    for (let i = 0; i < 4 * share; i++) {
      const changed = mutate(files[name]!, files["config.json"]!, randomFrom(hash(`${SEED} q8 ${i}`)));
      await survives(`${name}, mutation ${i}`, async () => {
        const mutated = { ...files, [name]: changed };
        compare(await valuesOf(mutated), original, files, mutated, name);
        await runModel(mutated);
      });
    }
  });

  const tokenizers = ["roberta-base", "roberta-base-old-format", "albert-unigram"].map(
    (name) => `${shared}golden/tokenizer/${name}`,
  );
  const tokenizerShare = Math.ceil((MUTATIONS * TOKENIZER_SHARE) / tokenizers.length);
  it.each(tokenizers)(`tokenizer %s, ${tokenizerShare} mutations`, async (folder) => {
    const names = readdirSync(folder).filter((name) => /\.(json|txt)$/.test(name));
    const files = readAll(folder, names);
    for (let i = 0; i < tokenizerShare; i++) {
      const name = names[i % names.length]!;
      // The vocabulary files are read only where tokenizer.json is not.
      const { "tokenizer.json": json, ...rest } = files;
      const used: Files = /^(vocab|merges)/.test(name) || json === undefined ? rest : files;
      const random = randomFrom(hash(`${SEED} ${folder.slice(-12)} ${name} ${i}`));
      const changed = mutate(files[name]!, files["tokenizer_config.json"]!, random);
      await survives(`${name}, mutation ${i}`, async () => {
        const tokenizer = await AutoTokenizer.from_pretrained({ ...used, [name]: changed });
        const { input_ids } = await tokenizer("A text, naïve and 日本語 <mask>.", { return_tensor: false });
        expect((input_ids as number[]).every((id) => Number.isInteger(id) && id >= 0)).toBe(true);
      });
    }
  });
});

/** Runs an attempt that may end well, or in an error of ours, but soon. */
async function survives(label: string, attempt: () => Promise<void>): Promise<void> {
  const started = process.cpuUsage();
  try {
    await attempt();
  } catch (error) {
    if (!(error instanceof RobertalbertError)) throw new Error(`${label}: ${error}`, { cause: error });
    expect(error.message.length, label).toBeLessThan(2000);
  }
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1000, `${label}: milliseconds`).toBeLessThan(MOST_MS);
}

type Values = Map<string, { entry: TensorEntry; values: Float32Array }>;

/** All tensors that can be weights. */
async function valuesOf(files: Files): Promise<Values> {
  const checkpoint = await Checkpoint.open(memorySource(files));
  const found: Values = new Map();
  for (const [name, entry] of checkpoint.entries) {
    if (entry.lengthBytes === 0 || !(entry.dtype in BYTES_OF_DTYPE)) continue;
    found.set(name, { entry, values: (await checkpoint.readRows(entry, 0, entry.shape[0] ?? 1)).slice() });
  }
  return found;
}

/**
 * A file that is accepted must be understood. safetensors: as a plain reading of its header has it. torch.save: a tensor whose
 * description is unchanged has the values that lie where they lay.
 */
function compare(values: Values, original: Values, files: Files, mutated: Files, name: string): void {
  if (name.endsWith(".safetensors")) {
    const file = mutated[name]!;
    const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerBytes))) as Record<
      string,
      { dtype: string; shape: number[]; data_offsets: [number, number] }
    >;
    for (const [tensor, { entry, values: got }] of values) {
      if (entry.file.name !== name) continue;
      const { dtype, shape, data_offsets: at } = header[tensor]!;
      expect([entry.dtype, entry.shape]).toEqual([dtype, shape]);
      expectSame(got, toFloat32(file.slice(8 + headerBytes + at[0], 8 + headerBytes + at[1]), dtype));
    }
    return;
  }
  if (mutated[name]!.length !== files[name]!.length) return;
  for (const [tensor, { entry, values: got }] of values) {
    const before = original.get(tensor);
    const describe = ({ dtype, shape, strides, offsetBytes, lengthBytes }: TensorEntry) =>
      JSON.stringify([dtype, shape, strides, offsetBytes, lengthBytes]);
    if (!before || entry.file.name !== name || describe(before.entry) !== describe(entry)) continue;
    const { offsetBytes, lengthBytes, strides, dtype } = entry;
    if (strides === undefined)
      expectSame(got, toFloat32(mutated[name]!.slice(offsetBytes, offsetBytes + lengthBytes), dtype));
    else if (Buffer.compare(files[name]!.subarray(offsetBytes), mutated[name]!.subarray(offsetBytes)) === 0)
      expectSame(got, before.values);
  }
}

/** Bit by bit; vitest's own comparison takes milliseconds. */
function expectSame(got: Float32Array, expected: Float32Array): void {
  const bytes = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (Buffer.compare(bytes(got), bytes(expected)) !== 0) expect(got).toEqual(expected);
}

/** The whole way: a model that loads must also run. */
async function runModel(files: Files): Promise<void> {
  const heads = await AutoModelForPreTraining.from_pretrained(files, { allow_missing: true });
  const ids = [[1, 2, 3, 4, 5]] as unknown as ModelInputs["input_ids"];
  try {
    const output = await heads({ input_ids: ids });
    for (const tensor of Object.values(output) as Tensor[]) expect(tensor.dims[0]).toBe(1);
  } finally {
    await heads.dispose();
  }
  const base = await AutoModel.from_pretrained(files);
  try {
    const { last_hidden_state } = (await base({ input_ids: ids })) as { last_hidden_state: Tensor };
    expect(last_hidden_state.dims).toEqual([1, 5, base.config.hidden_size]);
  } finally {
    await base.dispose();
  }
}

function readAll(folder: string, names: readonly string[]): Files {
  return Object.fromEntries(
    names
      .filter((name) => statSync(`${folder}/${name}`).isFile())
      .map((name) => [name, new Uint8Array(readFileSync(`${folder}/${name}`))]),
  );
}

/** FNV-1a of a text, for a seed of its own for each mutation. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
