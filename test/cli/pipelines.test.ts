// The commands of the pipelines: what they print is what the pipelines give; files, streams, resuming, wrong usage.
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answer } from "../../src/cli/answer.ts";
import { classify } from "../../src/cli/classify.ts";
import type { Io, Values } from "../../src/cli/command.ts";
import { embed } from "../../src/cli/embed.ts";
import { ner } from "../../src/cli/ner.ts";
import { rerank } from "../../src/cli/rerank.ts";
import { zeroShot } from "../../src/cli/zero-shot.ts";
import { pipeline } from "../../src/pipelines/pipeline.ts";
import { run } from "../support/command.ts";
import { pipelineFiles } from "../support/pipeline-cases.ts";

const folder = mkdtempSync(join(tmpdir(), "robertalbert-cli-"));
const names = ["classification-1", "classification-3", "feature-extraction", "ner-bpe", "qa-bpe", "zero-shot"];
const model = Object.fromEntries(names.map((name) => [name, join(folder, name)]));

beforeAll(async () => {
  const { mkdir, writeFile } = await import("node:fs/promises");
  for (const name of names) {
    await mkdir(model[name]!);
    for (const [file, bytes] of Object.entries(pipelineFiles(name))) await writeFile(join(model[name]!, file), bytes);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command in this process. */
async function inProcess(
  command: { run(values: Values, positionals: readonly string[], io: Io): Promise<void> },
  values: Values,
  positionals: readonly string[],
  input = "",
  isTerminal = false,
): Promise<{ out: string; notes: string[]; lines: string[] }> {
  let out = "";
  const notes: string[] = [];
  const lines: string[] = [];
  await command.run(values, positionals, {
    stdin: Readable.from([input]),
    print: async (text) => {
      out += text;
    },
    note: async (text) => {
      notes.push(text);
    },
    overwrite: (text) => lines.push(text),
    fail: () => undefined,
    isTerminal,
    useColor: false,
  });
  return { out, notes, lines };
}

const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

describe("commands of the pipelines", () => {
  it("classify: arguments, lines of a stream, lines and JSON lines of a file", async () => {
    const classifier = await pipeline("text-classification", pipelineFiles("classification-3"));
    const texts = ["some text", "another\ttext"];
    const expected = await Promise.all(texts.map((text) => classifier(text, { top_k: 2 })));
    const values = { model: model["classification-3"], "top-k": "2", json: true } as const;
    writeFileSync(join(folder, "texts.txt"), texts.join("\n"));
    writeFileSync(join(folder, "texts.jsonl"), `${JSON.stringify(texts[0])}\n${JSON.stringify({ text: texts[1] })}\n`);
    const ways = await Promise.all([
      inProcess(classify, values, texts),
      inProcess(classify, values, ["-"], texts.join("\r\n")),
      inProcess(classify, { ...values, input: join(folder, "texts.txt") }, []),
      inProcess(classify, { ...values, input: join(folder, "texts.jsonl") }, []),
    ]);
    for (const { out } of ways) {
      const lists = jsonLines(out) as { label: string; score: number }[][];
      lists.forEach((list, i) => {
        expect(list.map((l) => l.label)).toEqual(expected[i]!.map((l) => l.label));
        expect(list[0]!.score).toBeCloseTo(expected[i]![0]!.score, 6);
      });
      expect(lists).toHaveLength(2);
    }
    const { out } = await inProcess(classify, { model: values.model }, texts);
    expect(out.split("\n")[1]).toMatch(/^0\.\d{4}\t\w+\tanother\\ttext$/);
  });

  it("ner, answer, zero-shot, rerank print the pipelines' results", async () => {
    const text = "Anna rows to Berlin.";
    const tagger = await pipeline("ner", pipelineFiles("ner-bpe"));
    const groups = await tagger(text, { aggregation_strategy: "simple" });
    expect(jsonLines((await inProcess(ner, { model: model["ner-bpe"], json: true }, [text])).out)).toEqual([groups]);
    const plain = (await inProcess(ner, { model: model["ner-bpe"] }, [text])).out.trimEnd().split("\n");
    expect(plain.map((line) => line.split("\t").slice(2))).toEqual(
      groups.map(({ start, end }) => [String(start), String(end), text.slice(start, end)]),
    );

    const answerer = await pipeline("question-answering", pipelineFiles("qa-bpe"));
    const answers = await answerer("Who?", text, { top_k: 3 });
    const asked = { model: model["qa-bpe"], "top-k": "3", json: true } as const;
    writeFileSync(join(folder, "context.txt"), text);
    for (const { out } of [
      await inProcess(answer, asked, ["Who?", text]),
      await inProcess(answer, asked, ["Who?", "-"], text),
      await inProcess(answer, { ...asked, input: join(folder, "context.txt") }, ["Who?"]),
    ])
      expect(jsonLines(out)).toEqual(answers);

    const zero = await pipeline("zero-shot-classification", pipelineFiles("zero-shot"));
    const labelled = await inProcess(zeroShot, { model: model["zero-shot"], labels: "sea,money", json: true }, [text]);
    expect(jsonLines(labelled.out)).toEqual([await zero(text, ["sea", "money"])]);

    const ranker = await pipeline("text-classification", pipelineFiles("classification-1"));
    const ranked = await inProcess(rerank, { model: model["classification-1"], json: true }, ["Who?", text, "nobody"]);
    expect(jsonLines(ranked.out)).toEqual(await ranker.rerank("Who?", [text, "nobody"]));
  });

  it("embed: JSON lines give back every float exactly", async () => {
    const embedder = await pipeline("feature-extraction", pipelineFiles("feature-extraction"));
    const { out } = await inProcess(embed, { model: model["feature-extraction"], normalize: true }, ["a text"]);
    const [{ text, embedding }] = jsonLines(out) as [{ text: string; embedding: number[] }];
    expect(text).toBe("a text");
    const vector = await embedder("a text", { pooling: "mean", normalize: true });
    expect(Float32Array.from(embedding)).toEqual(vector.data);
  });

  for (const ending of ["npy", "jsonl"]) {
    it(`embed --output .${ending}: an interrupted run goes on where it stopped, to the same bytes`, async () => {
      const all = Array.from({ length: 400 }, (_, i) => `text ${i}`);
      const input = join(folder, "all.txt");
      writeFileSync(input, all.join("\n"));
      const whole = join(folder, `whole.${ending}`);
      const values = { model: model["feature-extraction"], output: whole, input };
      expect((await inProcess(embed, values, [])).out).toBe("");
      const part = join(folder, `part.${ending}`);
      await inProcess(embed, { model: values.model, output: part }, ["-"], all.slice(0, 150).join("\n"));
      truncateSync(part, statSync(part).size - 7); // cut in the middle of a row
      const { notes } = await inProcess(embed, { ...values, output: part }, []);
      expect(notes.join()).toContain("149 rows");
      expect(statSync(part).size).toBe(statSync(whole).size);
      if (ending === "npy") {
        const header = readFileSync(part).subarray(0, 128).toString("latin1");
        expect(header).toContain("'shape': (400, 24)");
        expect(readFileSync(part).length).toBe(128 + 400 * 24 * 4);
      } else expect((jsonLines(readFileSync(part, "utf8")) as { text: string }[]).map(({ text }) => text)).toEqual(all);
      const again = await inProcess(embed, { ...values, output: part }, []);
      expect(again.notes.join()).toContain("400 rows");
      expect(statSync(part).size).toBe(statSync(whole).size);
      const refused = { code: "FILE_INVALID", message: expect.stringContaining("24 numbers") };
      await expect(inProcess(embed, { ...values, "truncate-dim": "8" }, [])).rejects.toMatchObject(refused);
    });
  }

  it("long work shows rate and time left on standard error, and cleans up after itself", async () => {
    const input = join(folder, "many.txt");
    writeFileSync(input, Array.from({ length: 3000 }, (_, i) => `a text of some words ${i}`).join("\n"));
    const { lines } = await inProcess(classify, { model: model["classification-3"], input }, []);
    expect(lines[0]).toMatch(/^\d+ texts, [\d.]+\/s, \d+ % read, \d+ s left$/);
    expect(lines.at(-1)).toBe("");
  });

  const wrong: [string, string[], string][] = [
    ["no model", ["classify", "text"], "--model"],
    ["no text", ["embed", "--model", "x"], "no text"],
    ["texts and a file", ["ner", "--model", "x", "--input", "y", "text"], "not both"],
    ["no labels", ["zero-shot", "--model", "x", "text"], "--labels"],
    ["no context", ["answer", "--model", "x", "Who?"], "context"],
    ["no query", ["rerank", "--model", "x"], "query"],
  ];
  for (const [name, args, word] of wrong) {
    it(`${name}: exit code 2 and one line`, async () => {
      const { code, stderr } = await run(args);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^robertalbert: [^\n]+\n$/);
      expect(stderr).toContain(word);
    });
  }

  it("every command explains itself", async () => {
    for (const name of ["embed", "classify", "rerank", "ner", "answer", "zero-shot"]) {
      const { code, stdout } = await run([name, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toContain(`robertalbert ${name} --model MODEL`);
    }
  });

  it("files that are no input or no output of ours are refused by name", async () => {
    const bad = join(folder, "bad.jsonl");
    writeFileSync(bad, '"fine"\n\n{"txt": 1}\n');
    const refused = { code: "FILE_INVALID", message: expect.stringContaining("line 3") };
    await expect(inProcess(classify, { model: model["classification-3"], input: bad }, [])).rejects.toMatchObject(
      refused,
    );
    const values = { model: model["feature-extraction"] };
    await expect(inProcess(embed, { ...values, output: bad }, ["a"])).rejects.toMatchObject({ code: "FILE_INVALID" });
    const npy = join(folder, "bad.npy");
    writeFileSync(npy, "no NumPy file");
    await expect(inProcess(embed, { ...values, output: npy }, ["a"])).rejects.toMatchObject({ code: "FILE_INVALID" });
    expect(readFileSync(npy, "utf8")).toBe("no NumPy file");
    await expect(inProcess(classify, { ...values, input: "/no/such" }, [])).rejects.toMatchObject({
      code: "FILE_NOT_FOUND",
    });
    for (const output of [join(folder, "no-such-folder", "a.npy"), join(folder, "no-such-folder", "a.jsonl")])
      await expect(inProcess(embed, { ...values, output }, ["a"])).rejects.toMatchObject({ code: "FILE_UNWRITABLE" });
    // A vector for each token would make rows of no certain width.
    const output = join(folder, "tokens.npy");
    await expect(inProcess(embed, { ...values, output, pooling: "none" }, ["a"])).rejects.toThrow(
      "expected mean or cls",
    );
  });
});
