// Choosing and instantiating a build: by the engine, by force, by the caller's module or bytes; and what is none of these.
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AutoModel } from "../../src/model/auto.ts";
import { chooseBuild, type KernelOptions, loadModule, supportsBuild } from "../../src/runtime/build.ts";
import { runtimeInfo } from "../../src/runtime/info.ts";
import { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { BUILDS } from "../support/builds.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { expectError } from "../support/expect-error.ts";

const bytesOf = (build: string) => readFileSync(new URL(`../../dist/${build}.wasm`, import.meta.url));
const create = (options: unknown) => KernelInstance.create(options as KernelOptions);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("which build", () => {
  it("the probes say what compiling the real files says", () => {
    for (const build of ["simd", "relaxed"] as const) {
      expect(supportsBuild(build), build).toBe(WebAssembly.validate(bytesOf(build)));
    }
  });

  it("Node 20 has the simd build alone, Node 22 and later have both", () => {
    const major = Number(process.versions.node.split(".")[0]);
    expect(BUILDS).toEqual(major < 22 ? ["simd"] : ["simd", "relaxed"]);
    expect(runtimeInfo().builds).toEqual(BUILDS);
    expect(runtimeInfo().build).toBe(BUILDS.at(-1));
  });

  it("the best that the engine accepts, unless one is forced; and that one runs", async () => {
    expect(chooseBuild()).toBe(BUILDS.at(-1));
    expect((await create({})).build).toBe(BUILDS.at(-1));
    for (const build of BUILDS) expect((await create({ build })).build).toBe(build);
  });

  it("a forced build that the engine lacks, or no SIMD at all", async () => {
    const validate = vi.spyOn(WebAssembly, "validate");
    validate.mockImplementation((bytes) => (bytes as Uint8Array).length < 30); // simd's probe is the shorter one
    expect(runtimeInfo()).toEqual({ builds: ["simd"], build: "simd", dot: "i16" });
    expect((await create({})).build).toBe("simd");
    await expectError(() => create({ build: "relaxed" }), "WASM_UNSUPPORTED", "relaxed", '"simd"');
    validate.mockReturnValue(false);
    await expectError(() => create({}), "WASM_UNSUPPORTED", "simd", "WebAssembly SIMD");
    expect(runtimeInfo()).toEqual({ builds: [], build: undefined, dot: undefined });
  });

  it("a name that is no build", () =>
    expectError(() => create({ build: "avx512" }), "OPTION_INVALID", "avx512", "relaxed"));
  it("a name that every object has", () =>
    expectError(() => create({ build: "toString" }), "OPTION_INVALID", "toString"));
});

describe("the caller's module or bytes", () => {
  for (const build of BUILDS) {
    it(`${build}: as module, bytes, ArrayBuffer; nothing is compiled or read for a module`, async () => {
      const bytes = bytesOf(build);
      const module = new WebAssembly.Module(bytes);
      const compile = vi.spyOn(WebAssembly, "compile").mockRejectedValue(new Error("this runtime forbids compiling"));
      const kernels = await create({ module });
      expect(kernels.build).toBe(build);
      expect(compile).not.toHaveBeenCalled();
      compile.mockRestore();
      const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
      for (const wasmBinary of [bytes, new Uint8Array(bytes), copy])
        expect((await create({ wasmBinary })).build).toBe(build);
    });

    it(`${build}: a model runs on it`, async () => {
      const { files } = await tinyModel("AlbertModel");
      const own = await AutoModel.from_pretrained(files, { build });
      const given = await AutoModel.from_pretrained(files, { module: new WebAssembly.Module(bytesOf(build)) });
      const bytes = await AutoModel.from_pretrained(files, { wasmBinary: bytesOf(build) });
      expect([own.build, given.build, bytes.build]).toEqual([build, build, build]);
      const input_ids = [[5, 6, 7]];
      const expected = await own({ input_ids });
      expect(await given({ input_ids })).toEqual(expected);
      expect(await bytes({ input_ids })).toEqual(expected);
    });

    it(`${build}: forcing the other one contradicts it`, async () => {
      const other = build === "simd" ? "relaxed" : "simd";
      const module = new WebAssembly.Module(bytesOf(build));
      await expectError(() => create({ module, build: other }), "OPTION_INVALID", build, other);
      expect((await create({ module, build })).build).toBe(build);
    });
  }

  it("what is no module", async () => {
    for (const module of [{}, "simd.wasm", bytesOf("simd"), null])
      await expectError(() => create({ module }), "WASM_INVALID", "module", "WebAssembly.Module");
  });

  it("bytes that are no wasm, cut short, or of another kind", async () => {
    for (const wasmBinary of [
      Uint8Array.of(1, 2, 3),
      new Uint8Array(0),
      bytesOf("simd").subarray(0, 5000),
      "simd.wasm",
      {},
    ])
      await expectError(() => create({ wasmBinary }), "WASM_INVALID", "wasmBinary", "simd.wasm");
  });

  it("wasm that is not this package's: without exports, with others, with other imports", async () => {
    const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
    await expectError(() => create({ wasmBinary: empty }), "WASM_INVALID", "nothing", "relaxed.wasm");
    await expectError(() => create({ module: new WebAssembly.Module(empty) }), "WASM_INVALID", "nothing");
    // (module (func (export "add") (result i32) i32.const 1))
    const add = Uint8Array.of(
      ...[
        0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 6, 1, 4, 0,
        65, 1, 11,
      ],
    );
    await expectError(() => create({ wasmBinary: add }), "WASM_INVALID", "add", "simd.wasm");
  });

  it("a package whose .wasm is gone says which file, and works once it is there", async () => {
    // The file URL of the package cannot be moved in a test: a read that fails once stands for it.
    vi.resetModules();
    const folder = await import("../../src/hub/folder.ts");
    const fresh = await import("../../src/runtime/build.ts");
    const { RobertalbertError } = await import("../../src/errors.ts");
    vi.spyOn(WebAssembly, "compile").mockRejectedValueOnce(new Error("damaged"));
    await expect(fresh.loadModule({})).rejects.toMatchObject({
      code: "WASM_INVALID",
      message: expect.stringContaining(".wasm"),
    });
    expect(await fresh.loadModule({})).toBeInstanceOf(WebAssembly.Module);
    await expect(folder.readFileBytes(new URL("./gone.wasm", import.meta.url))).rejects.toBeInstanceOf(
      RobertalbertError,
    );
  });

  it("a bundle that does not know where it lies is told to pass a module, and which model", async () => {
    vi.resetModules();
    const fresh = await import("../../src/runtime/build.ts");
    const { pipeline } = await import("../../src/pipelines/pipeline.ts");
    const invalid = () => {
      throw new TypeError("Invalid URL string.");
    };
    vi.stubGlobal("URL", invalid);
    try {
      await expect(fresh.loadModule({})).rejects.toMatchObject({
        code: "FILE_NOT_FOUND",
        message: expect.stringContaining("`module`"),
      });
      await expect(pipeline("fill-mask")).rejects.toMatchObject({
        code: "OPTION_INVALID",
        message: expect.stringContaining("bundle"),
      });
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it("the package's own file is compiled once, whoever asks", async () => {
    expect(await loadModule({ build: "simd" })).toBe(await loadModule({ build: "simd" }));
  });
});

describe("memory", () => {
  it("addresses are aligned, grow with the memory, and go back to a mark", async () => {
    const kernels = await create({});
    const mark = kernels.mark;
    const a = kernels.allocate(100);
    const b = kernels.allocate(200_000);
    expect([a % 64, b % 64]).toEqual([0, 0]);
    expect(b).toBeGreaterThanOrEqual(a + 100);
    expect(kernels.memoryBytes).toBeGreaterThanOrEqual(b + 200_000);
    kernels.release(mark);
    expect(kernels.allocate(100)).toBe(a);
  });

  it("past 2 GiB addresses stay positive, and past 4 GiB there is a typed error", async () => {
    const kernels = await create({});
    vi.spyOn(kernels.memory, "grow").mockReturnValue(1); // the arithmetic alone: a small machine need not have 4 GiB
    kernels.allocate(2 ** 31);
    const high = kernels.allocate(1000);
    expect(high).toBeGreaterThan(2 ** 31);
    await expectError(() => kernels.allocate(2 ** 31), "OUT_OF_MEMORY", "limit");
    expect(kernels.allocate(64)).toBeGreaterThan(high);
  });

  it("an engine that refuses to grow is a typed error with its reason", async () => {
    const kernels = await create({});
    vi.spyOn(kernels.memory, "grow").mockImplementation(() => {
      throw new RangeError("no address space left");
    });
    await expectError(() => kernels.allocate(10_000_000), "OUT_OF_MEMORY", "no address space left", "dispose");
  });

  it("a limit that is no number of bytes", async () => {
    for (const max_memory_bytes of [0, -5, Number.NaN, "much"])
      await expectError(() => create({ max_memory_bytes }), "OPTION_INVALID", "max_memory_bytes");
  });
});
