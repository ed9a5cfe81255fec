// robertalbert config and init as processes: output, exit codes, and a killed init that leaves no half folder.
import { spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PUBLISHED_ROBERTA } from "../../src/config/published.ts";
import { robertalbertConfig } from "../../src/config/recipe.ts";
import { BYTES_TOKENIZER } from "../support/new-folder.ts";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "robertalbert-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { cwd: root, encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("robertalbert config", () => {
  it("prints JSON alone", () => {
    const { status, stdout, stderr } = run("config");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toStrictEqual(robertalbertConfig());
    expect(stdout).toContain('"layer_norm_eps": 1e-12');
    expect(JSON.parse(run("config", "--size", "xlarge").stdout).hidden_size).toBe(2048);
  });

  it("explains each key", async () => {
    const roberta = { ...PUBLISHED_ROBERTA["roberta-base"], use_cache: true };
    await writeFile(join(root, "roberta.json"), JSON.stringify(roberta));
    const { stdout } = run("config", "--explain", "--albert", "albert-xlarge-v2", "--roberta", "roberta.json");
    const lines = stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(lines[0]).toEqual(["key", "value", "from", "ALBERT has", "RoBERTa has"]);
    expect(lines.find(([key]) => key === "hidden_size")).toEqual(["hidden_size", "768", "RoBERTa", "2048", "768"]);
    expect(lines.find(([key]) => key === "gap_size")).toEqual(["gap_size", "0", "ALBERT, only there", "0", "–"]);
    expect(stdout).toContain("left out: use_cache\n");
    const json = JSON.parse(run("config", "--explain", "--json", "--size", "hidden=384").stdout);
    expect(json.rows.find((row: { key: string }) => row.key === "hidden_size").from).toBe("size");
  });

  it("says what is wrong with a file", async () => {
    await writeFile(join(root, "cut.json"), '{"model_type": "alb');
    await writeFile(join(root, "null.json"), "null");
    await writeFile(join(root, "bert.json"), '{"model_type": "bert"}');
    for (const [file, message] of [
      ["cut.json", /cut\.json is no JSON/],
      ["null.json", /ALBERT configuration is null/],
      ["bert.json", /model_type "bert", expected "albert"/],
      ["absent.json", /no file "absent\.json"/],
    ] as const) {
      const { status, stdout, stderr } = run("config", "--albert", file);
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toMatch(message);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
    expect(run("config", "albert-base-v2").status).toBe(2);
  });
});

describe("robertalbert init", () => {
  it("writes the folder, says what is in it, and refuses to do it again", async () => {
    await writeFile(join(root, "roberta.json"), "");
    const tokenizer = join(root, "bytes");
    const { writeFolder } = await import("../../src/hub/write-folder.ts");
    await writeFolder(
      tokenizer,
      Object.entries(BYTES_TOKENIZER).map(([name, bytes]) => ({ name, chunks: () => [bytes] })),
    );
    const args = ["init", "model", "-t", "bytes", "--size", "hidden=64,layers=2,heads=2,intermediate=96", "-w"];
    const first = run(...args, "--json");
    expect({ status: first.status, stderr: first.stderr }).toEqual({ status: 0, stderr: "" });
    const report = JSON.parse(first.stdout);
    expect(report).toMatchObject({ folder: join(root, "model"), config: { vocab_size: 261, hidden_size: 64 } });
    expect(report.files.map(({ name }: { name: string }) => name).sort()).toEqual(
      (await readdir(join(root, "model"))).sort(),
    );
    const again = run(...args);
    expect(again.status).toBe(1);
    expect(again.stderr).toContain("--force");
    const forced = run(...args, "--force", "--seed", "7");
    expect(forced.status).toBe(0);
    expect(forced.stdout).toContain("model.safetensors");
    expect(forced.stderr).toContain("vocab_size is 261 as the tokenizer's");
    expect(await readFile(join(root, "model", "README.md"), "utf8")).toContain("seed 7");
  });

  it("does not pull the working directory away, and takes --seed only for weights", async () => {
    const empty = join(root, "empty");
    await mkdir(empty);
    const here = spawnSync(process.execPath, [main, "init", "."], { cwd: empty, encoding: "utf8" });
    expect(here).toMatchObject({ status: 1, stderr: expect.stringContaining("is the working directory") });
    expect(await readdir(empty)).toEqual([]);
    expect(run("init", "unseeded", "--seed", "1")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("add --weights"),
    });
    const negative = run("init", "unseeded", "--weights", "--seed", "-1");
    expect(negative.status).toBe(2);
    expect(negative.stderr.trim().split("\n")).toHaveLength(1);
  });

  it("leaves no half folder when it is killed, and nothing at all when it is interrupted", async () => {
    for (const [signal, target] of [
      ["SIGKILL", "killed"],
      ["SIGINT", "interrupted"],
    ] as const) {
      const child = spawn(process.execPath, [main, "init", target, "--weights", "--size", "xlarge"], { cwd: root });
      const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on("exit", (_, by) => resolve(by)));
      const staging = async () => (await readdir(root)).find((name) => name.startsWith(`.${target}-writing-`));
      while ((await staging()) === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      child.kill(signal);
      expect(await ended).toBe(signal);
      expect(await readdir(root)).not.toContain(target);
      if (signal === "SIGINT") expect(await staging()).toBeUndefined();
    }
  });
});

describe("robertalbert check", () => {
  it("says what is wrong by sign, in JSON and by exit code", async () => {
    run("init", "checked", "--size", "hidden=48,layers=2", "-w");
    const good = run("check", "checked");
    expect(good.status).toBe(0);
    expect(good.stdout.split("\n").map((text) => text[0])).toEqual(["✓", "!", " ", "✓", "✓", undefined]);
    const path = join(root, "checked", "config.json");
    const config = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...config, type_vocab_size: 2 }));
    const wrong = run("check", "checked", "--json");
    expect(wrong.status).toBe(1);
    const { ok, findings } = JSON.parse(wrong.stdout);
    expect(ok).toBe(false);
    expect(findings.filter(({ status }: { status: string }) => status === "failed")).toHaveLength(2);
    expect(run("check", "absent").stderr).toMatch(/no model folder/);
    expect(run("info", "checked").status).toBe(0);
  });
});
