// model.q8.safetensors that is damaged, foreign or lies: a typed error that says how to make a good one, never a wrong number.
import { beforeAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { AutoModelForPreTraining } from "../../src/model/auto.ts";
import { QUANTIZED_FILE } from "../../src/weights/quantized-file.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { converted, type Files } from "../support/converted.ts";
import { expectError } from "../support/expect-error.ts";
import { putTogether, type RawFile, takeApart } from "../support/safetensors.ts";

const MATRIX = "encoder.albert_layer_groups.1.albert_layers.0.ffn.weight";
const ADVICE = "robertalbert quantize IN OUT";

let floats: Files;
let good: Files;
beforeAll(async () => {
  floats = (await tinyModel()).files;
  good = await converted(floats, "q8");
});

const load = async (files: Files) => {
  const model = await AutoModelForPreTraining.from_pretrained(files, { dtype: "q8" });
  try {
    return await model({ input_ids: [[1, 2, 3, 4, 5]] });
  } finally {
    await model.dispose();
  }
};
const withFile = (bytes: Uint8Array): Files => ({ ...good, [QUANTIZED_FILE]: bytes });

async function expectBad(change: (file: RawFile) => void, code: ErrorCode, ...words: string[]): Promise<void> {
  const file = takeApart(good[QUANTIZED_FILE]!);
  change(file);
  const files = withFile(await putTogether(file));
  await expectError(() => load(files), code, QUANTIZED_FILE, ADVICE, ...words);
}

describe("a q8 file", () => {
  it("put together again unchanged is the same", async () => {
    expect(await putTogether(takeApart(good[QUANTIZED_FILE]!))).toEqual(good[QUANTIZED_FILE]);
    expect(await load(good)).toEqual(await load(floats));
  });

  it("holds matrices, their scales, and everything else as floats", () => {
    const { metadata, tensors } = takeApart(good[QUANTIZED_FILE]!);
    expect(metadata).toMatchObject({ format: "robertalbert-q8", layout: "1" });
    const shapes = JSON.parse(metadata.shapes!) as Record<string, number[]>;
    expect(shapes[MATRIX]).toEqual([22, 15]);
    expect(tensors.get(MATRIX)).toMatchObject({ dtype: "I8", shape: [3, 4, 8, 4] });
    expect(tensors.get(`${MATRIX}.scales`)).toMatchObject({ dtype: "F32", shape: [22] });
    expect([...tensors.values()].filter(({ dtype }) => dtype === "I8")).toHaveLength(Object.keys(shapes).length);
    expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(["I8", "F32"]));
  });

  it("under the name of plain weights: it says which is its own, whatever dtype is asked for", async () => {
    const renamed = { "config.json": good["config.json"]!, "model.safetensors": good[QUANTIZED_FILE]! };
    await expectError(() => load(renamed), "FILE_UNSUPPORTED", "model.safetensors", `rename it to ${QUANTIZED_FILE}`);
    await expectError(
      () => AutoModelForPreTraining.from_pretrained(renamed),
      "FILE_UNSUPPORTED",
      `rename it to ${QUANTIZED_FILE}`,
    );
  });

  it("cut short anywhere", async () => {
    const whole = good[QUANTIZED_FILE]!;
    const places = [0, 1, 7, 8, 9, 100, whole.length - 1, whole.length - 4];
    for (let i = 1; i < 60; i++) places.push(Math.floor((whole.length * i) / 60));
    for (const length of places) {
      const files = withFile(whole.slice(0, length));
      await expectError(() => load(files), "FILE_INVALID", QUANTIZED_FILE, ADVICE);
    }
    const longer = new Uint8Array(whole.length + 1);
    longer.set(whole);
    await expectError(() => load(withFile(longer)), "FILE_INVALID", QUANTIZED_FILE, ADVICE);
  });

  it("of another layout version", async () => {
    for (const layout of ["2", "0", "", "1.0"]) {
      await expectBad(
        (file) => {
          file.metadata.layout = layout;
        },
        "FILE_UNSUPPORTED",
        `layout "${layout}"`,
        '"1"',
      );
    }
    await expectBad(
      (file) => {
        delete file.metadata.layout;
      },
      "FILE_UNSUPPORTED",
      "layout undefined",
    );
  });

  it("that another program wrote under that name", async () => {
    await expectError(() => load(withFile(floats["model.safetensors"]!)), "FILE_UNSUPPORTED", "format", ADVICE);
    await expectBad(
      (file) => {
        file.metadata = {};
      },
      "FILE_UNSUPPORTED",
      "format undefined",
    );
    await expectBad(
      (file) => {
        file.metadata.format = "pt";
      },
      "FILE_UNSUPPORTED",
      'format "pt"',
      "not written by this package",
    );
  });

  it.each([0, -0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "with a scale of %s",
    async (scale) => {
      const { tensors } = takeApart(good[QUANTIZED_FILE]!);
      const names = [...tensors.keys()].filter((name) => name.endsWith(".scales"));
      expect(names.length).toBeGreaterThan(10);
      for (const name of names) {
        const matrix = name.slice(0, -".scales".length);
        const last = tensors.get(name)!.shape[0]! - 1;
        await expectBad(
          (file) => {
            const { bytes } = file.tensors.get(name)!;
            new DataView(bytes.buffer, bytes.byteOffset).setFloat32(4 * last, scale, true);
          },
          "TENSOR_INVALID",
          `"${matrix}"`,
          `scale ${String(scale)} at index ${last}`,
        );
      }
    },
  );

  it("whose vectors are not finite", async () => {
    const file = takeApart(good[QUANTIZED_FILE]!);
    const { bytes } = file.tensors.get("embeddings.LayerNorm.weight")!;
    new DataView(bytes.buffer, bytes.byteOffset).setFloat32(4, Number.NaN, true);
    const files = withFile(await putTogether(file));
    await expectError(() => load(files), "TENSOR_INVALID", "embeddings.LayerNorm.weight", "NaN at index 1");
  });

  const lies: [string, (shapes: Record<string, unknown>) => unknown, string][] = [
    ["leave a matrix out", ({ [MATRIX]: _, ...rest }) => rest, "none"],
    ["say more outputs", (shapes) => ({ ...shapes, [MATRIX]: [30, 15] }), "[30,15]"],
    ["say more inputs", (shapes) => ({ ...shapes, [MATRIX]: [22, 17] }), "[22,17]"],
    ["are swapped", (shapes) => ({ ...shapes, [MATRIX]: [15, 22] }), "[15,22]"],
    ["are negative", (shapes) => ({ ...shapes, [MATRIX]: [-22, 15] }), "shapes"],
    ["are 0", (shapes) => ({ ...shapes, [MATRIX]: [0, 0] }), "shapes"],
    ["are fractions", (shapes) => ({ ...shapes, [MATRIX]: [22.5, 15] }), "shapes"],
    ["are beyond all numbers", (shapes) => ({ ...shapes, [MATRIX]: [1e300, 15] }), "shapes"],
    ["have three sizes", (shapes) => ({ ...shapes, [MATRIX]: [22, 15, 1] }), "shapes"],
    ["are words", (shapes) => ({ ...shapes, [MATRIX]: "22,15" }), "shapes"],
    ["are null", () => null, "shapes"],
    ["are a list", () => [1], "shapes"],
  ];
  it.each(lies)("whose shapes %s", async (_, lie, word) => {
    await expectBad(
      (file) => {
        file.metadata.shapes = JSON.stringify(lie(JSON.parse(file.metadata.shapes!) as Record<string, unknown>));
      },
      "FILE_INVALID",
      word,
    );
  });

  it("whose shapes are absent or no JSON", async () => {
    await expectBad(
      (file) => {
        delete file.metadata.shapes;
      },
      "FILE_INVALID",
      "shapes",
    );
    await expectBad(
      (file) => {
        file.metadata.shapes = file.metadata.shapes!.slice(0, -2);
      },
      "FILE_INVALID",
      "shapes",
    );
  });

  it("whose shapes fit the panels but not the model", async () => {
    // 22 and 23 rows both take three panels.
    await expectBad(
      (file) => {
        const shapes = JSON.parse(file.metadata.shapes!) as Record<string, unknown>;
        file.metadata.shapes = JSON.stringify({ ...shapes, [MATRIX]: [23, 15] });
      },
      "FILE_INVALID",
      "scales F32 [23]",
    );
    const file = takeApart(good[QUANTIZED_FILE]!);
    const shapes = JSON.parse(file.metadata.shapes!) as Record<string, unknown>;
    file.metadata.shapes = JSON.stringify({ ...shapes, [MATRIX]: [22, 16] });
    const files = withFile(await putTogether(file));
    await expectError(() => load(files), "TENSOR_INVALID", MATRIX, "[22,16]", "[22,15]", "config.json");
  });

  it("with panels of another size or kind", async () => {
    await expectBad(
      (file) => {
        const { bytes } = file.tensors.get(MATRIX)!;
        file.tensors.set(MATRIX, { dtype: "I8", shape: [2, 4, 8, 4], bytes: bytes.slice(0, 256) });
      },
      "FILE_INVALID",
      MATRIX,
      "[2,4,8,4]",
    );
    await expectBad(
      (file) => {
        const { bytes } = file.tensors.get(MATRIX)!;
        file.tensors.set(MATRIX, { dtype: "I8", shape: [4, 3, 8, 4], bytes });
      },
      "FILE_INVALID",
      MATRIX,
      "[4,3,8,4]",
    );
  });

  const scales = `${MATRIX}.scales`;
  const halve = (tensors: RawFile["tensors"], dtype: string, length: number) =>
    tensors.set(scales, { dtype, shape: [length], bytes: tensors.get(scales)!.bytes.slice(0, 44) });
  it.each<[string, (file: RawFile) => void]>([
    ["no scales", ({ tensors }) => void tensors.delete(scales)],
    ["half of the scales", ({ tensors }) => halve(tensors, "F32", 11)],
    ["scales of another dtype", ({ tensors }) => halve(tensors, "F16", 22)],
  ])("with %s", (_, change) => expectBad(change, "FILE_INVALID", MATRIX, "scales F32 [22]"));

  it("that lacks a matrix, or does not fit config.json", async () => {
    const file = takeApart(good[QUANTIZED_FILE]!);
    file.tensors.delete(MATRIX);
    file.tensors.delete(`${MATRIX}.scales`);
    const lacking = withFile(await putTogether(file));
    await expectError(() => load(lacking), "TENSOR_MISSING", MATRIX);
    const config = JSON.parse(new TextDecoder().decode(good["config.json"])) as Record<string, unknown>;
    const wider = new TextEncoder().encode(JSON.stringify({ ...config, intermediate_size: 23 }));
    await expectError(
      () => load({ ...good, "config.json": wider }),
      "TENSOR_INVALID",
      "[22,15]",
      "[23,15]",
      "config.json",
    );
  });

  it("in several shards is the same model", async () => {
    const { metadata, tensors } = takeApart(good[QUANTIZED_FILE]!);
    const shards = [new Map(), new Map()] as RawFile["tensors"][];
    for (const [name, tensor] of tensors) shards[name.startsWith("encoder.") ? 0 : 1]!.set(name, tensor);
    const nameOf = (shard: number) => `model.q8-0000${shard + 1}-of-00002.safetensors`;
    const weight_map = Object.fromEntries(
      shards.flatMap((shard, i) => [...shard.keys()].map((name) => [name, nameOf(i)])),
    );
    const files: Files = {
      "config.json": good["config.json"]!,
      [`${QUANTIZED_FILE}.index.json`]: new TextEncoder().encode(JSON.stringify({ weight_map })),
    };
    for (const [i, shard] of shards.entries()) files[nameOf(i)] = await putTogether({ metadata, tensors: shard });
    expect(await load(files)).toEqual(await load(good));
    const model = await AutoModelForPreTraining.from_pretrained(files);
    expect(model.dtype).toBe("q8");
    await model.dispose();
  });

  it("with a matrix in floats is read as what it is: quantized while loading", async () => {
    // A tool that edits such a file may leave floats; they are weights like any other.
    const file = takeApart(good[QUANTIZED_FILE]!);
    const source = takeApart(floats["model.safetensors"]!).tensors.get(`albert.${MATRIX}`)!;
    file.tensors.set(MATRIX, source);
    file.tensors.delete(`${MATRIX}.scales`);
    expect(await load(withFile(await putTogether(file)))).toEqual(await load(good));
  });
});

describe("sums that 32 bits may not hold", () => {
  it.each([
    ["intermediate_size", 66_400],
    ["max_position_embeddings", 66_312],
  ])("%s %i is refused in q8, also by the conversion, and works in floats", async (key, size) => {
    const { files } = await tinyModel("AlbertForPreTraining", { [key]: size, num_hidden_groups: 1 });
    await expectError(() => load(files), "CONFIG_UNSUPPORTED", key, String(size), '"fp32"');
    await expectError(() => converted(files, "q8"), "CONFIG_UNSUPPORTED", key, String(size), '"fp32"');
    const model = await AutoModelForPreTraining.from_pretrained(files);
    const { sop_logits } = await model({ input_ids: [[1, 2, 3]] });
    expect([...(sop_logits.data as Float32Array)].every(Number.isFinite)).toBe(true);
    await model.dispose();
  });
});
