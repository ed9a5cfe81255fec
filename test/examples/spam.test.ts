// The spam filter: PyTorch's probabilities on held-out mails, the text that is made of a mail, the app itself.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { mailText } from "../../examples/spam/mail-text.mjs";
import { pipeline } from "../../src/pipelines/pipeline.ts";
import { describeBuilds } from "../support/builds.ts";
import { describeShared } from "../support/shared.ts";

interface Mail {
  text: string;
  label: "wanted" | "spam";
  /** Probability in PyTorch, fp32. */
  spam: number;
}

const example = fileURLToPath(new URL("../../examples/spam/", import.meta.url));
const options = { top_k: null, max_length: 192 } as const;
const spamOf = (scores: readonly { label: string; score: number }[]) => scores.find((s) => s.label === "spam")!.score;

describeShared("spam on held-out mails", (shared) => {
  const folder = `${shared}models/spam/`;
  const mails = readFileSync(`${folder}heldout.jsonl`, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Mail);

  describeBuilds("fp32", (build) => {
    it("each probability within 1e-4 of PyTorch's, 454 of 465 right", async () => {
      // One mail in three for the slower build: it computes the same.
      const some = build === "simd" ? mails.filter((_, i) => i % 3 === 0) : mails;
      const classify = await pipeline("text-classification", folder, { build });
      expect(classify.model.build).toBe(build);
      const scores = await classify(
        some.map((mail) => mail.text),
        options,
      );
      const spam = scores.map((list) => spamOf(list as never));
      const worst = Math.max(...some.map((mail, i) => Math.abs(spam[i]! - mail.spam)));
      expect(worst).toBeLessThanOrEqual(1e-4);
      const right = some.filter((mail, i) => spam[i]! > 0.5 === (mail.label === "spam")).length;
      if (some.length === 465) expect(right).toBe(454);
      await classify.dispose();
    });
  });

  it("the example's float16 file decides as the original", async () => {
    const classify = await pipeline("text-classification", `${example}model`);
    const some = mails.filter((_, i) => i % 10 === 0);
    const scores = await classify(
      some.map((mail) => mail.text),
      options,
    );
    some.forEach((mail, i) => {
      expect(Math.abs(spamOf(scores[i] as never) - mail.spam)).toBeLessThan(0.01);
    });
  });
});

describe("examples/spam", () => {
  it("mailText gives what the training script gives", () => {
    // By `plain` of ../shared/models/scripts/finetune.py.
    const text = mailText(readFileSync(`${example}spam.eml`, "utf8"));
    expect(text).toBe(
      "You have been selected! Claim your FREE prize now. CONGRATULATIONS!!! Lower your mortgage payments and earn $5000 a week working from home. No risk, money back guarantee, 100% FREE! Click here link or call number today. To be removed from this list reply with REMOVE in the subject.",
    );
    expect(mailText("Subject: one\n two\r\n\r\nme@x.org www.a.b +49 (0)30 1234567 ☃ ====")).toBe(
      "one two. name@mail link number ===",
    );
    expect(mailText("no headers\n\nat all")).toBe("no headers at all");
    expect(mailText("")).toBe("");
  });

  it("filter.mjs tells the two sample mails apart", () => {
    const files = ["wanted.eml", "spam.eml"].map((name) => `${example}${name}`);
    const { stdout, status } = spawnSync(process.execPath, [`${example}filter.mjs`, ...files], { encoding: "utf8" });
    expect(stdout).toMatch(/^ *\d\.\d % {2}wanted .*wanted\.eml\n *9\d\.\d % {2}spam .*spam\.eml\n$/);
    expect(status).toBe(1);
    expect(spawnSync(process.execPath, [`${example}filter.mjs`, files[0]!]).status).toBe(0);
    expect(spawnSync(process.execPath, [`${example}filter.mjs`]).status).toBe(2);
  });
});
