// Migrating from transformers.js: the two files differ in the import alone, and print the same where both packages are there.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("../../examples/migrate/", import.meta.url));
const shipped = fileURLToPath(new URL("../../models/fill-mask", import.meta.url));
/** A folder where @huggingface/transformers is installed, with the ONNX export of the shipped model in `fill-mask/` (see README). */
const other = process.env.TRANSFORMERS_JS;

function output(script: string, cwd: string, model: string): unknown {
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, model], { cwd, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe("examples/migrate", () => {
  const [ours, theirs] = ["robertalbert.mjs", "transformers.mjs"].map((name) =>
    readFileSync(join(folder, name), "utf8"),
  );

  it("the files differ in the module that is imported, and in nothing else", () => {
    expect(ours).not.toBe(theirs);
    expect(ours!.replaceAll("robertalbert", "X")).toBe(
      theirs!.replaceAll("@huggingface/transformers", "X").replaceAll("transformers.mjs", "X.mjs"),
    );
  });

  it("robertalbert.mjs runs", () => {
    expect(output(join(folder, "robertalbert.mjs"), folder, shipped)).toMatchObject({
      answers: [{ token_str: " Paris" }, {}, {}],
      batch: [" Paris", " five"],
      dims: [2, 11, 8192],
      best: " Paris",
      same: 1,
    });
  });

  // Not among CI's tests: @huggingface/transformers is 288 MB and reads ONNX files, which are not in the repository.
  if (other !== undefined)
    it("both print the same", () => {
      expect(existsSync(join(other, "node_modules/@huggingface/transformers"))).toBe(true);
      const copy = join(other, "transformers.mjs");
      expect(readFileSync(copy, "utf8")).toBe(theirs);
      expect(output(copy, other, "fill-mask")).toEqual(output(join(folder, "robertalbert.mjs"), folder, shipped));
    });
});
