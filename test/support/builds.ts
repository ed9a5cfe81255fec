// One suite, every wasm build that this engine accepts.
import { describe } from "vitest";
import { type Build, supportsBuild } from "../../src/runtime/build.ts";

/** Builds to test here: Node 20 has no relaxed SIMD, later ones have both. */
export const BUILDS: readonly Build[] = (["simd", "relaxed"] as const).filter(supportsBuild);

/** Runs a suite for each build. The suite must assert that the build it got is the one it asked for. */
export function describeBuilds(name: string, suite: (build: Build) => void): void {
  for (const build of BUILDS) describe(`${name} [${build}]`, () => suite(build));
}
