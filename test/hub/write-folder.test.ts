// writeFolder: whole or not at all, whatever goes wrong.
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textFile } from "../../src/hub/files.ts";
import { writeFolder } from "../../src/hub/write-folder.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "robertalbert-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const place = async (name: string) => {
  const parent = join(root, name);
  await mkdir(parent);
  return { parent, target: join(parent, "model") };
};
const files = [textFile("config.json", "{}\n"), textFile("README.md", "é\n")];

describe("writeFolder", () => {
  it("writes all files, makes what is missing above, and leaves nothing beside them", async () => {
    const { parent, target } = await place("new");
    const deep = join(target, "a", "b");
    const seen: [string, number][] = [];
    await writeFolder(deep, files, { onProgress: (name, bytes) => seen.push([name, bytes]) });
    expect(seen).toEqual([
      ["config.json", 3],
      ["README.md", 3],
    ]);
    expect(await readFile(join(deep, "README.md"), "utf8")).toBe("é\n");
    expect(await readdir(join(target, "a"))).toEqual(["b"]);
    expect(await readdir(parent)).toEqual(["model"]);
    // The umask decides, as for any folder: not the 0700 of temporary ones.
    if (process.platform !== "win32") expect((await stat(deep)).mode & 0o777).toBe(0o777 & ~process.umask());
  });

  it("has the files made when the place is known to be free and writable, not before", async () => {
    const { parent, target } = await place("made");
    let calls = 0;
    const make = async () => {
      calls++;
      return files;
    };
    await writeFolder(target, make);
    expect((await readdir(target)).sort()).toEqual(["README.md", "config.json"]);
    await expect(writeFolder(target, make)).rejects.toMatchObject({ code: "FILE_EXISTS" });
    await expect(writeFolder(join(target, "README.md", "below"), make)).rejects.toMatchObject({
      code: "FILE_UNWRITABLE",
    });
    expect(calls).toBe(1);
    const failing = () => Promise.reject(new Error("no files today"));
    await expect(writeFolder(target, failing, { force: true })).rejects.toThrow("no files today");
    expect(await readFile(join(target, "README.md"), "utf8")).toBe("é\n");
    expect(await readdir(parent)).toEqual(["model"]);
  });

  it("takes an empty folder as a place, a full one only by force, and then as a whole", async () => {
    const { parent, target } = await place("existing");
    await mkdir(target);
    await writeFolder(target, [textFile("config.json", "old"), textFile("vocab.json", "old")]);
    await expect(writeFolder(target, files)).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect(await readFile(join(target, "config.json"), "utf8")).toBe("old");
    await writeFolder(target, files, { force: true });
    expect((await readdir(target)).sort()).toEqual(["README.md", "config.json"]);
    expect(await readdir(parent)).toEqual(["model"]);
  });

  it("does not replace by force what is no model folder", async () => {
    const { target } = await place("foreign");
    await mkdir(join(target, "work"), { recursive: true });
    await writeFile(join(target, "config.json"), "mine");
    await expect(writeFolder(target, files, { force: true })).rejects.toMatchObject({ code: "FILE_EXISTS" });
    await rm(join(target, "work"), { recursive: true });
    await rm(join(target, "config.json"));
    await writeFile(join(target, "thesis.tex"), "mine");
    await expect(writeFolder(target, files, { force: true })).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect(await readFile(join(target, "thesis.tex"), "utf8")).toBe("mine");
  });

  it("writes where a link leads and leaves the link, but not one that leads nowhere", async () => {
    const { parent, target } = await place("links");
    await mkdir(target);
    await symlink(target, join(parent, "link"), "junction");
    await symlink(join(parent, "nowhere"), join(parent, "dangling"), "junction");
    await writeFolder(join(parent, "link"), files);
    expect((await readdir(target)).sort()).toEqual(["README.md", "config.json"]);
    expect((await lstat(join(parent, "link"))).isSymbolicLink()).toBe(true);
    await expect(writeFolder(join(parent, "dangling"), files)).rejects.toMatchObject({
      code: "FILE_EXISTS",
      message: expect.stringContaining("leads nowhere"),
    });
    expect((await readdir(parent)).sort()).toEqual(["dangling", "link", "model"]);
  });

  it("does not write over a file, or below one", async () => {
    const { parent } = await place("file");
    const file = join(parent, "file");
    await writeFile(file, "mine");
    await expect(writeFolder(file, files, { force: true })).rejects.toMatchObject({ code: "FILE_EXISTS" });
    for (const below of [join(file, "below"), join(file, "far", "below")])
      await expect(writeFolder(below, files)).rejects.toMatchObject({
        code: "FILE_UNWRITABLE",
        message: expect.stringContaining("name another place"),
      });
    expect(await readdir(parent)).toEqual(["file"]);
  });

  it.runIf(process.platform === "linux")("says so where no folder can be made though its parent is there", async () => {
    for (const path of ["/proc/model", "/proc/far/model"])
      await expect(writeFolder(path, files)).rejects.toMatchObject({
        code: "FILE_UNWRITABLE",
        message: expect.stringContaining("name another place"),
      });
  });

  it("leaves everything as it was when a file cannot be made to the end", async () => {
    const { parent, target } = await place("broken");
    const broken = {
      name: "model.safetensors",
      *chunks() {
        yield new Uint8Array(100_000);
        throw new Error("weights ran out");
      },
    };
    await expect(writeFolder(target, [...files, broken])).rejects.toThrow("weights ran out");
    await expect(writeFolder(join(parent, "far", "off", "model"), [...files, broken])).rejects.toThrow(
      "weights ran out",
    );
    expect(await readdir(parent)).toEqual([]);
    await writeFolder(target, files);
    await expect(writeFolder(target, [textFile("config.json", "new"), broken], { force: true })).rejects.toThrow();
    expect((await readdir(target)).sort()).toEqual(["README.md", "config.json"]);
    expect(await readFile(join(target, "config.json"), "utf8")).toBe("{}\n");
    expect(await readdir(parent)).toEqual(["model"]);
  });

  it("says that the operating system refused, and leaves nothing", async () => {
    const { parent, target } = await place("full");
    // A name of more bytes than any file system takes fails like a full disk does: in the middle, by the operating system.
    const long = textFile("x".repeat(300), "");
    await expect(writeFolder(target, [...files, long])).rejects.toMatchObject({
      code: "FILE_UNWRITABLE",
      message: expect.stringMatching(/cannot be written.*nothing was left behind/),
    });
    expect(await readdir(parent)).toEqual([]);
  });
});
