// torch.save files beyond the golden ones: what older and newer PyTorch put into a state dict, and views of every kind.
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/hub/memory.ts";
import { Checkpoint } from "../../src/weights/checkpoint.ts";
import { concat } from "../support/bytes.ts";
import {
  floats,
  little,
  op,
  pickle,
  stateDictPickle,
  tensorPickle,
  torchLegacy,
  torchZip,
} from "../support/torch-files.ts";

/** All tensors of a file by name, as shape and values. */
async function readAll(file: Uint8Array): Promise<Record<string, [readonly number[], number[]]>> {
  const checkpoint = await Checkpoint.open(memorySource({ "pytorch_model.bin": file }));
  const found: Record<string, [readonly number[], number[]]> = {};
  for (const [name, entry] of checkpoint.entries)
    found[name] = [entry.shape, [...(await checkpoint.readRows(entry, 0, entry.shape[0] ?? 1))]];
  return found;
}

const four = floats(1, 2, 3, 4);
const wanted = { a: [[4], [1, 2, 3, 4]] };

describe("a state dict", () => {
  it("as a dict, in both containers", async () => {
    const data = stateDictPickle([{ name: "a" }]);
    expect(await readAll(torchZip(data, { 0: four }))).toEqual(wanted);
    expect(await readAll(torchLegacy(data, [{ key: "0", count: 4, bytes: four }]))).toEqual(wanted);
  });

  it("as an OrderedDict with _metadata, as state_dict() gives it: BUILD is read and its state ignored", async () => {
    const ordered = concat(op.global("collections", "OrderedDict"), op.emptyTuple, op.reduce);
    const state = concat(op.emptyDict, op.mark, op.text("_metadata"), ordered, op.setItems);
    const data = pickle(ordered, op.mark, op.text("a"), tensorPickle({}), op.setItems, state, op.build);
    expect(await readAll(torchZip(data, { 0: four }))).toEqual(wanted);
  });

  it("as Python 2 wrote it: byte strings, an OrderedDict made of pairs", async () => {
    const pair = concat(op.emptyList, op.mark, [0x55, 1, 97], tensorPickle({}), op.appends);
    const pairs = concat(op.emptyList, op.mark, pair, op.appends);
    const data = pickle(op.global("collections", "OrderedDict"), pairs, [0x85], op.reduce);
    expect(await readAll(torchZip(data, { 0: four }))).toEqual(wanted);
  });

  it("with Parameters, and with values that are no tensors", async () => {
    const parameter = concat(
      op.global("torch._utils", "_rebuild_parameter"),
      ...[op.mark, tensorPickle({}), op.false, op.emptyDict, op.tuple, op.reduce],
    );
    const data = pickle(
      ...[op.emptyDict, op.mark, op.text("epoch"), op.int(3), op.text("note"), op.text("x")],
      ...[op.text("rate"), concat([0x47], new Uint8Array(8)), op.text("a"), parameter, op.setItems],
    );
    expect(await readAll(torchZip(data, { 0: four }))).toEqual(wanted);
  });

  it("whose tensors share a storage", async () => {
    const data = stateDictPickle([
      { name: "a" },
      { name: "tied" },
      { name: "tail", offset: 2, shape: [2] },
      { name: "scalar", offset: 3, shape: [], strides: [] },
    ]);
    expect(await readAll(torchZip(data, { 0: four }))).toEqual({
      a: [[4], [1, 2, 3, 4]],
      tied: [[4], [1, 2, 3, 4]],
      tail: [[2], [3, 4]],
      scalar: [[], [4]],
    });
  });

  it("that is larger than the window in which the old format is first read", async () => {
    const names = Array.from({ length: 900 }, (_, i) => `tensor.${i}`);
    const data = stateDictPickle(names.map((name) => ({ name })));
    expect(data.length).toBeGreaterThan(1 << 17);
    const found = await readAll(torchLegacy(data, [{ key: "0", count: 4, bytes: four }]));
    expect(Object.keys(found)).toEqual(names);
    expect(found["tensor.899"]).toEqual(wanted.a);
  });

  it("in a zip with a comment is no reason to stop", async () => {
    const file = torchZip(stateDictPickle([{ name: "a" }]), { 0: four });
    const commented = concat(file.subarray(0, -2), little(3, 2), [80, 75, 5]);
    expect(await readAll(commented)).toEqual(wanted);
  });
});

describe("views", () => {
  const storage = Float32Array.from({ length: 20_000 }, (_, i) => i);
  const bytes = new Uint8Array(storage.buffer);

  /** The definition: value at index i0, i1, … is storage[offset + Σ i·stride]. */
  function expected(offset: number, shape: number[], strides: number[]): number[] {
    if (shape.length === 0) return [storage[offset]!];
    return Array.from({ length: shape[0]! }, (_, i) =>
      expected(offset + i * strides[0]!, shape.slice(1), strides.slice(1)),
    ).flat();
  }

  it.each([
    ["transposed", 7, [100, 150], [1, 100]],
    ["transposed, few rows", 7, [3, 5000], [1, 3]],
    ["every third row", 0, [40, 100], [300, 1]],
    ["every third column", 1, [60, 100], [300, 3]],
    ["far apart", 2, [4, 4], [4900, 1200]],
    ["one value a page", 5, [4], [4999]],
    ["repeated", 9, [6, 5], [0, 1]],
    ["overlapping", 9, [6, 5], [2, 1]],
    ["three dimensions, permuted", 3, [4, 6, 5], [5, 20, 1]],
    ["a dimension of one with any stride", 3, [1, 6], [12345, 1]],
  ])("%s", async (_, offset, shape, strides) => {
    const data = stateDictPickle([{ name: "a", length: storage.length, offset, shape, strides }]);
    const checkpoint = await Checkpoint.open(memorySource({ "pytorch_model.bin": torchZip(data, { 0: bytes }) }));
    const entry = checkpoint.entries.get("a")!;
    const all = expected(offset, shape, strides);
    expect([...(await checkpoint.readRows(entry, 0, shape[0]!))]).toEqual(all);
    const rowLength = all.length / shape[0]!;
    const rows = await checkpoint.readRows(entry, 1 % shape[0]!, 1);
    expect([...rows]).toEqual(all.slice((1 % shape[0]!) * rowLength, ((1 % shape[0]!) + 1) * rowLength));
  });

  it.each([
    ["HalfStorage", 2, [0x3c00, 0xc000], [1, -2]],
    ["BFloat16Storage", 2, [0x3f80, 0xc000], [1, -2]],
  ])("of %s", async (type, width, bits, values) => {
    const file = torchZip(stateDictPickle([{ name: "a", type, length: 4, offset: 1, shape: [2], strides: [2] }]), {
      0: concat(...[0, bits[0]!, 0, bits[1]!].map((value) => little(value, width))),
    });
    expect(await readAll(file)).toEqual({ a: [[2], values] });
  });

  it("of DoubleStorage", async () => {
    const data = stateDictPickle([{ name: "a", type: "DoubleStorage", length: 3, shape: [2], strides: [2] }]);
    const file = torchZip(data, { 0: new Uint8Array(Float64Array.of(0.1, 9, -3).buffer) });
    expect(await readAll(file)).toEqual({ a: [[2], [Math.fround(0.1), -3]] });
  });
});

describe("safetensors", () => {
  it("is preferred when both are there", async () => {
    const header = JSON.stringify({ b: { dtype: "F32", shape: [4], data_offsets: [0, 16] } });
    const safetensors = concat(little(header.length, 8), new TextEncoder().encode(header), four);
    const checkpoint = await Checkpoint.open(
      memorySource({
        "pytorch_model.bin": torchZip(stateDictPickle([{ name: "a" }]), { 0: four }),
        "model.safetensors": safetensors,
      }),
    );
    expect([...checkpoint.entries.keys()]).toEqual(["b"]);
  });
});
