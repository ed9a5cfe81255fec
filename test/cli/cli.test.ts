// The command in a process of its own: output for people and programs, odd input, streams, exit codes.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Io } from "../../src/cli/command.ts";
import { fillMask } from "../../src/cli/fill-mask.ts";
import { readTexts } from "../../src/cli/texts.ts";
import { BUILDS } from "../support/builds.ts";
import { finished, run, start } from "../support/command.ts";
import { expectError } from "../support/expect-error.ts";

const FRANCE = "The capital of France is <mask>.";

describe("robertalbert", () => {
  it("alone, with help or --help, lists the commands", async () => {
    const plain = await run([]);
    expect(plain).toMatchObject({ code: 0, stderr: "" });
    for (const name of ["fill-mask", "tokenize", "info"]) expect(plain.stdout).toContain(name);
    for (const word of ["--help", "-h", "help"]) expect(await run([word])).toEqual(plain);
  });

  it("shows each command's options, with their arguments and defaults", async () => {
    for (const name of ["fill-mask", "tokenize", "info"]) {
      for (const flag of ["--help", "-h"]) {
        const { code, stdout, stderr } = await run([name, flag]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(stdout).toContain(`robertalbert ${name}`);
        expect(stdout).toContain("--json");
        expect(stdout).toContain("--verbose");
      }
    }
    expect((await run(["fill-mask", "--help"])).stdout).toMatch(/--top-k N .*default 5/);
  });

  it("says its version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect(await run(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  const wrong: [string, string[], string[]][] = [
    ["an unknown command", ["fill"], ['"fill"', "fill-mask", "--help"]],
    ["an unknown option", ["fill-mask", "--topk", "3", FRANCE], ["--topk", "--help"]],
    ["no text", ["fill-mask"], ["no text", '"-"', "--help"]],
    ["no text to tokenize", ["tokenize"], ["no text", "--help"]],
    ["a word for a number", ["fill-mask", "--top-k", "many", FRANCE], ["--top-k", '"many"', "whole number from 1"]],
    ["too small a number", ["fill-mask", "-k", "0", FRANCE], ["--top-k", '"0"', "from 1"]],
    ["an option without its value", ["fill-mask", FRANCE, "--top-k"], ["--top-k"]],
    ["standard input among texts", ["tokenize", "a", "-"], ['"-"', "alone"]],
    ["two models", ["info", "a", "b"], ["MODEL", "2"]],
  ];
  for (const [name, args, words] of wrong) {
    it(`${name}: exit code 2 and one line on standard error`, async () => {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^robertalbert: [^\n]+\n$/);
      for (const word of words) expect(stderr).toContain(word);
    });
  }

  const failing: [string, string[], string[]][] = [
    ["a text without mask", ["fill-mask", "Nothing to fill."], ["Nothing to fill.", "<mask>"]],
    ["an empty text", ["fill-mask", ""], ["<mask>"]],
    ["a folder that is not there", ["fill-mask", "--model", "/no/such", FRANCE], ["/no/such"]],
    ["a folder without model", ["info", "src"], ["src", "config.json"]],
    ["a file for a folder", ["tokenize", "--model", "package.json", "a"], ["package.json"]],
    ["a target of two tokens", ["fill-mask", "--targets", "Constantinople", FRANCE], ["Constantinople", "tokens"]],
  ];
  for (const [name, args, words] of failing) {
    it(`${name}: exit code 1, one line on standard error, a stack only with --verbose`, async () => {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^robertalbert: [^\n]+\n$/);
      expect(stderr).not.toContain("internal error");
      for (const word of words) expect(stderr).toContain(word);
      const verbose = await run([...args, "--verbose"]);
      expect(verbose.code).toBe(1);
      expect(verbose.stderr).toMatch(/^RobertalbertError: .*\n {4}at /);
    });
  }
});

describe("fill-mask", () => {
  it("prints plain lines when piped: score, token, sequence", async () => {
    const { code, stdout, stderr } = await run(["fill-mask", "--top-k", "3", FRANCE]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    expect(lines).toHaveLength(3);
    expect(lines[0]).toEqual(["0.9975", " Paris", "The capital of France is Paris."]);
    expect(stdout).not.toContain("\u001b");
  });

  it("keeps one line a result whatever the text holds", async () => {
    const { stdout } = await run(["fill-mask", "-k", "2", "a\tb\r\nc <mask>"]);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.split("\t").length),
    ).toEqual([3, 3]);
  });

  it("prints the pipeline's result with --json, one line a text", async () => {
    const { stdout } = await run(["fill-mask", "--json", "-k", "2", FRANCE, "One <mask> and one <mask>."]);
    const [one, two] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(one.map((r: { token_str: string }) => r.token_str)).toEqual([" Paris", " Luxembourg"]);
    expect(Object.keys(one[0])).toEqual(["score", "token", "token_str", "sequence"]);
    expect(two.map((list: unknown[]) => list.length)).toEqual([2, 2]);
  });

  it("numbers the masks of a text with several, and takes targets", async () => {
    const { stdout } = await run(["fill-mask", "-k", "1", "One <mask> and one <mask>."]);
    expect(stdout.split("\n").map((line) => line[0])).toEqual(["1", "2", undefined]);
    const targets = await run(["fill-mask", "--targets", " Rome, Madrid", FRANCE]);
    expect(
      targets.stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.split("\t")[1])
        .sort(),
    ).toEqual([" Madrid", " Rome"]);
  });

  it("answers each line of standard input as it comes, blank ones apart", async () => {
    const child = start(["fill-mask", "-k", "1", "-"]);
    const end = finished(child);
    for (const [text, word] of [
      [FRANCE, "Paris"],
      ["The capital of Spain is <mask>.\r", "Madrid"],
    ]) {
      child.stdin.write(`${text}\n\n`);
      const [answer] = (await once(child.stdout, "data")) as [string];
      expect(answer).toContain(word); // before the next line is written, and with standard input still open
    }
    child.stdin.end("The capital of Italy is <mask>."); // no line end
    const { code, stdout } = await end;
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(3);
    expect(stdout).toContain("Italy");
  });

  it("ends with nothing for no lines, and at once for a bad line although the stream stays open", async () => {
    expect(await run(["fill-mask", "-"])).toEqual({ code: 0, stdout: "", stderr: "" });
    const child = start(["fill-mask", "-k", "1", "-"]);
    const end = finished(child);
    child.stdin.write(`${FRANCE}\nno mask here\n`);
    const { code, stdout, stderr } = await end;
    expect(code).toBe(1);
    expect(stdout).toContain("Paris");
    expect(stderr).toContain("no mask here");
  });

  it("says so when its input breaks off, after the lines that came", async () => {
    let lines = 0;
    const stdin = new Readable({
      read() {
        if (lines++ === 0) this.push("one\ntwo\n");
        else this.destroy(new Error("the device is gone"));
      },
    });
    const texts: string[] = [];
    const reading = async () => {
      for await (const text of readTexts(["-"], { stdin } as Io)) texts.push(text);
    };
    await expectError(reading, "FILE_UNREADABLE", "the device is gone");
    expect(texts).toEqual(["one", "two"]);
  });

  it.runIf(existsSync("/dev/full"))("says so when its output cannot be written", () => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, ["dist/cli/main.js", "info"], {
      stdio: ["ignore", full, "pipe"],
    });
    closeSync(full);
    expect(status).toBe(1);
    expect(String(stderr)).toMatch(/^robertalbert: standard output cannot be written: [^\n]+\n$/);
  });

  it("ends quietly when its reader has seen enough", async () => {
    const child = start(["fill-mask", "-k", "1", "-"]);
    const end = finished(child);
    const feed = Readable.from(
      (function* () {
        for (let i = 0; i < 100_000; i++) yield `${FRANCE}\n`;
      })(),
    );
    feed.pipe(child.stdin);
    await once(child.stdout, "data");
    child.stdout.destroy();
    const { code, stderr } = await end;
    feed.destroy();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("draws bars on a terminal, coloured unless asked not to", async () => {
    const render = async (useColor: boolean) => {
      const parts: string[] = [];
      const io = {
        stdin: Readable.from([]),
        print: async (part: string) => {
          parts.push(part);
        },
        note: async () => undefined,
        overwrite: () => undefined, // the progress of loading, where that takes long
        fail: () => undefined,
        isTerminal: true,
        useColor,
      };
      await fillMask.run({ "top-k": "2" }, [FRANCE, "One <mask> and one <mask>."], io satisfies Io);
      return parts.join("");
    };
    const plain = await render(false);
    const lines = plain.split("\n");
    expect(lines[0]).toBe(FRANCE);
    expect(lines[1]).toMatch(/^ {2}█{24} {2}99\.8 % {3}Paris$/);
    expect(lines[2]).toMatch(/^ {2}·{24} {3}0\.0 % {3}Luxembourg$/);
    expect(plain).toContain("mask 2");
    const coloured = await render(true);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours are control characters
    expect(coloured.replaceAll(/\u001b\[\d+m/g, "")).toBe(plain);
    expect(coloured).not.toBe(plain);
  });
});

describe("tokenize", () => {
  it("prints a token a line, or JSON, or the count", async () => {
    const { stdout } = await run(["tokenize", "In Paris"]);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    expect(lines[0]).toEqual(["0", "<s>"]);
    expect(lines.at(-1)).toEqual(["2", "</s>"]);
    expect(lines[1]).toEqual([expect.stringMatching(/^\d+$/), "In", "0", "2", '"In"']);
    type Shown = { ids: number[]; tokens: string[]; offsets: [number, number][] };
    const json = JSON.parse((await run(["tokenize", "--json", "In Paris"])).stdout) as Shown;
    expect(json.ids.map(String)).toEqual(lines.map(([id]) => id));
    expect(json.tokens).toEqual(lines.map(([, token]) => token));
    const texts = json.offsets.map(([start, end]) => "In Paris".slice(start, end));
    expect(texts.slice(1, -1)).toEqual(lines.slice(1, -1).map(([, , , , text]) => JSON.parse(text!)));
    expect(texts.join("")).toBe("InParis");
    expect((await run(["tokenize", "--count", "In Paris", ""])).stdout).toBe(`${lines.length}\n2\n`);
    expect((await run(["tokenize", "--count", "--json", "-"], "In Paris\n")).stdout).toBe(
      `{"count":${lines.length}}\n`,
    );
    expect((await run(["tokenize", "--count", "--bare", "In Paris"])).stdout).toBe(`${lines.length - 2}\n`);
  });

  it("shows which text of a pair a token is of", async () => {
    const { stdout } = await run(["tokenize", "--json", "--pair", "b", "a"]);
    const { tokens, offsets, sequence_ids } = JSON.parse(stdout);
    expect(tokens).toEqual(["<s>", "a", "</s>", "</s>", "b", "</s>"]);
    expect(sequence_ids).toEqual([null, 0, null, null, 1, null]);
    expect(offsets[4]).toEqual([0, 1]);
  });

  it("keeps a table a table when the text has line breaks", async () => {
    const { stdout } = await run(["tokenize", "a\n\tb"]);
    for (const line of stdout.trimEnd().split("\n")) expect(line).toMatch(/^\d+\t/);
  });
});

describe("info", () => {
  it("shows configuration, parameters, bytes and the build in use", async () => {
    const { stdout } = await run(["info"]);
    expect(stdout).toMatch(/^hidden_size +256$/m);
    expect(stdout).toMatch(/^parameters +1,978,880$/m);
    expect(stdout).toMatch(/^weights +4\.0 MB, F16$/m);
    expect(stdout).toMatch(new RegExp(`^wasm build +${BUILDS.at(-1)} `, "m"));
  });

  it("gives the same as JSON, for the folder named", async () => {
    const report = JSON.parse((await run(["info", "--json", "models/fill-mask"])).stdout);
    expect(report).toMatchObject({
      model: "models/fill-mask",
      parameters: 1978880,
      weight_bytes: 3961248,
      dtypes: ["F16"],
      builds: BUILDS,
      build: BUILDS.at(-1),
    });
    expect(report.config).toMatchObject({ hidden_size: 256, vocab_size: 8192, num_hidden_layers: 6 });
  });
});
