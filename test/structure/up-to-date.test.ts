// `npm start` and `npm test` install and build what is out of date, and only that.
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { buildInputs, isBuilt, isInstalled, markBuilt } from "../../scripts/up-to-date.mjs";
import { root as repository } from "./sources.ts";

let root: string;
const write = (path: string, text: string) => {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
};
const lock = (packages: Record<string, unknown>) => JSON.stringify({ packages });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "robertalbert-setup-"));
});
afterEach(() => rmSync(root, { recursive: true }));

it("packages are installed when npm's own list of them is the lockfile's", () => {
  const a = { version: "1.0.0", integrity: "x" };
  write(
    "package-lock.json",
    lock({ "": {}, "node_modules/a": a, "node_modules/of-windows": { ...a, optional: true } }),
  );
  expect(isInstalled(root)).toBe(false);
  write("node_modules/.package-lock.json", "cut sho");
  expect(isInstalled(root)).toBe(false);
  const installed: [Record<string, unknown>, boolean][] = [
    [{}, false],
    [{ "node_modules/a": a }, true],
    [{ "node_modules/a": { ...a, version: "1.0.1" } }, false],
    [{ "node_modules/a": { ...a, integrity: "y" } }, false],
    [{ "node_modules/a": a, "node_modules/of-windows": a }, true],
    [{ "node_modules/of-windows": a }, false],
  ];
  for (const [packages, expected] of installed) {
    write("node_modules/.package-lock.json", lock(packages));
    expect(isInstalled(root), JSON.stringify(packages)).toBe(expected);
  }
});

it("a build is up to date until a source is edited, added or removed", () => {
  for (const path of ["assembly/a.ts", "src/b/c.ts", "asconfig.json", "tsconfig.json", "scripts/build.mjs"])
    write(path, "one");
  write("package-lock.json", lock({}));
  expect(isBuilt(root)).toBe(false);
  write("dist/index.js", "");
  expect(isBuilt(root)).toBe(false); // without the mark it may be half a build
  markBuilt(root, buildInputs(root));
  expect(isBuilt(root)).toBe(true);
  write("README.md", "no source");
  expect(isBuilt(root)).toBe(true);
  write("src/d.ts", "");
  expect(isBuilt(root)).toBe(false);
  rmSync(join(root, "src/d.ts"));
  expect(isBuilt(root)).toBe(true);
  utimesSync(join(root, "src/b/c.ts"), 1, 1);
  expect(isBuilt(root)).toBe(false);
});

it("this checkout is installed, or it could not run its tests", () => {
  expect(isInstalled(repository)).toBe(true);
});
