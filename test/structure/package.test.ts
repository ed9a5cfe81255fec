// What a reader and an installer meet: a first comment in every file, small wasm, and exports that are there.
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { read, root, sourcesIn } from "./sources.ts";

/** The most bytes that one build of the kernels may have: a Worker loads it at every cold start. */
const MOST_WASM_BYTES = 40_000;

const manifest = JSON.parse(read("package.json")) as {
  exports: Record<string, unknown>;
  files: string[];
  bin: Record<string, string>;
};

/** All paths in an `exports` value, whatever its conditions. */
function pathsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Object.values(value as Record<string, unknown>).flatMap(pathsIn);
}

it("every source file begins with a comment that says what it does", () => {
  const files = ["src", "assembly", "test", "bench", "scripts", ".ci"].flatMap(sourcesIn);
  const first = (path: string): string => {
    const lines = read(path).split("\n");
    return (lines[0]!.startsWith("#!") ? lines[1] : lines[0]) ?? "";
  };
  const says = (line: string) => /^(\/\/|\/\*\*?|#|""") ?\S.{19,}/.test(line);
  expect(files.filter((path) => !says(first(path)))).toEqual([]);
});

it("each wasm build has at most 40 KB", () => {
  const builds = pathsIn(manifest.exports).filter((path) => path.endsWith(".wasm"));
  expect(builds.length).toBeGreaterThanOrEqual(2);
  for (const path of builds) expect(statSync(join(root, path)).size, path).toBeLessThanOrEqual(MOST_WASM_BYTES);
});

it("all that package.json exports and runs is there after a build", () => {
  const paths = [...pathsIn(manifest.exports), ...Object.values(manifest.bin)];
  expect(paths.length).toBeGreaterThan(5);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it("the tarball holds what is needed to use the package, nothing else, and is small", () => {
  const json = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [pack] = JSON.parse(json) as { unpackedSize: number; files: { path: string }[] }[];
  const paths = pack!.files.map((file) => file.path);
  const allowed =
    /^(dist\/.*\.(js|d\.ts|wasm)|models\/fill-mask\/[^/]+|(package\.json|LICENSE|README\.md|CHANGELOG\.md))$/;
  expect(paths.filter((path) => !allowed.test(path))).toEqual([]);
  for (const path of [
    "dist/index.js",
    "dist/index.d.ts",
    "dist/cli/main.js",
    "dist/simd.wasm",
    "dist/relaxed.wasm",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
  ])
    expect(paths).toContain(path);
  expect(paths).toContain("models/fill-mask/README.md"); // its licence notes
  expect(pack!.unpackedSize).toBeLessThan(8e6);
});

it("types come first among the conditions of an export", () => {
  for (const [name, value] of Object.entries(manifest.exports)) {
    if (typeof value === "object") expect(Object.keys(value as object)[0], name).toBe("types");
  }
});

it("the command is executable and starts with a shebang", () => {
  for (const path of Object.values(manifest.bin)) {
    expect(read(path).split("\n")[0]).toBe("#!/usr/bin/env node");
    if (process.platform !== "win32") expect(statSync(join(root, path)).mode & 0o111, path).not.toBe(0);
  }
});
