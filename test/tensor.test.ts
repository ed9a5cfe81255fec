// Tensor: shape and data that fit, nested lists, ownership, errors.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Tensor, type TensorType } from "../src/tensor.ts";
import { expectError } from "./support/expect-error.ts";

describe("Tensor", () => {
  it("holds data, dims, type and size; a fitting typed array is kept, a list converted", () => {
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const tensor = new Tensor("float32", data, [2, 3]);
    expect(tensor.data).toBe(data);
    expect({ dims: tensor.dims, type: tensor.type, size: tensor.size }).toEqual({
      dims: [2, 3],
      type: "float32",
      size: 6,
    });
    expect(new Tensor("int64", [1, 2n] as number[], [2]).data).toEqual(BigInt64Array.of(1n, 2n));
    const types: TensorType[] = ["float32", "float64", "int32", "int64", "uint8", "bool"];
    for (const type of types)
      expect(new Tensor(type, [1, 0, 1], [3]).tolist(), type).toEqual(type === "int64" ? [1n, 0n, 1n] : [1, 0, 1]);
    expect(new Tensor("int32", Float32Array.of(1, 2), [2]).data).toEqual(Int32Array.of(1, 2));
  });

  it("tolist nests as dims say, also where a dimension is 0 or there is none", () => {
    expect(new Tensor("float32", [1, 2, 3, 4], [2, 1, 2]).tolist()).toEqual([[[1, 2]], [[3, 4]]]);
    expect(new Tensor("float32", [7], []).tolist()).toBe(7);
    expect(new Tensor("float32", [], [0]).tolist()).toEqual([]);
    expect(new Tensor("float32", [], [2, 0]).tolist()).toEqual([[], []]);
    expect(new Tensor("float32", [], [0, 2]).tolist()).toEqual([]);
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 4 }), (dims) => {
        const size = dims.reduce((a, b) => a * b, 1);
        const tensor = new Tensor(
          "int32",
          Int32Array.from({ length: size }, (_, i) => i),
          dims,
        );
        expect([tensor.tolist()].flat(9)).toEqual([...(tensor.data as Int32Array)]);
      }),
    );
  });

  it("its dims cannot be changed behind its back", () => {
    const dims = [2];
    const tensor = new Tensor("int32", [1, 2], dims);
    dims[0] = 5;
    expect(tensor.dims).toEqual([2]);
    expect(() => (tensor.dims as number[]).push(1)).toThrow(TypeError);
  });

  it("is empty after dispose", () => {
    const tensor = new Tensor("float32", [1, 2], [2]);
    tensor.dispose();
    expect(tensor.size).toBe(0);
  });

  it("refuses what does not fit, naming it", async () => {
    const make = (...args: unknown[]) => new Tensor(...(args as ConstructorParameters<typeof Tensor>));
    await expectError(() => make("float8", [1], [1]), "INPUT_INVALID", "type", '"float8"', "float32");
    await expectError(() => make("toString", [1], [1]), "INPUT_INVALID", "type", '"toString"');
    await expectError(() => make("float32", [1, 2], [3]), "INPUT_INVALID", "[3]", "3 values", "got 2");
    await expectError(() => make("float32", [1], [-1]), "INPUT_INVALID", "dims");
    await expectError(() => make("float32", [1], [0.5, 2]), "INPUT_INVALID", "dims");
    await expectError(() => make("float32", [1], 1), "INPUT_INVALID", "dims", "1");
    await expectError(() => make("float32", undefined, [1]), "INPUT_INVALID", "undefined");
    await expectError(() => make("int64", [1.5], [1]), "INPUT_INVALID", "int64", "1.5");
    await expectError(() => make("int64", ["x"], [1]), "INPUT_INVALID", "int64", '"x"');
  });
});
