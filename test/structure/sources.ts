// Reads the repository's own sources for the tests of its structure: files, and what each imports.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

const SOURCE = /\.(ts|mts|js|mjs|py|sh)$/;
const NOT_OURS = new Set(["node_modules", "dist"]);

/** Paths of all source files under a folder of the repository, with "/"; none where there is no such folder. */
export function sourcesIn(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : sourcesIn(path);
    return SOURCE.test(entry.name) ? [path] : [];
  });
}

export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** What a file names after `from` or in `import(…)`, types and re-exports included; its own comments left out. */
export function importsOf(path: string): string[] {
  const code = read(path)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
  return [...code.matchAll(/\b(?:from|import)\s*\(?\s*["']([@.\w][^"'\s]*)["']/g)].map((match) => match[1]!);
}

/** The repository path that a relative import of `path` means. */
export function resolveImport(path: string, name: string): string {
  return relative(root, join(root, dirname(path), name))
    .split(sep)
    .join("/");
}
