// Which of the two wasm builds this engine can run, and how a compiled module of it comes to be.
import { RobertalbertError, show } from "../errors.ts";
import type { DotForm } from "./dot.ts";

/** `simd` runs wherever WebAssembly has 128-bit SIMD; `relaxed` fuses multiply and add where the CPU can. */
export type Build = "simd" | "relaxed";

/** How the kernels are found; common to `from_pretrained`, `pipeline` and `loadKernels`. */
export interface KernelOptions {
  /** Forces a build. Default: `relaxed` where the engine validates it, else `simd`. */
  build?: Build;
  /** Forces the form of the int8 kernels, for tests and benchmarks. Default: what a probe of the engine allows (`runtimeInfo().dot`). */
  dot?: DotForm;
  /** A compiled module of this package's `simd.wasm` or `relaxed.wasm`, for runtimes that forbid compiling (Workers, Vercel Edge). */
  module?: WebAssembly.Module;
  /** The bytes of one of these files. */
  wasmBinary?: Uint8Array | ArrayBuffer;
  /** Most bytes that the wasm memory of this model may take. Default: 4 GiB, what 32-bit wasm can address. */
  max_memory_bytes?: number;
}

// (module (func (result v128) …)) with one instruction each: i32x4.splat, and f32x4.relaxed_madd on three of them.
const header = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0];
const zero = [65, 0, 253, 17]; // i32.const 0, i32x4.splat
const PROBES: Record<Build, Uint8Array> = {
  simd: new Uint8Array([...header, 10, 8, 1, 6, 0, ...zero, 11]),
  relaxed: new Uint8Array([...header, 10, 19, 1, 17, 0, ...zero, ...zero, ...zero, 253, 133, 2, 11]),
};

/** Whether this engine accepts that build. Answers in microseconds and needs no file. */
export function supportsBuild(build: Build): boolean {
  return typeof WebAssembly === "object" && WebAssembly.validate(PROBES[build] as BufferSource);
}

/**
 * The build to use: the forced one, or the best that the engine accepts.
 * @throws OPTION_INVALID for an unknown name, WASM_UNSUPPORTED when the engine lacks what it needs
 */
export function chooseBuild(forced?: Build): Build {
  if (forced !== undefined && (typeof forced !== "string" || !Object.hasOwn(PROBES, forced))) {
    throw new RobertalbertError("OPTION_INVALID", `build is ${show(forced)}, expected "simd" or "relaxed"`);
  }
  const build = forced ?? (supportsBuild("relaxed") ? "relaxed" : "simd");
  if (supportsBuild(build)) return build;
  const way = build === "relaxed" ? 'leave `build` out, or pass "simd"' : "use an engine with WebAssembly SIMD";
  throw new RobertalbertError("WASM_UNSUPPORTED", `this engine does not accept the ${build} build: ${way}`);
}

const compiled = new Map<Build, Promise<WebAssembly.Module>>();

/**
 * The module to instantiate: the caller's, or compiled from the caller's bytes, or from the file beside this package (once per process).
 * @throws WASM_INVALID when module or bytes are not WebAssembly; FILE_NOT_FOUND when the package's file is gone
 */
export async function loadModule(options: KernelOptions): Promise<WebAssembly.Module> {
  if (options.module !== undefined) {
    // By name, not instanceof: the module may come from another realm.
    if (Object.prototype.toString.call(options.module) === "[object WebAssembly.Module]") return options.module;
    throw new RobertalbertError("WASM_INVALID", `module is ${show(options.module)}, expected a WebAssembly.Module`);
  }
  if (options.wasmBinary !== undefined) return compile(options.wasmBinary, "wasmBinary");
  const build = chooseBuild(options.build);
  let module = compiled.get(build);
  if (module === undefined) {
    module = compilePackaged(build);
    compiled.set(build, module);
    module.catch(() => compiled.delete(build)); // a file that could not be read may be there next time
  }
  return module;
}

/** Begins to compile what loadModule will give, beside the reading of files; what is wrong with it loadModule will say. */
export function prepareModule(options: KernelOptions): void {
  if (options.module === undefined && options.wasmBinary === undefined) loadModule(options).catch(() => undefined);
}

async function compilePackaged(build: Build): Promise<WebAssembly.Module> {
  const url = packagedUrl(build);
  return compile(await readBytes(url), url.href);
}

function packagedUrl(build: Build): URL {
  try {
    // Literal URLs: bundlers find the files by them. The path is right from src/runtime and from dist/runtime.
    if (build === "relaxed") return new URL("../../dist/relaxed.wasm", import.meta.url);
    return new URL("../../dist/simd.wasm", import.meta.url);
  } catch (cause) {
    // Bundles for Workers have no import.meta.url.
    const message = `${build}.wasm cannot be found beside this code, which does not know where it lies: pass \`module\`, or \`wasmBinary\``;
    throw new RobertalbertError("FILE_NOT_FOUND", message, { cause });
  }
}

async function readBytes(url: URL): Promise<Uint8Array | ArrayBuffer> {
  if (url.protocol === "file:") return (await import("../hub/folder.ts")).readFileBytes(url);
  const response = await fetch(url);
  if (response.ok) return response.arrayBuffer();
  throw new RobertalbertError(
    "FILE_NOT_FOUND",
    `${url.href}: HTTP status ${response.status}; serve the package's .wasm there or pass \`module\``,
  );
}

async function compile(bytes: Uint8Array | ArrayBuffer, where: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes as BufferSource);
  } catch (cause) {
    const message = `${where} is no WebAssembly that this engine accepts (${(cause as Error).message}): pass simd.wasm or relaxed.wasm of this package`;
    throw new RobertalbertError("WASM_INVALID", message, { cause });
  }
}
