// robertalbert quantize and export as processes: folders, report, progress, refusals, and nothing left behind.
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Io } from "../../src/cli/command.ts";
import { quantize } from "../../src/cli/convert.ts";
import { AutoModelForMaskedLM } from "../../src/model/auto.ts";
import { tinyModel } from "../support/checkpoint.ts";
import { putTogether, takeApart } from "../support/safetensors.ts";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const shipped = fileURLToPath(new URL("../../models/fill-mask/", import.meta.url));
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "robertalbert-convert-"));
});
beforeEach(async () => {
  for (const name of await readdir(root)) await rm(join(root, name), { recursive: true });
});
afterAll(() => rm(root, { recursive: true, force: true }));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { cwd: root, encoding: "utf8" });
  return { status, stdout, stderr };
}

async function answer(folder: string, dtype?: "q8" | "fp32") {
  const model = await AutoModelForMaskedLM.from_pretrained(folder, dtype && { dtype });
  const { logits } = await model({ input_ids: [[0, 17, 1234, 56, 2]] });
  await model.dispose();
  return { dtype: model.dtype, logits };
}

async function folderOf(name: string, files: Record<string, Uint8Array>): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder);
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(folder, file), bytes);
  return folder;
}

describe("robertalbert quantize", () => {
  it("writes a folder that loads as it is, and says sizes and error", async () => {
    const { status, stdout, stderr } = run("quantize", shipped, "out");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain(`${join(root, "out")}\n`);
    const [, before, after] = /weights (\d+\.\d) MB → (\d+\.\d) MB \(\d+ %\)/.exec(stdout)!;
    expect(Number(before)).toBeCloseTo((await stat(join(shipped, "model.safetensors"))).size / 1e6, 1);
    expect(Number(after)).toBeCloseTo((await stat(join(root, "out/model.q8.safetensors"))).size / 1e6, 1);
    const error = Number(/error against fp32 on 6 texts: .* (\d\.\d\de-\d)\n/.exec(stdout)![1]);
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.03);
    expect(await answer(join(root, "out"))).toEqual(await answer(shipped, "q8"));
    expect(await readdir(root)).toEqual(["out"]);
  });

  it("--json reports the same, one value", async () => {
    const { status, stdout, stderr } = run("quantize", shipped, "out", "--json");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const report = JSON.parse(stdout) as Record<string, unknown> & { files: { name: string; bytes: number }[] };
    expect(report).toMatchObject({ folder: join(root, "out"), dtype: "q8", compared_with: "fp32", texts: 6 });
    expect(report.unexpected_keys).toEqual([]);
    for (const { name, bytes } of report.files) expect((await stat(join(root, "out", name))).size).toBe(bytes);
    expect(report.files.map(({ name }) => name).sort()).toEqual((await readdir(join(root, "out"))).sort());
    expect(report.weight_bytes_after).toBe(report.files.find(({ name }) => name === "model.q8.safetensors")!.bytes);
    expect(report.hidden_state_error).toBeLessThan(0.03);
  });

  it("--dtype fp16 halves what is in 32 bits, without error where the weights were halves", async () => {
    const { files } = await tinyModel("AlbertForMaskedLM", { vocab_size: 2000 });
    await folderOf("in", files);
    const { status, stdout } = run("quantize", "in", "out", "--dtype", "fp16", "--json");
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as {
      weight_bytes_before: number;
      weight_bytes_after: number;
      hidden_state_error: number;
    };
    expect(report.weight_bytes_after / report.weight_bytes_before).toBeLessThan(0.6);
    expect(report.hidden_state_error).toBeGreaterThan(0);
    expect(report.hidden_state_error).toBeLessThan(1e-3);
    const again = JSON.parse(run("quantize", "out", "again", "--dtype", "fp16", "--json").stdout) as typeof report;
    expect(again.hidden_state_error).toBe(0);
    expect(await readFile(join(root, "again/model.safetensors"))).toEqual(
      await readFile(join(root, "out/model.safetensors")),
    );
  });

  it("works without a tokenizer, and says what it leaves out", async () => {
    const { files } = await tinyModel("AlbertForMaskedLM");
    await folderOf("in", files);
    const { status, stdout, stderr } = run("quantize", "in", "out");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("error against fp32");
    expect((await readdir(join(root, "out"))).sort()).toEqual(["config.json", "model.q8.safetensors"]);
  });

  it("names tensors that nothing here reads", async () => {
    const { files } = await tinyModel("AlbertForMaskedLM");
    const file = takeApart(files["model.safetensors"]!);
    file.tensors.set("extra.weight", { dtype: "F32", shape: [2], bytes: new Uint8Array(8) });
    await folderOf("in", { ...files, "model.safetensors": await putTogether(file) });
    expect(run("quantize", "in", "out").stderr).toMatch(
      /^robertalbert: left out, nothing here reads them: extra\.weight\n$/,
    );
    expect(JSON.parse(run("quantize", "in", "out", "-f", "--json").stdout).unexpected_keys).toEqual(["extra.weight"]);
  });

  it("an error of 0 where all states are 0, and why there is none where they are not finite", async () => {
    const quantized = async (name: RegExp, value: number) => {
      const { files } = await tinyModel("AlbertForMaskedLM", {}, (values) => {
        for (const [key, weight] of values) if (name.test(key)) weight.fill(value);
      });
      const folder = await folderOf(`in ${value}`, files);
      const { stdout, stderr } = run("quantize", folder, `out ${value}`, "--json");
      return { error: (JSON.parse(stdout) as { hidden_state_error: number | null }).hidden_state_error, stderr };
    };
    const notFinite = (where: string) => ({
      error: null,
      stderr: `robertalbert: the last hidden states are not finite in ${where}\n`,
    });
    expect(await quantized(/./, 0)).toEqual({ error: 0, stderr: "" });
    expect(await quantized(/ffn/, 3.4e38)).toEqual(notFinite("fp32: the training diverged"));
    expect(await quantized(/ffn_output\.weight/, 1e36)).toEqual(notFinite("q8: keep full precision"));
  });

  it("leaves OUT as it is unless --force, which replaces it whole", async () => {
    const { files } = await tinyModel("AlbertForMaskedLM");
    await folderOf("in", files);
    await folderOf("out", { "config.json": new Uint8Array([123, 125]), "note.txt": new Uint8Array([1]) });
    const refused = run("quantize", "in", "out");
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^robertalbert: .*out is there already.*--force.*\n$/);
    expect((await readdir(join(root, "out"))).sort()).toEqual(["config.json", "note.txt"]);
    for (const flag of ["--force", "-f"]) expect(run("quantize", "in", "out", flag).status).toBe(0);
    expect((await readdir(join(root, "out"))).sort()).toEqual(["config.json", "model.q8.safetensors"]);
    expect((await readdir(root)).sort()).toEqual(["in", "out"]);
  });

  it("refuses IN as OUT, also with --force and by another path: the original would be lost", async () => {
    const { files } = await tinyModel("AlbertForMaskedLM");
    const folder = await folderOf("in", files);
    await symlink(folder, join(root, "link"));
    for (const out of ["in", "./in/", "link"]) {
      const { status, stdout, stderr } = run("quantize", "in", out, "--force");
      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
      expect(stderr).toMatch(/^robertalbert: OUT is the folder IN itself.*\n$/);
      expect((await readdir(folder)).sort()).toEqual(["config.json", "model.safetensors"]);
    }
  });

  it("a failure on the way leaves nothing behind", async () => {
    const { files } = await tinyModel("AlbertForMaskedLM", {}, (values) => {
      values.get("predictions.bias")!.fill(Number.NaN);
    });
    await folderOf("in", files);
    const { status, stdout, stderr } = run("quantize", "in", "out");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^robertalbert: .*predictions\.bias.* is NaN .*\n$/);
    expect(await readdir(root)).toEqual(["in"]);
  });

  it.each([
    ["one folder", ["quantize", "in"], "IN and OUT"],
    ["three", ["quantize", "a", "b", "c"], "got 3"],
    ["a dtype that there is not", ["quantize", "a", "b", "--dtype", "q4"], "q8, fp16"],
    ["fp32, which is no quantizing", ["quantize", "a", "b", "--dtype", "fp32"], "q8, fp16"],
    ["q8, which is no export", ["export", "a", "b", "--dtype", "q8"], "fp32, fp16"],
  ])("%s: exit code 2 and one line", (_, args, words) => {
    const { status, stdout, stderr } = run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^robertalbert: [^\n]+\n$/);
    expect(stderr).toContain(words);
  });

  it("--help shows dtypes and options", () => {
    for (const [name, dtypes] of [
      ["quantize", "q8|fp16"],
      ["export", "fp32|fp16"],
    ] as const) {
      const { status, stdout } = run(name, "--help");
      expect(status).toBe(0);
      for (const word of [`robertalbert ${name}`, "IN OUT", dtypes, "--force", "--json"])
        expect(stdout).toContain(word);
    }
    expect(run("--help").stdout).toMatch(/quantize .*\n(.*\n)*.*export /);
  });

  it("shows on a terminal how far it is, and cleans up after itself", async () => {
    const shown: string[] = [];
    let printed = "";
    const io: Io = {
      stdin: process.stdin,
      print: async (text) => {
        printed += text;
      },
      note: async () => undefined,
      overwrite: (text) => {
        shown.push(text);
      },
      fail: () => undefined,
      isTerminal: true,
      useColor: false,
    };
    await quantize.run({}, [shipped, join(root, "out")], io);
    expect(printed).toContain("model.q8.safetensors");
    expect(shown[0]).toMatch(/model\.q8\.safetensors \d+ %/);
    expect(shown.at(-1)).toBe("");
  });
});

describe("robertalbert export", () => {
  it("makes of a quantized folder one in floats, which loads here", async () => {
    expect(run("quantize", shipped, "small").status).toBe(0);
    const { status, stdout, stderr } = run("export", "small", "floats", "--json");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({ dtype: "fp32", compared_with: "the q8 folder" });
    expect(report.hidden_state_error).toBeLessThan(0.03);
    const floats = join(root, "floats");
    expect(await answer(floats)).toEqual(await answer(join(root, "small"), "fp32"));
    expect((await readdir(floats)).sort()).toContain("tokenizer.json");
    const header = await readFile(join(floats, "model.safetensors"));
    expect(header.subarray(8, 200).toString()).toContain('"__metadata__":{"format":"pt"}');
  });

  it("takes any folder, and any format", async () => {
    await cp(shipped, join(root, "in"), { recursive: true });
    const { status, stdout } = run("export", "in", "out", "--dtype", "fp16", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dtype: "fp16", hidden_state_error: 0 });
    expect(await answer(join(root, "out"))).toEqual(await answer(shipped));
  });
});

describe("robertalbert info", () => {
  it("says which file each dtype takes", async () => {
    const { files } = await tinyModel("AlbertForMaskedLM");
    await folderOf("in", files);
    const filesOf = (folder: string) => (JSON.parse(run("info", folder, "--json").stdout) as { files: unknown }).files;
    expect(run("quantize", "in", "out").status).toBe(0);
    expect(filesOf("in")).toEqual({ fp32: "model.safetensors", fp16: "model.safetensors", q8: "model.safetensors" });
    const q8 = "model.q8.safetensors";
    expect(filesOf("out")).toEqual({ fp32: q8, fp16: q8, q8 });
    await cp(join(root, "out", q8), join(root, "in", q8));
    expect(filesOf("in")).toEqual({ fp32: "model.safetensors", fp16: "model.safetensors", q8 });
    expect(run("info", "in").stdout).toMatch(/q8 +model\.q8\.safetensors\n/);
    expect(run("info", "out").stdout).toMatch(/fp32 +model\.q8\.safetensors, its bytes as floats\n/);
  });

  it("says which file is damaged, and what the others are for", async () => {
    const { files } = await tinyModel("AlbertForMaskedLM");
    const q8 = "model.q8.safetensors";
    await folderOf("in", { ...files, [q8]: files["model.safetensors"]!.subarray(0, 100) });
    const { status, stdout, stderr } = run("info", "in", "--json");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const report = JSON.parse(stdout) as { files: unknown; unusable: Record<string, string> };
    expect(report.files).toEqual({ fp32: "model.safetensors", fp16: "model.safetensors" });
    expect(Object.keys(report.unusable)).toEqual(["q8"]);
    expect(run("info", "in").stdout).toMatch(/q8 +unusable: .*model\.q8\.safetensors.*quantize IN OUT/);
  });
});
