// robertalbert train-tokenizer as a process: the folder, what it prints, exit codes, and that nothing is left behind.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trainTokenizer } from "../../src/folder/train-tokenizer.ts";
import { finished, run, start } from "../support/command.ts";

const FILES = ["merges.txt", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"];
FILES.push("vocab.json", "vocabulary.bin");
const TEXT = "the cat and the hat sat on the mat; that cat's fat é\n".repeat(3);

let root: string;
let text: string;
const place = (name: string) => join(root, name);
const train = (...args: string[]) => run(["train-tokenizer", ...args]);
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "robertalbert-"));
  text = place("text.txt");
  writeFileSync(text, TEXT);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("robertalbert train-tokenizer", () => {
  it("writes what trainTokenizer learns, and says so", async () => {
    const output = place("tokenizer");
    const { code, stdout, stderr } = await train(text, "--vocab-size", "280", "--output", output);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(readdirSync(output).sort()).toEqual(FILES);
    const { files } = await trainTokenizer([new Blob([TEXT])], { vocab_size: 280 });
    for (const name of FILES) expect(new Uint8Array(readFileSync(join(output, name)))).toEqual(files[name]);
    expect(stdout.split("\n")[0]).toBe(output);
    expect(stdout).toContain("tokenizer.json");
    expect(stdout).toMatch(/\n280 tokens, learnt from 0\.2 KB of text: 48 words, 14 different\n$/);

    const again = await train(text, "--vocab-size", "280", "--output", output);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/^robertalbert: [^\n]*tokenizer is there already[^\n]*--force[^\n]*\n$/);
    expect((await train(text, "--vocab-size", "270", "--output", output, "--force")).code).toBe(0);
    expect(Object.keys(JSON.parse(readFileSync(join(output, "vocab.json"), "utf8")))).toHaveLength(270);
  });

  it("reads several files and standard input, and answers in JSON", async () => {
    const output = place("json");
    const args = ["train-tokenizer", text, "-", text, "-v", "5000", "--min-frequency", "5", "-o", output, "--json"];
    const { code, stdout, stderr } = await run(args, "standard input\n");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { files, notes, vocab_size, ...report } = JSON.parse(stdout);
    expect(report).toEqual({
      folder: output,
      bytes: 2 * (TEXT.length + 3) + 15,
      words: 2 * 48 + 3,
      distinct_words: 16,
    });
    expect(files.map((file: { name: string }) => file.name).sort()).toEqual(FILES);
    expect(notes).toEqual([
      expect.stringMatching(/^\d+ tokens, not 5000: no other pair occurs 5 times; .*--min-frequency$/),
    ]);
    expect(vocab_size).toBe(Number.parseInt(notes[0], 10));
  });

  it("makes a tokenizer that init takes, and the folder fits together", async () => {
    const [tokenizer, model] = [place("for-init"), place("model")];
    await train(text, "--vocab-size", "300", "--output", tokenizer);
    const size = "hidden=48,layers=2,heads=2,intermediate=64";
    const made = await run(["init", model, "--tokenizer", tokenizer, "--weights", "--size", size]);
    expect(made.code).toBe(0);
    const checked = await run(["check", model]);
    expect({ code: checked.code, signs: checked.stdout.match(/^[✓!✗]/gm) }).toEqual({
      code: 0,
      signs: ["✓", "✓", "✓", "✓"],
    });
  });

  const usage: [string, () => string[], string[]][] = [
    ["no file", () => ["-v", "300", "-o", place("x")], ["no text", '"-"']],
    ["no --output", () => [text, "-v", "300"], ["--output FOLDER is missing"]],
    ["no --vocab-size", () => [text, "-o", place("x")], ["--vocab-size N is missing"]],
    ["--vocab-size 0", () => [text, "-v", "0", "-o", place("x")], ["--vocab-size", '"0"']],
    [
      "--min-frequency 0",
      () => [text, "-v", "300", "--min-frequency", "0", "-o", place("x")],
      ["--min-frequency", '"0"'],
    ],
    ["standard input twice", () => ["-", "-", "-v", "300", "-o", place("x")], ['"-"', "once"]],
  ];
  it.each(usage)("%s: exit code 2", async (_, args, words) => {
    const { code, stdout, stderr } = await train(...args());
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^robertalbert: [^\n]+see --help\n$/);
    for (const word of words) expect(stderr).toContain(word);
  });

  const failing: [string, () => string[], string[]][] = [
    ["a file that is not there", () => [text, place("absent.txt"), "-v", "300"], ["no file", "absent.txt"]],
    ["a path below a file", () => [join(text, "below"), "-v", "300"], ["no file", "below"]],
    ["a folder", () => [tmpdir(), "-v", "300"], ["is a folder", "name the files"]],
    ["a file that is no UTF-8", () => [place("latin1.txt"), "-v", "300"], ["latin1.txt", "byte 3 is 0xE9", "iconv"]],
    ["too few tokens", () => [text, "-v", "260"], ["vocab_size", "260", "261"]],
    ["too many tokens", () => [text, "-v", "99999999"], ["vocab_size", "99999999"]],
  ];
  it.each(failing)("%s: exit code 1, nothing left behind", async (_, args, words) => {
    writeFileSync(place("latin1.txt"), Buffer.from("café au lait", "latin1"));
    const before = readdirSync(root);
    const { code, stdout, stderr } = await train(...args(), "-o", place("not-made"));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^robertalbert: [^\n]+\n$/);
    expect(stderr).not.toContain("internal error");
    for (const word of words) expect(stderr).toContain(word);
    expect(readdirSync(root)).toEqual(before);
  });

  it("refuses a place that is taken, or cannot be written, before it reads anything", async () => {
    mkdirSync(place("taken"));
    writeFileSync(place("taken/thesis.tex"), "mine");
    for (const output of [place("taken"), text, join(text, "below")]) {
      const child = start(["train-tokenizer", "-", "-v", "300", "-o", output]); // whose input never ends
      const { code, stderr } = await finished(child);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^robertalbert: [^\n]+\n$/);
    }
    expect(readFileSync(text, "utf8")).toBe(TEXT);
    expect(readdirSync(place("taken"))).toEqual(["thesis.tex"]);
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const child = start(["train-tokenizer", "-", "-v", "300", "-o", place("interrupted")]);
    const end = new Promise((resolve) => child.on("exit", (_, signal) => resolve(signal)));
    child.stdin.on("error", () => undefined);
    child.stdin.write(TEXT);
    const staging = () => readdirSync(root).find((name) => name.startsWith(".interrupted-writing-"));
    while (!staging()) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGINT");
    expect(await end).toBe("SIGINT");
    expect(staging()).toBeUndefined();
    expect(existsSync(place("interrupted"))).toBe(false);
  });
});
