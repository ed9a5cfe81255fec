// robertalbert/kernels: results equal the twins, arguments are checked, memory is given back.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Activation, type Kernels, loadKernels, type MatmulOptions } from "../src/kernels.ts";
import { ACTIVATIONS, activate } from "./reference/activation.ts";
import { attention } from "./reference/attention.ts";
import { layernorm } from "./reference/layernorm.ts";
import { matmul, transpose } from "./reference/matmul.ts";
import { matmulI8, quantizeColumns } from "./reference/matmul-i8.ts";
import { quantizeRow } from "./reference/quantize.ts";
import { softmax } from "./reference/softmax.ts";
import { describeBuilds } from "./support/builds.ts";
import { nmse } from "./support/distance.ts";
import { dotVariants } from "./support/dot-forms.ts";
import { expectClose, expectSameBits } from "./support/errors.ts";
import { randomFloats } from "./support/random.ts";

const bounds = { nmse: 1e-11, maxAbs: 1e-5 };

describeBuilds("loadKernels", (build) => {
  const load = async (): Promise<Kernels> => {
    const kernels = await loadKernels({ build });
    expect(kernels.build).toBe(build);
    return kernels;
  };
  const [M, N, K] = [5, 13, 9];
  const a = randomFloats(M * K, 1);
  const b = randomFloats(K * N, 2);
  const bias = randomFloats(N, 3);
  const residual = randomFloats(M * N, 4);

  it("matmul: packed and not, transposed and not, with each fused part", async () => {
    const kernels = await load();
    const expected = matmul(a, b, M, N, K).values;
    const bT = transpose(b, K, N);
    expectClose(kernels.matmul(a, b, { M, N, K }), expected, bounds);
    expectClose(kernels.matmul(a, bT, { M, N, K, transposed: true }), expected, bounds);
    const packed = kernels.pack(b, { N, K });
    const packedT = kernels.pack(bT, { N, K, transposed: true });
    for (let call = 0; call < 3; call++) {
      expectClose(kernels.matmul(a, packed, { M, N, K }), expected, bounds);
      expectClose(kernels.matmul(a, packedT, { M, N, K }), expected, bounds);
    }
    for (const activation of ACTIVATIONS) {
      const actual = kernels.matmul(a, packed, { M, N, K, bias, residual, activation });
      expectClose(actual, matmul(a, b, M, N, K, bias, residual, activation).values, bounds, activation);
    }
    const out = residual.slice();
    expect(kernels.matmul(a, packed, { M, N, K, residual: out, out })).toBe(out);
    expectClose(out, matmul(a, b, M, N, K, undefined, residual).values, bounds);
  });

  it.each(ACTIVATIONS)("%s", async (name) => {
    const kernels = await load();
    const x = randomFloats(37, 5, 4);
    const expected = x.map((value) => activate(name, value));
    expectClose(kernels[name](x), expected, bounds);
    expect(kernels[name](x, x)).toBe(x);
    expectClose(x, expected, bounds);
    expect(kernels[name](new Float32Array(0))).toEqual(new Float32Array(0));
  });

  it("layernorm, softmax and attention", async () => {
    const kernels = await load();
    const x = randomFloats(M * N, 6, 3);
    const gamma = randomFloats(N, 7);
    expectClose(kernels.layernorm(x, gamma, bias), layernorm(x, gamma, bias, M, N, 1e-12), bounds);
    expectClose(kernels.layernorm(x, gamma, bias, { eps: 0.5 }), layernorm(x, gamma, bias, M, N, 0.5), bounds);
    expectClose(kernels.softmax(x), softmax(x, 1, M * N, 1), bounds);
    expectClose(kernels.softmax(x, { columns: N, scale: 0.3 }), softmax(x, M, N, 0.3), bounds);

    const [queries, keys, heads, head_size] = [4, 7, 2, 3];
    const q = randomFloats(queries * heads * head_size, 8);
    const k = randomFloats(keys * heads * head_size, 9);
    const v = randomFloats(keys * heads * head_size, 10);
    const expected = attention(q, k, v, queries, keys, heads, head_size);
    const probabilities = new Float32Array(heads * queries * keys);
    const context = kernels.attention(q, k, v, { queries, keys, heads, head_size, probabilities });
    expectClose(context, expected.context, bounds);
    expectClose(probabilities, expected.probabilities, bounds);
    expectClose(kernels.attention(q, k, v, { queries, keys, heads, head_size }), expected.context, bounds);
  });

  it("refuses what does not fit, names it, and goes on", async () => {
    const kernels = await load();
    const other = await load();
    const packed = kernels.pack(b, { N, K });
    const floats = (length: number) => new Float32Array(length);
    const sizes: MatmulOptions = { M, N, K };
    const cases: [() => unknown, string, RegExp][] = [
      [() => kernels.matmul(a, b, { M: 6, N, K }), "INPUT_INVALID", /a has 45 floats, expected 54 \(M 6 × K 9\)/],
      [() => kernels.matmul(a, b, { M, N: 0, K }), "INPUT_INVALID", /N is 0/],
      [() => kernels.matmul(a, b, { M, N, K: 1.5 }), "INPUT_INVALID", /K is 1.5/],
      [() => kernels.matmul(a, floats(3), sizes), "INPUT_INVALID", /b has 3 floats/],
      [
        () => kernels.matmul([...a] as never, b, sizes),
        "INPUT_INVALID",
        /a is an array of 45, expected a Float32Array/,
      ],
      [() => kernels.matmul(a, {} as never, sizes), "INPUT_INVALID", /pack\(\)/],
      [() => kernels.matmul(a, null as never, sizes), "INPUT_INVALID", /b is null/],
      [() => other.matmul(a, packed, sizes), "INPUT_INVALID", /pack\(\) of these kernels/],
      [() => kernels.matmul(floats(M * 8), packed, { M, N, K: 8 }), "INPUT_INVALID", /packed with N 13, K 9/],
      [
        () => kernels.matmul(a, packed, { ...sizes, dtype: "q8" }),
        "INPUT_INVALID",
        /packed as fp32, but dtype is "q8"/,
      ],
      [
        () => kernels.matmul(a, b, { ...sizes, dtype: "int8" as "q8" }),
        "OPTION_INVALID",
        /"int8", expected "fp32" or "q8"/,
      ],
      [() => kernels.pack(b, { N, K, dtype: null as never }), "OPTION_INVALID", /dtype is null/],
      [() => kernels.pack(floats(3), { N, K, dtype: "q8" }), "INPUT_INVALID", /b has 3 floats/],
      [() => kernels.pack(floats(66_312), { N: 1, K: 66_312, dtype: "q8" }), "INPUT_INVALID", /K is 66312.* 66311 /],
      [
        () => kernels.pack(b.with(3, Number.NaN), { N, K, dtype: "q8" }),
        "INPUT_INVALID",
        /b holds NaN or infinities.*"fp32"/,
      ],
      [() => kernels.quantize(floats(0)), "INPUT_INVALID", /columns is 0/],
      [() => kernels.quantize(floats(5), { columns: 2 }), "INPUT_INVALID", /whole rows of 2/],
      [() => kernels.quantize(new Uint8Array(4) as never), "INPUT_INVALID", /a Uint8Array/],
      [() => kernels.matmul(a, b, { ...sizes, bias: floats(12) }), "INPUT_INVALID", /bias has 12/],
      [() => kernels.matmul(a, b, { ...sizes, residual: floats(12) }), "INPUT_INVALID", /residual has 12/],
      [() => kernels.matmul(a, b, { ...sizes, out: floats(12) }), "INPUT_INVALID", /out has 12/],
      [() => kernels.matmul(a, b, { ...sizes, activation: "mish" as Activation }), "OPTION_INVALID", /gelu, gelu_tanh/],
      [() => kernels.matmul(a, b, { ...sizes, activation: "toString" as Activation }), "OPTION_INVALID", /"toString"/],
      [() => kernels.matmul(a, b, { ...sizes, activation: "none" as Activation }), "OPTION_INVALID", /"none"/],
      [() => kernels.matmul(a, b, undefined as never), "INPUT_INVALID", /M is undefined/],
      [() => kernels.pack(b, null as never), "INPUT_INVALID", /N is undefined/],
      [() => kernels.attention(a, a, a, undefined as never), "INPUT_INVALID", /queries is undefined/],
      [() => kernels.gelu(new Float64Array(3) as never), "INPUT_INVALID", /a Float64Array/],
      [() => kernels.layernorm(floats(5), floats(2), floats(2)), "INPUT_INVALID", /whole rows of 2/],
      [() => kernels.layernorm(floats(4), floats(2), floats(2), { eps: -1 }), "INPUT_INVALID", /eps is -1/],
      [() => kernels.softmax(floats(0)), "INPUT_INVALID", /columns is 0/],
      [() => kernels.softmax(floats(4), { scale: Number.NaN }), "INPUT_INVALID", /scale is NaN/],
      [
        () => kernels.attention(a, a, a, { queries: 5, keys: 5, heads: 2, head_size: 4 }),
        "INPUT_INVALID",
        /q has 45 floats, expected 40/,
      ],
    ];
    for (const [call, code, message] of cases) {
      expect(call).toThrow(
        expect.objectContaining({ name: "RobertalbertError", code, message: expect.stringMatching(message) }),
      );
    }
    expectClose(kernels.matmul(a, packed, sizes), matmul(a, b, M, N, K).values, bounds);
  });

  it("keeps its memory: calls give back what they took, a failed call too", async () => {
    const kernels = await loadKernels({ build, max_memory_bytes: 1 << 20 });
    const x = new Float32Array(100_000);
    kernels.gelu(x);
    const bytes = kernels.memory_bytes;
    expect(bytes).toBeLessThanOrEqual(1 << 20);
    for (let call = 0; call < 100; call++) kernels.gelu(x);
    expect(() => kernels.matmul(x, new Float32Array(150_000), { M: 100, N: 150, K: 1000 })).toThrow(
      expect.objectContaining({ code: "OUT_OF_MEMORY" }),
    );
    expect(() => kernels.gelu(new Float32Array(300_000))).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
    expect(() => kernels.pack(new Float32Array(200_000), { N: 1000, K: 200 })).toThrow(
      expect.objectContaining({ code: "OUT_OF_MEMORY" }),
    );
    kernels.gelu(x);
    expect(kernels.memory_bytes).toBeLessThanOrEqual(1 << 20);
    kernels.dispose();
    expect(kernels.memory_bytes).toBe(0);
    expect(() => kernels.gelu(x)).toThrow(expect.objectContaining({ code: "DISPOSED" }));
  });

  it("accepts a compiled module, or the file's bytes", async () => {
    const bytes = readFileSync(new URL(`../dist/${build}.wasm`, import.meta.url));
    for (const options of [{ module: await WebAssembly.compile(bytes) }, { wasmBinary: bytes }]) {
      const kernels = await loadKernels(options);
      expect(kernels.build).toBe(build);
      expect([...kernels.relu(Float32Array.of(-1, 2))]).toEqual([0, 2]);
    }
  });
});

describe.each(await dotVariants())("loadKernels, dtype q8 [$name]", ({ build, dot, options }) => {
  const load = async (): Promise<Kernels> => {
    const kernels = await loadKernels(options);
    expect([kernels.build, kernels.dot]).toEqual([build, dot]);
    return kernels;
  };
  const [M, N, K] = [11, 13, 29];
  const a = randomFloats(M * K, 1);
  const b = randomFloats(K * N, 2);
  const bT = transpose(b, K, N);
  const bias = randomFloats(N, 3);
  const residual = randomFloats(M * N, 4);
  const columns = quantizeColumns(bT, N, K);

  it("matmul equals the twin of whole numbers: packed and not, transposed and not, each fused part", async () => {
    const kernels = await load();
    const expected = matmulI8(a, columns, M, K);
    expect(nmse(expected, matmul(a, b, M, N, K).values)).toBeLessThan(1e-4);
    const packed = kernels.pack(b, { N, K, dtype: "q8" });
    const packedT = kernels.pack(bT, { N, K, dtype: "q8", transposed: true });
    const floats = kernels.pack(b, { N, K });
    expect([packed, packedT, floats]).toEqual([
      { N, K, dtype: "q8" },
      { N, K, dtype: "q8" },
      { N, K, dtype: "fp32" },
    ]);
    for (let call = 0; call < 3; call++) {
      expectSameBits(kernels.matmul(a, packed, { M, N, K }), expected);
      expectSameBits(kernels.matmul(a, packedT, { M, N, K, dtype: "q8" }), expected);
      expectSameBits(kernels.matmul(a, b, { M, N, K, dtype: "q8" }), expected);
      expectSameBits(kernels.matmul(a, bT, { M, N, K, dtype: "q8", transposed: true }), expected);
      // Values that are given as they are stay floats unless asked.
      expectClose(kernels.matmul(a, b, { M, N, K }), matmul(a, b, M, N, K).values, bounds);
      expectClose(kernels.matmul(a, floats, { M, N, K }), matmul(a, b, M, N, K).values, bounds);
    }
    expectSameBits(kernels.matmul(a, packed, { M, N, K, bias, residual }), matmulI8(a, columns, M, K, bias, residual));
    for (const activation of ACTIVATIONS) {
      const actual = kernels.matmul(a, packed, { M, N, K, bias, residual, activation });
      expectSameBits(actual, kernels[activation](matmulI8(a, columns, M, K, bias, residual)), activation);
    }
    const out = residual.slice();
    expect(kernels.matmul(a, packed, { M, N, K, residual: out, out })).toBe(out);
    expectSameBits(out, matmulI8(a, columns, M, K, undefined, residual));
  });

  it("a NaN in a row is a row of NaN; so deep that a sum just fits", async () => {
    const kernels = await load();
    const x = a.with(3 * K + 5, Number.NaN);
    expectSameBits(kernels.matmul(x, b, { M, N, K, dtype: "q8" }), matmulI8(x, columns, M, K));
    const deep = new Float32Array(66_311).fill(-1);
    const [sum] = kernels.matmul(deep, deep, { M: 1, N: 1, K: deep.length, dtype: "q8" });
    expect(sum).toBeCloseTo(66_311, 1);
  });

  it("quantize gives the same in each form, and the form stays what it was", async () => {
    const kernels = await load();
    for (const columns of [1, 3, 4, 29]) {
      const x = randomFloats(5 * columns, columns, 3);
      x.fill(0, columns, 2 * columns).fill(-2, 2 * columns, 3 * columns);
      x[3 * columns] = Number.NEGATIVE_INFINITY;
      const { values, scales, zeros } = kernels.quantize(x, { columns });
      expect([values.length, scales.length, zeros.length]).toEqual([5 * columns, 5, 5]);
      for (let m = 0; m < 5; m++) {
        const expected = quantizeRow(x.subarray(m * columns, (m + 1) * columns));
        expect(scales[m]).toBe(expected.scale);
        if (m === 3) continue;
        expect(zeros[m]).toBe(expected.zero);
        expect(values.subarray(m * columns, (m + 1) * columns)).toEqual(expected.q);
      }
    }
    expect(kernels.quantize(a)).toEqual({
      values: quantizeRow(a).q,
      scales: Float32Array.of(quantizeRow(a).scale),
      zeros: Uint8Array.of(quantizeRow(a).zero),
    });
    expectSameBits(kernels.matmul(a, b, { M, N, K, dtype: "q8" }), matmulI8(a, columns, M, K));
  });

  it("keeps its memory: a packed matrix is a quarter of a float one, what fails takes nothing", async () => {
    const kernels = await load();
    const big = randomFloats(512 * 512, 1);
    kernels.pack(big, { N: 512, K: 512, dtype: "q8" });
    const bytes = kernels.memory_bytes;
    for (let i = 0; i < 20; i++) {
      expect(() => kernels.pack(big.with(-1, Number.NaN), { N: 512, K: 512, dtype: "q8" })).toThrow(/NaN/);
      kernels.matmul(big, big, { M: 512, N: 512, K: 512, dtype: "q8" });
    }
    const once = kernels.memory_bytes;
    for (let i = 0; i < 20; i++) kernels.matmul(big, big, { M: 512, N: 512, K: 512, dtype: "q8" });
    expect(kernels.memory_bytes).toBe(once);
    for (let i = 0; i < 8; i++) kernels.pack(big, { N: 512, K: 512, dtype: "q8" });
    expect(kernels.memory_bytes).toBeLessThan(bytes + 9 * 300_000 + 4_000_000);
    kernels.dispose();
    expect(() => kernels.quantize(a)).toThrow(expect.objectContaining({ code: "DISPOSED" }));
  });
});

describe("loadKernels", () => {
  const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);

  it.each([
    ["an unknown build", { build: "avx" as "simd" }, "OPTION_INVALID"],
    ["a build named as a method of objects", { build: "toString" as "simd" }, "OPTION_INVALID"],
    ["bytes that are no WebAssembly", { wasmBinary: new Uint8Array([1, 2, 3]) }, "WASM_INVALID"],
    ["a WebAssembly of something else", { wasmBinary: empty }, "WASM_INVALID"],
    ["a module that is none", { module: {} as WebAssembly.Module }, "WASM_INVALID"],
    ["a module of something else", { module: new WebAssembly.Module(empty) }, "WASM_INVALID"],
    ["an unknown dot", { dot: "avx" as "i16" }, "OPTION_INVALID"],
    ["a limit below one page", { max_memory_bytes: 10 }, "OPTION_INVALID"],
  ])("refuses %s", async (_, options, code) => {
    await expect(loadKernels(options)).rejects.toMatchObject({ name: "RobertalbertError", code });
  });
});
