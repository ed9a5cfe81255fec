// What loading a full-size model costs in memory: a process of its own, its peak against that of an empty one.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type HashTensor, hashCheckpoint } from "../support/hash-checkpoint.ts";
import { describeShared } from "../support/shared.ts";

/** Kilobytes that the process had at most. Where there is /proc it does not count what the parent had when it forked. */
const PEAK = `
  import { existsSync, readFileSync } from "node:fs";
  const status = "/proc/self/status";
  const peak = existsSync(status) ? /VmHWM:\\s+(\\d+)/.exec(readFileSync(status, "utf8"))[1] : process.resourceUsage().maxRSS;
  process.stdout.write(String(peak));`;
const index = new URL("../../dist/index.js", import.meta.url).href;

async function peakBytes(script: string): Promise<number> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script + PEAK]);
  return Number(stdout) * 1024;
}

describeShared("loading a full-size model", (shared) => {
  const source = `${shared}golden/models/real-robertalbert`;
  let folder: string;
  let fileBytes: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "robertalbert-full-"));
    const golden = JSON.parse(readFileSync(`${source}/case.json`, "utf8")) as {
      seed_text: string;
      tensors: HashTensor[];
    };
    const bytes = await hashCheckpoint(golden.seed_text, golden.tensors);
    fileBytes = bytes.length;
    await writeFile(join(folder, "model.safetensors"), bytes);
    await copyFile(`${source}/config.json`, join(folder, "config.json"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("takes at most 1.25 times the file and 20 MB above an empty process", async () => {
    const load = `import { AutoModelForPreTraining } from ${JSON.stringify(index)};
      const model = await AutoModelForPreTraining.from_pretrained(${JSON.stringify(folder)});
      if (model.memory_bytes < 50e6) throw new Error("nothing was loaded");`;
    const [empty, loaded] = [await peakBytes(""), await peakBytes(load)];
    expect(fileBytes).toBeGreaterThan(55e6);
    expect(loaded - empty).toBeGreaterThan(fileBytes);
    expect(loaded - empty).toBeLessThanOrEqual(1.25 * fileBytes + 20e6);
  });
});
