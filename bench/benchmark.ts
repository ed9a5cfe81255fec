// What a benchmark is, and how all of them time: tinybench in short interleaved rounds, medians of medians.
import { readFileSync } from "node:fs";
import { Bench } from "tinybench";
import type { Build } from "../src/runtime/build.ts";
import { KernelInstance } from "../src/runtime/kernel-instance.ts";

export interface BenchmarkOptions {
  /** Which wasm builds to run, where a benchmark has any. */
  builds: readonly Build[];
  rounds: number;
  /** Milliseconds of the clock, or of the CPU time of this process. */
  now: () => number;
}

/** Names → values; numbers are printed with their name, so that has the unit. */
export type Row = Readonly<Record<string, string | number>>;

export interface Benchmark {
  name: string;
  /** One line for --help. */
  about: string;
  run(options: BenchmarkOptions): AsyncIterable<Row>;
}

/** Time that a task gets in each round, at least one call. */
const ROUND_MS = 30;

/**
 * Times tasks against each other: each round runs all of them, so that what slows the machine for a while slows all.
 * @returns median milliseconds of one call, by name
 */
export async function medianMs<Name extends string>(
  tasks: Readonly<Record<Name, () => unknown>>,
  { rounds, now }: Pick<BenchmarkOptions, "rounds" | "now">,
): Promise<Record<Name, number>> {
  const names = Object.keys(tasks) as Name[];
  const medians = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // The first round warms up: V8 optimises a kernel after some calls.
    const bench = new Bench({
      now,
      time: ROUND_MS,
      iterations: 1,
      warmup: round === 0,
      warmupTime: 300,
      warmupIterations: 1,
      throws: true,
    });
    for (const name of names) bench.add(name, async () => void (await tasks[name]()));
    await bench.run();
    for (const name of names) {
      const result = bench.getTask(name)?.result;
      if (result?.state !== "completed") throw new Error(`${name}: ${result?.state}`);
      medians.get(name)!.push(result.latency.p50);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(medians.get(name)!)])) as Record<Name, number>;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** The bytes of the package's wasm: these files are compiled to bench/dist, far from dist/. */
export function wasmBytes(build: Build): Uint8Array {
  return readFileSync(new URL(`../../../dist/${build}.wasm`, import.meta.url));
}

/** A kernel instance of that build, and no other. */
export async function loadBuild(build: Build): Promise<KernelInstance> {
  const kernels = await KernelInstance.create({ wasmBinary: wasmBytes(build) });
  if (kernels.build !== build) throw new Error(`dist/${build}.wasm is the ${kernels.build} build`);
  return kernels;
}

/** What a kernel multiplies with, and so what its peak is: floats, or bytes in the engine's form. */
export type Arithmetic = "f32" | "int8";

/** Steps of a peak loop in one call: about 0.1 ms, so that it is called often and V8 optimises it. */
const PEAK_STEPS = 50_000;

/** A task that does nothing but multiply and add in registers, and its operations: what a kernel is measured against. */
export function peakTask(kernels: KernelInstance, arithmetic: Arithmetic): { task: () => void; flops: number } {
  const operands = kernels.allocate(32);
  const { multiplyAddPeak, pairDotPeak, byteDotPeak } = kernels.exports;
  const hasDot = arithmetic === "int8" && kernels.dot !== "i16";
  const [loop, flopsPerStep] =
    arithmetic === "f32" ? [multiplyAddPeak, 96] : hasDot ? [byteDotPeak, 384] : [pairDotPeak, 192];
  return {
    task: () => {
      kernels.floats(operands, 8).set([0.5, 0.25, 0.125, 0.5, 0.1, 0.2, 0.3, 0.4]);
      loop(operands, PEAK_STEPS);
    },
    flops: PEAK_STEPS * flopsPerStep,
  };
}
