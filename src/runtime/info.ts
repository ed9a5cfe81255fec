// What this engine gives the kernels, for the command `info`, benchmarks and bug reports.
import { type Build, supportsBuild } from "./build.ts";
import { type DotForm, probeDot } from "./dot.ts";

export interface RuntimeInfo {
  /** Builds that this engine accepts. */
  builds: Build[];
  /** The build that is used when none is forced. */
  build: Build | undefined;
  /** How the int8 kernels of that build multiply: the probe's verdict. Undefined where the engine forbids compiling the probe: ask a loaded model. */
  dot: DotForm | undefined;
}

/** Which wasm builds this engine accepts and which one is used. Reads no file. */
export function runtimeInfo(): RuntimeInfo {
  const builds = (["simd", "relaxed"] as const).filter(supportsBuild);
  const build = builds.at(-1);
  return { builds, build, dot: build === "relaxed" ? probeDot() : build && "i16" };
}
