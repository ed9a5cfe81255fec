// Every way in which the int8 kernels can run on this machine: the package's builds, and test-only ones for the other forms.
import { expect } from "vitest";
import type { Build, KernelOptions } from "../../src/runtime/build.ts";
import { type DotForm, probeDot } from "../../src/runtime/dot.ts";
import { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { BUILDS } from "./builds.ts";
import { emulatedDotModule } from "./emulated-dot.ts";

export interface DotVariant {
  name: string;
  build: Build;
  dot: DotForm;
  /** What `from_pretrained`, `loadKernels` and `KernelInstance.create` take. */
  options: KernelOptions;
}

/**
 * i16 on each build; the engine's own byte dot where the probe allows it (x86 with AVX-VNNI: unsigned, ARM: signed; not on a machine
 * without); unsigned and signed written out in wasm, everywhere. The first is the one to compare others with.
 */
export async function dotVariants(): Promise<DotVariant[]> {
  const variants: DotVariant[] = BUILDS.map((build) => ({
    name: `${build}, i16`,
    build,
    dot: "i16",
    options: { build, dot: "i16" },
  }));
  const own = BUILDS.includes("relaxed") ? probeDot() : undefined;
  if (own !== undefined && own !== "i16") {
    variants.push({ name: `relaxed, ${own}`, build: "relaxed", dot: own, options: { build: "relaxed", dot: own } });
  }
  for (const dot of ["unsigned", "signed"] as const) {
    const module = await emulatedDotModule(dot);
    variants.push({ name: `simd, ${dot} emulated`, build: "simd", dot, options: { module, dot } });
  }
  return variants;
}

/** An instance of a variant; asserts that this build and this form really run. */
export async function createVariant({ build, dot, options }: DotVariant): Promise<KernelInstance> {
  const kernels = await KernelInstance.create(options);
  expect([kernels.build, kernels.dot]).toEqual([build, dot]);
  return kernels;
}
