// Which form of the int8 kernels runs: what a probe's result means, that the probe runs what the kernels run, forcing a form, and what q8 refuses.
import { afterEach, describe, expect, it, vi } from "vitest";
import { AutoModel } from "../../src/model/auto.ts";
import { chooseDot, DOT_FORMS, DOT_PROBE, type DotForm, probeDot } from "../../src/runtime/dot.ts";
import { runtimeInfo } from "../../src/runtime/info.ts";
import { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { BUILDS } from "../support/builds.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { createVariant, dotVariants } from "../support/dot-forms.ts";
import { expectError } from "../support/expect-error.ts";

const variants = await dotVariants();

afterEach(() => {
  vi.restoreAllMocks();
});

describe("what the probe says", () => {
  it("exact sums choose their form, all else the form that is exact everywhere", () => {
    expect(DOT_PROBE).toEqual([-128, 255]);
    expect(chooseDot(4 * -128 * 255)).toBe("unsigned");
    expect(chooseDot(4 * -128 * -1)).toBe("signed");
    // 0: no byte dot; -65536: pairs saturated at 16 bits, as x86 without AVX-VNNI gives; a dot of 7 bits; what no engine should give.
    for (const probed of [0, -65536, 4 * -128 * 127, -130559, 511, 1, -(2 ** 31), Number.NaN]) {
      expect(chooseDot(probed), `${probed}`).toBe("i16");
    }
  });

  it("i16 can be forced anywhere, another form only where the probe gave it", async () => {
    for (const probed of [-130560, 512, -65536, 0]) {
      expect(chooseDot(probed, "i16")).toBe("i16");
      for (const forced of ["unsigned", "signed"] as const) {
        if (chooseDot(probed) === forced) expect(chooseDot(probed, forced)).toBe(forced);
        else await expectError(() => chooseDot(probed, forced), "OPTION_INVALID", `"${forced}"`, `${probed}`, '"i16"');
      }
    }
  });

  it("a name that is no form", async () => {
    for (const forced of ["avx", "toString", "", null, 1, {}, ["i16"]]) {
      const force = () => chooseDot(-130560, forced as DotForm);
      await expectError(force, "OPTION_INVALID", "dot is", DOT_FORMS.join(", "));
    }
  });
});

describe("this engine", () => {
  it("the probe without a file says what the kernels' own says", async () => {
    expect(BUILDS.length).toBeGreaterThan(0);
    for (const build of BUILDS) {
      const kernels = await KernelInstance.create({ build });
      const probed = kernels.exports.dotProbe(...DOT_PROBE);
      expect(kernels.dot).toBe(chooseDot(probed));
      if (build === "simd") expect([probed, kernels.dot]).toEqual([0, "i16"]);
      else expect(kernels.dot).toBe(probeDot());
    }
    const { build, dot } = runtimeInfo();
    expect(dot).toBe(build === "relaxed" ? probeDot() : "i16");
    expect((await KernelInstance.create()).dot).toBe(dot);
  });

  it("where compiling is forbidden the verdict without a file is open", () => {
    vi.spyOn(WebAssembly, "Module").mockImplementation(function forbidden() {
      throw new WebAssembly.CompileError("this runtime forbids compiling");
    });
    expect(probeDot()).toBeUndefined();
    expect(runtimeInfo().dot).toBe(runtimeInfo().build === "relaxed" ? undefined : "i16");
  });
});

describe.each(variants)("forms [$name]", (variant) => {
  const { dot, options } = variant;
  const wrong = (["unsigned", "signed"] as const).filter((form) => form !== dot);

  it("probes as its name says, chooses itself, and takes i16", async () => {
    const kernels = await createVariant(variant);
    const probed = kernels.exports.dotProbe(...DOT_PROBE);
    if (dot !== "i16") expect(probed).toBe(dot === "unsigned" ? -130560 : 512);
    const free = await KernelInstance.create({ ...options, dot: undefined });
    expect(free.dot).toBe(chooseDot(probed));
    expect((await KernelInstance.create({ ...options, dot: "i16" })).dot).toBe("i16");
  });

  it("a form that would be wrong here is refused, by the kernels and by from_pretrained", async () => {
    const { files } = await tinyModel("AlbertModel");
    const own = (await KernelInstance.create({ ...options, dot: undefined })).dot;
    const refused = wrong.filter((form) => form !== own);
    expect(refused.length).toBeGreaterThan(0);
    for (const form of refused) {
      const forced = { ...options, dot: form };
      await expectError(() => KernelInstance.create(forced), "OPTION_INVALID", `"${form}"`, '"i16"');
      await expectError(() => AutoModel.from_pretrained(files, { ...forced, dtype: "q8" }), "OPTION_INVALID", form);
    }
  });

  it("a model says which form it runs in, and gives the bits of the i16 form", async () => {
    const { files } = await tinyModel("AlbertModel");
    const texts = [
      [5, 6, 7, 8, 9, 10, 11, 12, 13],
      [3, 4],
    ];
    const inputs = {
      input_ids: texts.map((ids) => [...ids, ...Array<number>(9 - ids.length).fill(1)]),
      attention_mask: texts.map((ids) => Array.from({ length: 9 }, (_, i) => Number(i < ids.length))),
    };
    const load = (more: object) => AutoModel.from_pretrained(files, { dtype: "q8", ...more });
    const model = await load(options);
    expect([model.build, model.dot, model.dtype]).toEqual([variant.build, dot, "q8"]);
    expect(await model(inputs)).toEqual(await (await load({ build: "simd", dot: "i16" }))(inputs));
  });
});

describe("what q8 cannot sum", () => {
  it("positions: 66,311 load, one more is refused, and fp32 takes it", async () => {
    const sized = async (most: number) =>
      (await tinyModel("AlbertModel", { max_position_embeddings: most, embedding_size: 3, hidden_size: 6 })).files;
    expect((await AutoModel.from_pretrained(await sized(66_311), { dtype: "q8" })).dtype).toBe("q8");
    const files = await sized(66_312);
    const load = () => AutoModel.from_pretrained(files, { dtype: "q8" });
    await expectError(load, "CONFIG_UNSUPPORTED", "66312", "max_position_embeddings", '"fp32"');
    expect((await AutoModel.from_pretrained(files, { dtype: "fp32" })).dtype).toBe("fp32");
  });

  it("inputs of a matrix: 66,311 load, one more is refused and named", async () => {
    const sized = async (F: number) =>
      (await tinyModel("AlbertModel", { intermediate_size: F, hidden_size: 6, num_hidden_groups: 1 })).files;
    const model = await AutoModel.from_pretrained(await sized(66_311), { dtype: "q8" });
    const { last_hidden_state } = await model({ input_ids: [[5, 6, 7]] });
    expect(last_hidden_state.data.every(Number.isFinite)).toBe(true);
    const files = await sized(66_312);
    const load = () => AutoModel.from_pretrained(files, { dtype: "q8" });
    await expectError(load, "CONFIG_UNSUPPORTED", "intermediate_size", "66312", "66311", '"fp32"');
  });
});
