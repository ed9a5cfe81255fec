// A folder as a file source: what a file is read by is a number, which the system gives to another file once it is closed.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FileSource } from "../../src/hub/files.ts";
import { folderSource } from "../../src/hub/folder.ts";

const folder = mkdtempSync(join(tmpdir(), "folder-"));
const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) & 255);
let source: FileSource;

beforeAll(async () => {
  writeFileSync(join(folder, "data.bin"), bytes);
  writeFileSync(join(folder, "other.bin"), new Uint8Array(300_000));
  mkdirSync(join(folder, "sub"));
  source = (await folderSource(folder))!;
});
afterAll(() => rmSync(folder, { recursive: true }));

const openFiles = () => readdirSync("/proc/self/fd").length;

describe("a file of a folder", () => {
  it("is read by position, also into memory that is given", async () => {
    const file = (await source.open("data.bin"))!;
    expect(file.sizeBytes).toBe(bytes.length);
    expect(await file.read(5, 7)).toEqual(bytes.slice(5, 12));
    const into = new Uint8Array(10);
    expect(await file.read(299_990, 10, into)).toBe(into);
    expect(into).toEqual(bytes.slice(-10));
    await file.close();
  });

  it("is undefined when absent, and an error when it is a folder, or climbs", async () => {
    expect(await source.open("absent.bin")).toBeUndefined();
    await expect(source.open("sub")).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    await expect(source.open("../data.bin")).rejects.toMatchObject({ code: "FILE_INVALID" });
    expect((await source.list!()).sort()).toEqual(["data.bin", "other.bin", "sub/"]);
    expect(await folderSource(join(folder, "data.bin"))).toBeUndefined();
  });

  it("is not read once it is closed, and closed once however often it is asked to", async () => {
    const file = (await source.open("data.bin"))!;
    await file.close();
    const other = (await source.open("other.bin"))!; // most likely under the same number
    await file.close();
    await expect(file.read(0, 4)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    expect(await other.read(0, 4)).toEqual(new Uint8Array(4));
    await other.close();
  });

  it("is closed behind the reads that are under way", async () => {
    const file = (await source.open("data.bin"))!;
    const reads = Array.from({ length: 20 }, (_, i) => file.read(i * 1000, 100_000));
    await file.close();
    for (const [i, read] of reads.entries())
      expect(Buffer.compare(await read, bytes.subarray(i * 1000, i * 1000 + 100_000))).toBe(0);
  });

  it("that was cut short while it was read is an error that says where", async () => {
    writeFileSync(join(folder, "cut.bin"), bytes);
    const file = (await source.open("cut.bin"))!;
    truncateSync(join(folder, "cut.bin"), 1000);
    await expect(file.read(500, 1000)).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: expect.stringContaining("byte 1000"),
    });
    await file.close();
    rmSync(join(folder, "cut.bin"));
  });

  it.runIf(process.platform === "linux")("leaves no number behind, whatever happens to it", async () => {
    const before = openFiles();
    for (let i = 0; i < 50; i++) {
      await (await source.open("data.bin"))!.close();
      await source.open("sub").catch(() => undefined);
      await source.open("absent.bin");
    }
    expect(openFiles()).toBeLessThan(before + 10);
  });
});
