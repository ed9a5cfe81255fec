// README.md is true: its JavaScript runs and prints what it says, its commands too, and its lists are complete.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { read, root } from "./sources.ts";

const readme = read("README.md");

interface Block {
  /** What stands behind the fence: "js" runs, "js not-run" does not. */
  info: string;
  line: number;
  code: string;
}

const blocks: Block[] = [...readme.matchAll(/^```(\S.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
  info: match[1]!,
  line: readme.slice(0, match.index).split("\n").length,
  code: match[2]!,
}));

/** A folder with what the commands name, for what they write. */
const place = mkdtempSync(join(tmpdir(), "robertalbert-readme-"));
for (const name of ["models", "examples"]) symlinkSync(join(root, name), join(place, name), "junction");
afterAll(() => rmSync(place, { recursive: true }));

describe("JavaScript in README.md", () => {
  const programs = blocks.filter(({ info }) => info === "js");

  it("is there, and prints something in each block", () => {
    expect(programs.length).toBeGreaterThan(8);
    for (const { line, code } of programs) expect(code, `line ${line}`).toContain("//=> ");
  });

  for (const { line, code } of programs) {
    it(`line ${line}`, () => {
      // From the root the package's own name means dist/, as it does for a user.
      const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", code], {
        cwd: root,
        encoding: "utf8",
      });
      expect(printed.trimEnd().split("\n")).toEqual([...code.matchAll(/\/\/=> (.*)/g)].map((match) => match[1]));
    });
  }
});

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** "$ command" lines, each with the lines that it prints; "…" stands for any. */
function commandsOf(code: string): { command: string; printed: string }[] {
  return code
    .split(/^\$ /m)
    .slice(1)
    .map((part) => ({ command: part.slice(0, part.indexOf("\n")), printed: part.slice(part.indexOf("\n") + 1) }));
}

describe.skipIf(process.platform === "win32")("commands in README.md", () => {
  const main = `${process.execPath} ${join(root, "dist/cli/main.js")}`;
  const asUsers = `npx() { shift; ${main} "$@"; }; npm() { shift 2; ${main} fill-mask "$@"; };`;

  for (const { line, code } of blocks.filter(({ info }) => info === "console")) {
    it(`line ${line}`, () => {
      const commands = commandsOf(code);
      expect(commands.length).toBeGreaterThan(0);
      for (const { command, printed } of commands) {
        const got = execFileSync("bash", ["-c", `set -e; ${asUsers} ${command}`], {
          cwd: place,
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
        const shown = got.replaceAll(place, "/home/you").trimEnd();
        expect(shown, command).toMatch(new RegExp(`^${escaped(printed.trimEnd()).replace(/^…$/gm, "[^]*")}$`));
      }
    });
  }
});

describe("lists in README.md", () => {
  it("every code of an error, in the words of src/errors.ts", () => {
    const codes = [...read("src/errors.ts").matchAll(/^ {2}\| "([A-Z_]+)";? \/\/ (.*)$/gm)];
    expect(codes.length).toBeGreaterThan(20);
    const rows = codes.map(([, code, meaning]) => `| \`${code}\` | ${meaning} |`);
    expect(readme.split("\n").filter((line) => /^\| `[A-Z_]+` \|/.test(line))).toEqual(rows);
  });

  it("every task and every model class", () => {
    const tasks = [...read("src/pipelines/pipeline.ts").matchAll(/^ {2}"?([\w-]+)"?: task\(/gm)].map((m) => m[1]);
    const classes = [...read("src/model/auto.ts").matchAll(/^export const (Auto\w+)/gm)].map((m) => m[1]);
    expect(tasks.length + classes.length).toBeGreaterThan(12);
    for (const name of [...tasks, ...classes]) expect(readme).toContain(`\`${name}\``);
  });

  it("every command", () => {
    const names = ["src/cli/main.ts"]
      .flatMap((path) => [...read(path).matchAll(/from "\.\/([\w-]+)\.ts"/g)].map((match) => match[1]!))
      .map((file) => /^ {2}name: "([\w-]+)"/m.exec(read(`src/cli/${file}.ts`))?.[1])
      .filter((name) => name !== undefined);
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(readme).toMatch(new RegExp(`\`${name}[ \`]`));
  });
});
