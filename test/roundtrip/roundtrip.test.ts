// There and back: init here, loaded and trained by Transformers (Python), and run here again with the same results.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AutoModelForMaskedLM } from "../../src/model/auto.ts";
import type { AlbertForMaskedLM } from "../../src/model/masked-lm.ts";
import { pipeline } from "../../src/pipelines/pipeline.ts";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import { describeBuilds } from "../support/builds.ts";
import { run } from "../support/command.ts";
import { sharedDir } from "../support/shared.ts";
import { type Answer, CASES, type Computed, compare, compute, TEXTS } from "./computed.ts";
import { lacking, runPython } from "./python.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const [LOAD, RUN, TRAIN] = ["load.py", "run.py", "../../examples/train/train.py"].map(path) as [string, string, string];
const BOOK = path("../../examples/search/moby-dick.txt");
const LAYERS = 3;
const SIZE = `hidden=64,layers=${LAYERS},heads=4,intermediate=128,embedding=32`;

/** mean |Δ| / mean |x| of the last hidden state, the same bound as for full-size weights (test/model/q8-accuracy.test.ts). */
const Q8_BOUND = 0.0195;

interface Loaded {
  missing_keys: string[];
  unexpected_keys: string[];
  mismatched_keys: string[];
  error_msgs: string[];
  tokenizer: string;
  model_max_length: number;
  ids: number[][];
}

if (lacking !== undefined) console.warn(`test/roundtrip is skipped: ${lacking}`);

// Python takes seconds to import torch, more where the machine is busy.
describe.skipIf(lacking !== undefined)("there and back", { timeout: 180_000 }, () => {
  let root: string;
  let fresh: string;
  let trained: string;
  afterAll(() => rm(root, { recursive: true, force: true }));

  async function robertalbert(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(args);
    expect(code, stderr).toBe(0);
    return stdout;
  }

  async function load(folder: string, className: string, texts: readonly string[] = TEXTS) {
    const { stdout, stderr } = await runPython(LOAD, [folder, className], texts);
    return { ...(JSON.parse(stdout) as Loaded), stderr };
  }

  const clean = { missing_keys: [], unexpected_keys: [], mismatched_keys: [], error_msgs: [], stderr: "" };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "robertalbert-roundtrip-"));
    const tokenizer = join(root, "tokenizer");
    fresh = join(root, "fresh");
    trained = join(root, "trained");
    await robertalbert("train-tokenizer", BOOK, "--vocab-size", "1000", "--output", tokenizer);
    await robertalbert("init", fresh, "--tokenizer", tokenizer, "--size", SIZE, "--weights", "--seed", "3");
  });

  it("Transformers loads the new folder without a warning, and its tokenizer gives our ids", async () => {
    const loaded = await load(fresh, "AutoModelForMaskedLM");
    expect(loaded).toMatchObject({ ...clean, tokenizer: "RobertaTokenizer", model_max_length: 512 });
    const ours = await AutoTokenizer.from_pretrained(fresh);
    expect(TEXTS.map((text) => ours.encode(text))).toEqual(loaded.ids);
  });

  it("AutoModel reports what it reports for any AlbertForMaskedLM, and nothing else", async () => {
    const { stderr, ids: _, ...loaded } = await load(fresh, "AutoModel");
    expect(loaded).toMatchObject({
      missing_keys: ["pooler.bias", "pooler.weight"],
      unexpected_keys: [
        "predictions.LayerNorm.bias",
        "predictions.LayerNorm.weight",
        "predictions.bias",
        "predictions.dense.bias",
        "predictions.dense.weight",
      ],
      mismatched_keys: [],
      error_msgs: [],
    });
    const reported = stderr.split("\n").flatMap((line) => /^(\S+) +\| (MISSING|UNEXPECTED) /.exec(line)?.[1] ?? []);
    expect(reported.sort()).toEqual([...loaded.missing_keys, ...loaded.unexpected_keys].sort());
    expect(stderr.match(/\[transformers\]|Warning/g)).toEqual(["[transformers]"]);
  });

  it.skipIf(sharedDir === undefined)("AutoTokenizer gives our ids on 1,000 golden texts", async () => {
    const golden = `${sharedDir}golden/tokenizer/`;
    const folder = join(root, "roberta-base");
    await robertalbert("init", folder, "--tokenizer", `${golden}roberta-base`, "--size", SIZE, "--weights");
    const cases = readFileSync(`${golden}roberta-base.cases.jsonl`, "utf8").trim().split("\n");
    const texts = cases.slice(0, 1000).map((line) => (JSON.parse(line) as { text: string }).text);
    const loaded = await load(folder, "AutoModelForMaskedLM", texts);
    expect(loaded).toMatchObject(clean);
    const ours = await AutoTokenizer.from_pretrained(folder);
    expect(loaded.ids).toHaveLength(1000);
    expect(texts.map((text) => ours.encode(text))).toEqual(loaded.ids);
  });

  describe("trained by examples/train/train.py and saved", () => {
    let computed: Computed;

    beforeAll(async () => {
      const settings = { steps: 30, "batch-size": 8, tokens: 64, "learning-rate": 3e-3, "report-every": 10 };
      const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
      const { stdout } = await runPython(TRAIN, [fresh, trained, BOOK, ...options]);
      const losses = [...stdout.matchAll(/^step \d+: loss (\S+),/gm)].map(([, loss]) => Number(loss));
      expect(losses).toHaveLength(3);
      expect(losses[0]! - losses[2]!).toBeGreaterThan(0.3);
      computed = await compute(RUN, trained, join(root, "trained.safetensors"));
    }, 300_000);

    it("passes check, and loads in Transformers without a warning", async () => {
      const { ok, findings } = JSON.parse(await robertalbert("check", trained, "--json"));
      expect({ ok, bad: findings.filter(({ status }: { status: string }) => status !== "ok") }).toEqual({
        ok: true,
        bad: [],
      });
      const loaded = await load(trained, "AutoModelForMaskedLM");
      expect(loaded).toMatchObject(clean);
      const ours = await AutoTokenizer.from_pretrained(trained);
      expect(TEXTS.map((text) => ours.encode(text))).toEqual(loaded.ids);
    });

    it("fill-mask answers as Transformers' pipeline", async () => {
      const fill = await pipeline("fill-mask", trained);
      expect(Object.keys(computed.fill_mask)).toHaveLength(3);
      for (const [text, expected] of Object.entries(computed.fill_mask)) {
        const actual = (await fill(text, { top_k: 5 })) as unknown as Answer[];
        expect(actual.map(({ score: _, ...answer }) => answer)).toEqual(expected.map(({ score: _, ...a }) => a));
        for (const [i, { score }] of actual.entries()) expect(score).toBeCloseTo(expected[i]!.score, 5);
      }
      await fill.dispose();
    });

    describeBuilds("fp32", (build) => {
      let model: AlbertForMaskedLM;
      beforeAll(async () => {
        model = await AutoModelForMaskedLM.from_pretrained(trained, { build });
        expect(model.build).toBe(build);
        expect(model.loading_info).toMatchObject({ missing_keys: [], unexpected_keys: [] });
      });
      afterAll(() => model.dispose());

      it.each(CASES)("hidden states and logits agree with Transformers: %s", async (name) => {
        const { ratios } = await compare(model, computed, name);
        expect(ratios).toHaveLength(1 + LAYERS + 1);
        expect(Math.max(...ratios), `in tolerances: ${ratios}`).toBeLessThanOrEqual(1);
      });

      it("515 tokens are an error", async () => {
        await expect(model({ input_ids: [new Array(515).fill(5)] })).rejects.toMatchObject({ code: "INPUT_TOO_LONG" });
      });
    });

    describe("quantized, and exported again", () => {
      let q8: string;
      let exported: string;
      beforeAll(async () => {
        q8 = join(root, "q8");
        exported = join(root, "exported");
        await robertalbert("quantize", trained, q8);
        await robertalbert("export", q8, exported);
      });

      it("q8 is within its bound of Transformers' float32", async () => {
        const model = await AutoModelForMaskedLM.from_pretrained(q8);
        expect(model.dtype).toBe("q8");
        for (const name of CASES) expect((await compare(model, computed, name)).error, name).toBeLessThan(Q8_BOUND);
        await model.dispose();
      });

      it("Transformers loads the exported folder without a warning and computes what this package does", async () => {
        expect(await load(exported, "AutoModelForMaskedLM")).toMatchObject({ ...clean, tokenizer: "RobertaTokenizer" });
        const again = await compute(RUN, exported, join(root, "exported.safetensors"));
        const model = await AutoModelForMaskedLM.from_pretrained(exported);
        expect(model.dtype).toBe("fp32");
        for (const name of CASES) {
          const { ratios } = await compare(model, again, name);
          expect(Math.max(...ratios), `${name}, in tolerances: ${ratios}`).toBeLessThanOrEqual(1);
        }
        await model.dispose();
      });
    });
  });
});
