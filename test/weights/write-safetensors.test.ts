// The safetensors writer: what it writes is read back bit for bit, and halves are rounded as IEEE 754 says.
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/hub/memory.ts";
import { toFloat16, toFloat32 } from "../../src/weights/dtype.ts";
import { readSafetensorsHeader } from "../../src/weights/safetensors.ts";
import {
  safetensorsBytes,
  type TensorSource,
  tensorOf,
  writeSafetensors,
} from "../../src/weights/write-safetensors.ts";

async function written(tensors: readonly TensorSource[], metadata?: Record<string, string>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeSafetensors(tensors, metadata)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

const entriesOf = async (bytes: Uint8Array) =>
  (await readSafetensorsHeader((await memorySource({ f: bytes }).open("f"))!, "test")).entries;

describe("writeSafetensors", () => {
  const values = Float32Array.from({ length: 6 }, (_, i) => i - 2.5);

  it("writes what the reader reads, in the order given", async () => {
    const tensors = [
      tensorOf("b", "F32", [2, 3], values),
      tensorOf('with "quotes", é', "F32", [], values.subarray(1, 2)),
      tensorOf("a", "I8", [3], Int8Array.of(-1, 2, 3)),
      tensorOf("empty", "F16", [0, 4], new Uint16Array(0)),
    ];
    const bytes = await written(tensors, { format: "pt" });
    expect(bytes.length).toBe(safetensorsBytes(tensors, { format: "pt" }));
    const entries = await entriesOf(bytes);
    expect(entries.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(
      tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    );
    expect(entries[0]!.offsetBytes % 8).toBe(0);
    for (const [i, entry] of entries.entries()) {
      const expected = Buffer.concat([...(tensors[i]!.chunks() as Iterable<Uint8Array>)]);
      expect(Buffer.from(bytes.subarray(entry.offsetBytes, entry.offsetBytes + entry.lengthBytes))).toEqual(expected);
    }
  });

  it("keeps the order of names that look like numbers", async () => {
    const bytes = await written([
      tensorOf("10", "U8", [1], Uint8Array.of(1)),
      tensorOf("9", "U8", [1], Uint8Array.of(2)),
    ]);
    const entries = await entriesOf(bytes);
    const firstByte = (name: string) => bytes[entries.find((entry) => entry.name === name)!.offsetBytes];
    expect([firstByte("10"), firstByte("9"), bytes.at(-1)]).toEqual([1, 2, 2]);
  });

  it("writes a file without tensors", async () => {
    expect(await entriesOf(await written([]))).toEqual([]);
  });

  it("refuses pieces that do not fit the shape, names given twice and unknown dtypes", async () => {
    const code = "TENSOR_INVALID";
    await expect(written([tensorOf("a", "F32", [7], values)])).rejects.toMatchObject({ code });
    await expect(written([tensorOf("a", "F32", [5], values)])).rejects.toMatchObject({ code });
    const twice = tensorOf("a", "F32", [6], values);
    await expect(written([twice, twice])).rejects.toMatchObject({ code });
    await expect(written([tensorOf("__metadata__", "F32", [6], values)])).rejects.toMatchObject({ code });
    await expect(written([tensorOf("a", "Q4", [6], values)])).rejects.toMatchObject({ code });
  });
});

describe("toFloat16", () => {
  it("gives every half back that it was made from", () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const floats = toFloat32(new Uint8Array(halves.buffer), "F16");
    const back = toFloat16(floats);
    const wrong = halves.filter((h, i) => back[i] !== h && !((h & 0x7c00) === 0x7c00 && h & 0x3ff));
    expect([...wrong]).toEqual([]);
    expect(toFloat16(Float32Array.of(Number.NaN))[0]! & 0x7fff).toBeGreaterThan(0x7c00);
  });

  it("rounds to the nearest, ties to the even one", () => {
    // Between two neighbours of the 31,743 finite halves above 0: the middle goes to the even one, next to it to the nearer one.
    const halves = Uint16Array.from({ length: 0x7bff }, (_, i) => i);
    const low = toFloat32(new Uint8Array(halves.buffer), "F16");
    const high = toFloat32(new Uint8Array(halves.map((h) => h + 1).buffer), "F16");
    const middle = low.map((value, i) => (value + high[i]!) / 2);
    const bits = new Uint32Array(middle.buffer);
    const above = new Float32Array(bits.map((b) => b + 1).buffer);
    const below = new Float32Array(bits.map((b) => b - 1).buffer);
    expect(toFloat16(middle)).toEqual(halves.map((h) => h + (h & 1)));
    expect(toFloat16(above)).toEqual(halves.map((h) => h + 1));
    expect(toFloat16(below)).toEqual(halves);
    expect(toFloat16(middle.map((value) => -value))).toEqual(halves.map((h) => 0x8000 + h + (h & 1)));
    expect([...toFloat16(Float32Array.of(65519, 65520, 1e30, Number.NEGATIVE_INFINITY, 1e-8))]).toEqual([
      0x7bff, 0x7c00, 0x7c00, 0xfc00, 0,
    ]);
  });
});
