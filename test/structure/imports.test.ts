// The walls between the rooms (ARCHITECTURE.md): who may import whom, who may know of Node, which packages are used.
import { expect, it } from "vitest";
import { importsOf, read, resolveImport, root, sourcesIn } from "./sources.ts";

/** Rooms by rank: a file imports from its own room and from rooms of a lower rank. Rooms of one rank do not know each other. */
const RANKS: readonly (readonly string[])[] = [
  ["errors.ts"],
  ["callable.ts", "tensor.ts", "turn.ts", "config"],
  ["hub"],
  ["weights", "tokenizer"],
  ["folder"],
  ["runtime"],
  ["model", "kernel-arguments.ts"],
  ["pipelines"],
  ["kernels.ts", "serve.ts"],
  ["cli", "index.ts"],
];

/** Rooms whose files that read folders, and nothing else, may import `node:` modules. */
const KNOWS_NODE = [/^src\/hub\/[\w-]*folder[\w-]*\.ts$/, /^src\/cli\//];

const files = sourcesIn("src");
const roomOf = (path: string): string => path.split("/")[1]!;
const rankOf = (path: string): number => RANKS.findIndex((rooms) => rooms.includes(roomOf(path)));
const isRelative = (name: string): boolean => name.startsWith(".");

it("every file of src/ stands in a room that has a place in the order", () => {
  expect(files.length).toBeGreaterThan(40);
  expect(files.filter((path) => rankOf(path) < 0)).toEqual([]);
});

it("a room imports only from itself and from rooms before it", () => {
  const wrong = files.flatMap((path) =>
    importsOf(path)
      .filter(isRelative)
      .map((name) => resolveImport(path, name))
      .filter((to) => roomOf(to) !== roomOf(path) && !(rankOf(to) < rankOf(path)))
      .map((to) => `${path} imports ${to}`),
  );
  expect(wrong).toEqual([]);
});

it("every relative import names a file of src/ that is there", () => {
  const wrong = files.flatMap((path) =>
    importsOf(path)
      .filter(isRelative)
      .map((name) => resolveImport(path, name))
      .filter((to) => !files.includes(to))
      .map((to) => `${path} imports ${to}`),
  );
  expect(wrong).toEqual([]);
});

it("no file imports itself by any way round", () => {
  const graph = new Map(
    files.map((path) => [
      path,
      importsOf(path)
        .filter(isRelative)
        .map((name) => resolveImport(path, name)),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    else if (!done.has(path)) for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of files) visit(path, []);
  expect(cycles).toEqual([]);
});

it("only the files that read folders, and the command, know of Node", () => {
  const wrong = files
    .filter((path) => !KNOWS_NODE.some((allowed) => allowed.test(path)))
    .flatMap((path) =>
      importsOf(path)
        .filter((name) => name.startsWith("node:"))
        .map((name) => `${path}: ${name}`),
    );
  expect(wrong).toEqual([]);
});

it("a file that knows of Node is loaded only when it is needed", () => {
  // A static import would make every bundle for edge or browser carry node:fs.
  const nodeFiles = files.filter(
    (path) => path.startsWith("src/hub/") && importsOf(path).some((n) => n.startsWith("node:")),
  );
  expect(nodeFiles).not.toEqual([]);
  const wrong = files
    .filter((path) => !nodeFiles.includes(path))
    .flatMap((path) =>
      [...read(path).matchAll(/\bfrom\s+["'](\.[^"']+)["']/g)]
        .map((match) => resolveImport(path, match[1]!))
        .filter((to) => nodeFiles.includes(to))
        .map((to) => `${path} imports ${to} statically`),
    );
  expect(wrong).toEqual([]);
});

it("bundles for browsers and Workers get a stand-in for the files of src/hub/ that know of Node", () => {
  const { browser, sideEffects } = JSON.parse(read("package.json")) as {
    browser: Record<string, string>;
    sideEffects: unknown;
  };
  // What it does is to throw: a bundler that took it for a file without effects would leave an empty one.
  expect(sideEffects).toEqual(["./dist/hub/no-folder.js"]);
  const built = (path: string) => path.replace(/^src/, "./dist").replace(/ts$/, "js");
  const fromIndex = new Set<string>();
  const visit = (path: string): void => {
    if (fromIndex.has(path)) return;
    fromIndex.add(path);
    for (const name of importsOf(path).filter(isRelative)) visit(resolveImport(path, name));
  };
  for (const entry of ["src/index.ts", "src/kernels.ts"]) visit(entry);
  const nodeFiles = [...fromIndex].filter((path) => importsOf(path).some((name) => name.startsWith("node:")));
  expect(nodeFiles.length).toBeGreaterThan(1);
  expect(browser).toEqual(Object.fromEntries(nodeFiles.map((path) => [built(path), "./dist/hub/no-folder.js"])));
});

it("packages that src/ imports are the dependencies that package.json declares", () => {
  const {
    dependencies = {},
    peerDependencies = {},
    peerDependenciesMeta = {},
  } = JSON.parse(read("package.json")) as Record<string, Record<string, { optional?: boolean }>>;
  const packageOf = (name: string) =>
    name
      .split("/")
      .slice(0, name.startsWith("@") ? 2 : 1)
      .join("/");
  const used = new Set(
    files
      .flatMap((path) => importsOf(path))
      .filter((name) => !isRelative(name) && !name.startsWith("node:"))
      .map(packageOf),
  );
  const optional = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional);
  expect([...used].filter((name) => !(name in dependencies) && !optional.includes(name))).toEqual([]);
  expect(Object.keys(dependencies)).toEqual(["@assemblyscript/loader"]);
  expect(optional).toEqual(Object.keys(peerDependencies));
});

it("no install script, no native code", () => {
  const { scripts, dependencies } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  expect(Object.keys(scripts!).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
  for (const name of Object.keys(dependencies!)) {
    const own = JSON.parse(read(`node_modules/${name}/package.json`)) as { gypfile?: boolean; scripts?: object };
    expect(own.gypfile ?? false).toBe(false);
    expect(Object.keys(own.scripts ?? {}).filter((script) => /^(pre|post)?install$/.test(script))).toEqual([]);
  }
  expect(root).not.toBe("");
});
