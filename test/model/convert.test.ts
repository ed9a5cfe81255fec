// Converted folders: what is in them, where they can be loaded from, that loading copies once, and the way back to floats.
import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import type { ModelLocation } from "../../src/hub/files.ts";
import { AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining } from "../../src/model/auto.ts";
import type { ModelOptions } from "../../src/model/load.ts";
import { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import { Checkpoint } from "../../src/weights/checkpoint.ts";
import { QUANTIZED_FILE } from "../../src/weights/quantized-file.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { converted } from "../support/converted.ts";
import { expectError } from "../support/expect-error.ts";
import { sendFile, startServer } from "../support/http-server.ts";
import { BYTES_TOKENIZER } from "../support/new-folder.ts";
import { safetensorsFile, takeApart } from "../support/safetensors.ts";

const shipped = new URL("../../models/fill-mask/", import.meta.url);
const bytesOf = (file: string) => new Uint8Array(readFileSync(new URL(file, shipped)));

async function run(location: ModelLocation, options: ModelOptions = {}) {
  const model = await AutoModelForPreTraining.from_pretrained(location, options);
  try {
    const output = await model({ input_ids: [[3, 1, 4, 1, 5]] }, { output_hidden_states: true });
    return { dtype: model.dtype, output };
  } finally {
    await model.dispose();
  }
}

describe("a quantized folder", () => {
  it("has configuration, weights, the tokenizer's files as they were, and vocabulary.bin", async () => {
    const files = await converted(shipped, "q8");
    expect(Object.keys(files).sort()).toEqual([
      "config.json",
      QUANTIZED_FILE,
      "special_tokens_map.json",
      "tokenizer.json",
      "tokenizer_config.json",
      "vocabulary.bin",
    ]);
    for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"])
      expect(files[name]).toEqual(bytesOf(name));
    const [own, original] = [await AutoTokenizer.from_pretrained(files), await AutoTokenizer.from_pretrained(shipped)];
    expect(own.encode("The capital of France is <mask>.")).toEqual(original.encode("The capital of France is <mask>."));
  });

  it("has none of a tokenizer that is not there", async () => {
    expect(Object.keys(await converted((await tinyModel()).files, "q8")).sort()).toEqual([
      "config.json",
      QUANTIZED_FILE,
    ]);
    const { files } = await tinyModel();
    const names = Object.keys(await converted({ ...files, ...BYTES_TOKENIZER }, "q8")).sort();
    expect(names).toEqual(["config.json", "merges.txt", QUANTIZED_FILE, "vocab.json"]);
  });

  it("loads from objects, Blobs, Responses, streams and URLs, to the same bits", async () => {
    const files = await converted((await tinyModel()).files, "q8");
    const expected = await run(files);
    expect(expected.dtype).toBe("q8");
    const all = (wrap: (bytes: Uint8Array) => unknown) =>
      Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, wrap(bytes)])) as ModelLocation;
    const stream = (bytes: Uint8Array) => {
      let at = 0;
      return new ReadableStream<Uint8Array>({
        pull(controller) {
          if (at >= bytes.length) return controller.close();
          controller.enqueue(bytes.slice(at, at + 331));
          at += 331;
        },
      });
    };
    expect(await run(new Map(Object.entries(files)))).toEqual(expected);
    expect(await run(all((bytes) => new Blob([bytes as BufferSource])))).toEqual(expected);
    expect(await run(all((bytes) => new Response(bytes as BodyInit)))).toEqual(expected);
    expect(await run(all(stream))).toEqual(expected);
    // One byte off: floats of the file then lie at no multiple of 4.
    expect(
      await run(
        all((bytes) => {
          const shifted = new Uint8Array(bytes.length + 1);
          shifted.set(bytes, 1);
          return shifted.subarray(1);
        }),
      ),
    ).toEqual(expected);
    const server = await startServer((request, response) => {
      const bytes = files[decodeURIComponent(request.url!.slice(1))];
      if (bytes) sendFile(request, response, Buffer.from(bytes));
      else response.writeHead(404).end();
    });
    try {
      expect(await run(server.url)).toEqual(expected);
    } finally {
      await server.close();
    }
  });

  it("is copied once: panels go as they are into wasm memory, nothing is packed", async () => {
    const { files } = await tinyModel();
    const quantized = await converted(files, "q8");
    const panels = vi.spyOn(Checkpoint.prototype, "readPanelsInto");
    const rows = vi.spyOn(Checkpoint.prototype, "readRowsInto");
    try {
      await run(quantized, { dtype: "q8" });
      const matrices = [...takeApart(quantized[QUANTIZED_FILE]!).tensors].filter(([, { dtype }]) => dtype === "I8");
      expect(panels).toHaveBeenCalledTimes(matrices.length);
      expect(rows.mock.calls.filter(([entry]) => entry.scales)).toEqual([]);
      panels.mockClear();
      await run(files, { dtype: "q8" });
      expect(panels).not.toHaveBeenCalled();
    } finally {
      panels.mockRestore();
      rows.mockRestore();
    }
  });

  it("is what dtype q8 takes of a folder that has both; auto and fp32 take the floats, fp16 the halves", async () => {
    // Other weights in each file, so that it shows which was read.
    const files = [];
    for (const factor of [1, 2, 3]) {
      const { files: own } = await tinyModel("AlbertForPreTraining", {}, (values) => {
        for (const list of values.values()) for (let i = 0; i < list.length; i++) list[i]! *= factor;
      });
      files.push(own);
    }
    const quantized = await converted(files[1]!, "q8");
    const both = {
      ...files[0]!,
      [QUANTIZED_FILE]: quantized[QUANTIZED_FILE]!,
      "model.fp16.safetensors": files[2]!["model.safetensors"]!,
    };
    const fp32 = await run(files[0]!, { dtype: "fp32" });
    expect(await run(both)).toEqual(fp32);
    expect(await run(both, { dtype: "auto" })).toEqual(fp32);
    expect(await run(both, { dtype: "fp32" })).toEqual(fp32);
    expect(await run(both, { dtype: "q8" })).toEqual(await run(quantized));
    expect(await run(both, { dtype: "fp16" })).toEqual(await run(files[2]!, { dtype: "fp16" }));
    expect((await run(quantized)).dtype).toBe("q8");
    expect((await run(quantized, { dtype: "fp32" })).dtype).toBe("fp32");
  });

  it("cannot be quantized again", async () => {
    const quantized = await converted((await tinyModel()).files, "q8");
    await expectError(
      () => converted(quantized, "q8"),
      "INPUT_INVALID",
      "quantized already",
      QUANTIZED_FILE,
      "original",
    );
  });
});

describe("back to floats", () => {
  it("gives what the q8 folder computes with in fp32, to the bit, under Transformers' names", async () => {
    for (const tied of [true, false]) {
      const { files } = await tinyModel("AlbertForPreTraining", { tie_word_embeddings: tied });
      const quantized = await converted(files, "q8");
      const floats = await converted(quantized, "fp32");
      expect(await run(floats)).toEqual(await run(quantized, { dtype: "fp32" }));
      const names = (bytes: Uint8Array) => new Set(takeApart(bytes).tensors.keys());
      const [own, original] = [names(floats["model.safetensors"]!), names(files["model.safetensors"]!)];
      expect([...original].filter((name) => !own.has(name))).toEqual([]);
    }
  });

  it("gives the weights themselves of a folder in floats", async () => {
    const { files } = await tinyModel("AlbertForPreTraining", { tie_word_embeddings: false });
    const floats = await converted(files, "fp32");
    const [own, original] = [floats, files].map((list) => takeApart(list["model.safetensors"]!).tensors);
    // An untied head adds the decoder's bias; the other, which nothing reads, is not kept apart.
    original!.set("predictions.bias", original!.get("predictions.decoder.bias")!);
    for (const [name, tensor] of original!) expect(own!.get(name), name).toEqual(tensor);
    expect(takeApart(floats["model.safetensors"]!).metadata).toEqual({ format: "pt" });
  });
});

describe("fp16", () => {
  it("halves the file, and computes with weights rounded to halves: the same from the folder and while loading", async () => {
    const { files } = await tinyModel();
    const halves = await converted(files, "fp16");
    const [before, after] = [files, halves].map((list) => takeApart(list["model.safetensors"]!));
    expect([...after!.tensors.values()].every(({ dtype }) => dtype === "F16")).toBe(true);
    for (const [name, { bytes }] of before!.tensors)
      expect(after!.tensors.get(name)!.bytes.length, name).toBe(bytes.length / 2);
    const rounded = await run(files, { dtype: "fp16" });
    expect(rounded.dtype).toBe("fp32");
    expect(await run(halves)).toEqual(rounded);
    expect(await run(halves, { dtype: "fp16" })).toEqual(rounded);
    expect(rounded).not.toEqual(await run(files));
  });

  it.each([65_504, -65_504, 65_519.9])("takes %d", async (value) => {
    const { files } = await tinyModel("AlbertForPreTraining", {}, (values) => {
      values.get("albert.pooler.bias")![3] = value;
    });
    const halves = takeApart((await converted(files, "fp16"))["model.safetensors"]!).tensors.get("albert.pooler.bias")!;
    expect(new DataView(halves.bytes.buffer, halves.bytes.byteOffset).getUint16(6, true)).toBe(
      value > 0 ? 0x7bff : 0xfbff,
    );
  });

  it.each([65_520, -1e9])("refuses %d, in the conversion and while loading", async (value) => {
    const { files } = await tinyModel("AlbertForPreTraining", {}, (values) => {
      values.get("albert.pooler.bias")![3] = value;
    });
    await expectError(() => converted(files, "fp16"), "TENSOR_INVALID", "pooler.bias", String(value), "65504");
    await expectError(() => run(files, { dtype: "fp16" }), "TENSOR_INVALID", "pooler.bias");
  });
});

describe("what cannot be converted", () => {
  it("weights that are not finite, files that are no ALBERT, no folder: as from_pretrained has it", async () => {
    const { files } = await tinyModel("AlbertForPreTraining", {}, (values) => {
      values.get("albert.embeddings.word_embeddings.weight")![5] = Number.NaN;
    });
    for (const dtype of ["q8", "fp16", "fp32"] as const)
      await expectError(() => converted(files, dtype), "TENSOR_INVALID", "word_embeddings", "NaN");
    const { "config.json": config } = files;
    const empty = { "config.json": config!, "model.safetensors": await safetensorsFile([]) };
    await expectError(() => converted(empty, "q8"), "TENSOR_MISSING", "no ALBERT checkpoint");
    await expectError(() => converted({}, "q8"), "FILE_NOT_FOUND", "config.json");
    await expectError(() => converted({ "config.json": config! }, "q8"), "FILE_NOT_FOUND", "weights");
  });

  it("a column of zeros is no such thing", async () => {
    const { files, config } = await tinyModel("AlbertForMaskedLM", {}, (values) => {
      const table = values.get("albert.embeddings.word_embeddings.weight")!;
      table.fill(0, 0, 3 * 7);
      const ffn = [...values.keys()].find((name) => name.endsWith("groups.0.albert_layers.0.ffn.weight"))!;
      values.get(ffn)!.fill(0);
    });
    expect(config.embedding_size).toBe(7);
    const [a, b] = [files, await converted(files, "q8")];
    const outputs = [];
    for (const location of [a, b]) {
      const model = await AutoModelForMaskedLM.from_pretrained(location, { dtype: "q8" });
      outputs.push((await model({ input_ids: [[0, 1, 2, 9]] })).logits);
      await model.dispose();
    }
    expect(outputs[1]).toEqual(outputs[0]);
    expect([...(outputs[0]!.data as Float32Array)].every(Number.isFinite)).toBe(true);
  });
});

it("a folder's weights that fit no memory limit are an error before anything is read", async () => {
  const quantized = await converted(shipped, "q8");
  const options = { dtype: "q8", max_memory_bytes: 1 << 20, allow_missing: true } as const;
  await expectError(() => AutoModel.from_pretrained(quantized, options), "OUT_OF_MEMORY", "max_memory_bytes");
});

it("kernels that another form was set for do not leak it: each model has its own", async () => {
  const { files } = await tinyModel();
  const [a, b] = [await KernelInstance.create({ dot: "i16" }), await KernelInstance.create()];
  expect(a.dot).toBe("i16");
  expect(b.dot).toBe((await AutoModel.from_pretrained(files, { dtype: "q8" })).dot);
});
