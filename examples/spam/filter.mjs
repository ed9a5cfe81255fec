// node examples/spam/filter.mjs MAIL… | -: how likely each mail is spam. Exit code 1 when one is.
import { readFileSync } from "node:fs";
import { pipeline } from "robertalbert";
import { mailText } from "./mail-text.mjs";

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node filter.mjs MAIL… | -   (files of plain-text mails; - reads one from standard input)");
  process.exit(2);
}

const classify = await pipeline("text-classification", new URL("model/", import.meta.url));
for (const file of files) {
  const text = mailText(readFileSync(file === "-" ? 0 : file, "utf8"));
  // The model has seen the first 192 tokens of each mail, so it is given no more.
  const scores = await classify(text, { top_k: null, max_length: 192 });
  const spam = scores.find(({ label }) => label === "spam").score;
  console.log(`${(100 * spam).toFixed(1).padStart(5)} %  ${spam > 0.5 ? "spam  " : "wanted"}  ${file}`);
  if (spam > 0.5) process.exitCode = 1;
}
await classify.dispose();
