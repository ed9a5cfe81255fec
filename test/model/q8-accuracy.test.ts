// What q8 costs in accuracy, by the bounds that the package promises: full-size weights, and what the trained models answer.
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlbertModel } from "../../src/model/albert.ts";
import { AutoModel, AutoModelForMaskedLM } from "../../src/model/auto.ts";
import type { ModelInputs } from "../../src/model/inputs.ts";
import { pipeline } from "../../src/pipelines/pipeline.ts";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import { meanError } from "../support/distance.ts";
import { readTensors } from "../support/golden.ts";
import { type FullSizeCase, fullSizeFiles } from "../support/hash-checkpoint.ts";
import { randomFrom } from "../support/random.ts";
import { describeShared } from "../support/shared.ts";

const MINUTES = 60_000;

describeShared("full-size models: q8 against fp32", (shared) => {
  const root = `${shared}golden/models/`;
  for (const name of readdirSync(root).filter((folder) => folder.startsWith("real-"))) {
    describe(name, () => {
      const golden = JSON.parse(readFileSync(`${root}${name}/case.json`, "utf8")) as FullSizeCase;
      const tensors = readTensors(`${root}${name}/golden.safetensors`);
      let models: { fp32: AlbertModel; q8: AlbertModel };
      beforeAll(async () => {
        const files = await fullSizeFiles(`${root}${name}`, golden);
        models = {
          fp32: await AutoModel.from_pretrained(files),
          q8: await AutoModel.from_pretrained(files, { dtype: "q8" }),
        };
        expect([models.fp32.dtype, models.q8.dtype]).toEqual(["fp32", "q8"]);
      });
      afterAll(() => Promise.all([models.fp32.dispose(), models.q8.dispose()]));

      it.each(golden.loads[0]!.calls)("golden call $name: mean |Δ| / mean |x| at most 0.03", async ({ inputs }) => {
        const call = Object.fromEntries(Object.entries(inputs).map(([key, tensor]) => [key, tensors.get(tensor)!]));
        expect(await relativeError(models, call as ModelInputs)).toBeLessThanOrEqual(0.03);
      });

      it("128 tokens: at most 0.0195", async () => {
        const random = randomFrom(128);
        const ids = Array.from({ length: 128 }, () => Math.floor(random() * models.q8.config.vocab_size));
        const error = await relativeError(models, { input_ids: [ids] });
        expect(error).toBeGreaterThan(0.005);
        expect(error).toBeLessThanOrEqual(0.0195);
      });
    });
  }
});

/** Of last_hidden_state; what is hidden is 0 in both. */
async function relativeError(models: { fp32: AlbertModel; q8: AlbertModel }, inputs: ModelInputs): Promise<number> {
  const expected = (await models.fp32(inputs)).last_hidden_state.data as Float32Array;
  const actual = (await models.q8(inputs)).last_hidden_state.data as Float32Array;
  return meanError(actual, expected);
}

describeShared("what the trained models answer in q8", (shared) => {
  const lines = (path: string) =>
    readFileSync(`${shared}models/${path}`, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { text: string });

  it(
    "fill-mask: the same first token as in fp32 at 99.5 % of the masks of facts.jsonl",
    async () => {
      const texts = lines("fill-mask/facts.jsonl").map(({ text }) => text);
      const folder = `${shared}models/fill-mask`;
      const tokenizer = await AutoTokenizer.from_pretrained(folder);
      const [mask] = tokenizer.encode("<mask>", { add_special_tokens: false });
      const firstTokens = async (dtype: "fp32" | "q8") => {
        const model = await AutoModelForMaskedLM.from_pretrained(folder, { dtype });
        const tokens: number[] = [];
        for (let at = 0; at < texts.length; at += 64) {
          const input_ids = texts.slice(at, at + 64).map((text) => tokenizer.encode(text));
          const length = Math.max(...input_ids.map((ids) => ids.length));
          const padded = input_ids.map((ids) => [...ids, ...new Array<number>(length - ids.length).fill(1)]);
          const attention_mask = padded.map((ids) => ids.map((id) => (id === 1 ? 0 : 1)));
          const output_rows = input_ids.map((ids) => ids.flatMap((id, t) => (id === mask ? [t] : [])));
          const inputs = { input_ids: padded, attention_mask };
          for (const [best] of await model.top_tokens(inputs, { output_rows, top_k: 1 })) tokens.push(best!.token);
        }
        await model.dispose();
        return tokens;
      };
      const [fp32, q8] = [await firstTokens("fp32"), await firstTokens("q8")];
      expect(fp32.length).toBeGreaterThan(texts.length);
      const same = q8.filter((token, i) => token === fp32[i]).length;
      expect(same / fp32.length).toBeGreaterThanOrEqual(0.995);
    },
    6 * MINUTES,
  );

  it(
    "spam: at most 3 of the 465 mails decided otherwise than in fp32",
    async () => {
      const mails = lines("spam/heldout.jsonl") as unknown as { text: string; spam: number }[];
      expect(mails).toHaveLength(465);
      const classify = await pipeline("text-classification", `${shared}models/spam`, { dtype: "q8" });
      expect(classify.model.dtype).toBe("q8");
      const scores = await classify(
        mails.map((mail) => mail.text),
        { top_k: null, max_length: 192, on_too_long: "truncate" },
      );
      // Probabilities of PyTorch in fp32; ours are within 1e-4 of them (test/examples/spam.test.ts).
      const otherwise = mails.filter((mail, i) => {
        const list = scores[i] as unknown as { label: string; score: number }[];
        return list.find(({ label }) => label === "spam")!.score > 0.5 !== mail.spam > 0.5;
      });
      expect(otherwise.length).toBeLessThanOrEqual(3);
      await classify.dispose();
    },
    6 * MINUTES,
  );
});
