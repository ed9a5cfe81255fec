// Links in the documents lead somewhere: files that are there, and headings that their page has.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { read, root } from "./sources.ts";

const inFolders = (folder: string) =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return existsSync(join(root, path, "README.md")) ? [`${path}/README.md`] : [];
    return entry.name.endsWith(".md") ? [path] : [];
  });
const DOCUMENTS = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...["docs", "bench", "examples", "models"].flatMap(inFolders),
];

/** Targets of [text](target), code left out. */
function linksIn(markdown: string): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
}

/** The names of a page's headings as GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, "");
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

it("relative links in the documents lead to files and headings that are there", () => {
  expect(DOCUMENTS).toEqual(
    expect.arrayContaining([
      "README.md",
      "ARCHITECTURE.md",
      "docs/train.md",
      "bench/README.md",
      "examples/spam/README.md",
    ]),
  );
  let count = 0;
  const broken = DOCUMENTS.flatMap((document) =>
    linksIn(read(document))
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        count++;
        const [path = "", anchor] = target.split("#");
        const file = path === "" ? document : join(dirname(document), path);
        if (!existsSync(join(root, file))) return true;
        return anchor !== undefined && !anchorsOf(read(file)).includes(anchor);
      })
      .map((target) => `${document}: ${target}`),
  );
  expect(count).toBeGreaterThan(30);
  expect(broken).toEqual([]);
});
