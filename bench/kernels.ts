// Times each kernel of kernel-cases.ts in all builds beside the peak of its arithmetic, after checking it against its twin.
import type { Build } from "../src/runtime/build.ts";
import type { KernelInstance } from "../src/runtime/kernel-instance.ts";
import { nmse } from "../test/support/distance.ts";
import { type Benchmark, type BenchmarkOptions, loadBuild, medianMs, peakTask, type Row } from "./benchmark.ts";
import { KERNELS, type KernelCase, type Prepared } from "./kernel-cases.ts";

/** Shorter calls are timed several at a time, as a call to the timer costs about a microsecond. */
const SHORTEST_FLOPS = 2e6;

export const kernelBenchmarks: readonly Benchmark[] = Object.entries(KERNELS).map(([name, { about, cases }]) => ({
  name,
  about,
  async *run(options: BenchmarkOptions): AsyncIterable<Row> {
    const instances = await Promise.all(options.builds.map(loadBuild));
    for (const makeCase of cases) yield* time(makeCase(), instances, options);
  },
}));

async function* time(
  kernelCase: KernelCase,
  instances: readonly KernelInstance[],
  options: BenchmarkOptions,
): AsyncIterable<Row> {
  const { shape, M, flops, arithmetic } = kernelCase;
  const marks = instances.map((kernels) => kernels.mark);
  const peaks = instances.map((kernels) => peakTask(kernels, arithmetic));
  const repeats = Math.ceil(SHORTEST_FLOPS / flops);
  const tasks: Record<string, () => void> = {};
  for (const [i, kernels] of instances.entries()) {
    const prepared = kernelCase.prepare(kernels);
    check(kernelCase, prepared, kernels.build);
    const { run, restore } = prepared;
    tasks[kernels.build] = () => {
      for (let r = 0; r < repeats; r++) run();
    };
    if (restore)
      tasks[restoreName(kernels.build)] = () => {
        for (let r = 0; r < repeats; r++) restore();
      };
    tasks[peakName(kernels.build)] = peaks[i]!.task;
  }
  const ms = await medianMs(tasks, options);
  for (const [i, { build }] of instances.entries()) {
    const callMs = (ms[build]! - (ms[restoreName(build)] ?? 0)) / repeats;
    const peak = peaks[i]!.flops / ms[peakName(build)]!;
    yield {
      shape,
      M,
      build,
      µs: callMs * 1000,
      "Gop/s": flops / callMs / 1e6,
      "% of peak": (100 * (flops / callMs)) / peak,
    };
  }
  instances.forEach((kernels, i) => {
    kernels.release(marks[i]!);
  });
}

/** @throws when the kernel's result is not its twin's */
function check({ shape, M, expected, mostNmse }: KernelCase, { run, result }: Prepared, build: Build): void {
  run();
  const error = nmse(result(), expected);
  if (!(error <= mostNmse)) throw new Error(`${shape}, M ${M}, ${build}: wrong by NMSE ${error}, at most ${mostNmse}`);
}

const peakName = (build: Build) => `${build} peak`;
const restoreName = (build: Build) => `${build} restore`;
