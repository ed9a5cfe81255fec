// The texts that tokenizers are timed on. `node bench/dist/bench/tokenizer-texts.js` prints them as JSON, for scripts/bench_tokenizer.py.
import { readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { randomFrom } from "../test/support/random.ts";

const root = new URL("../../../", import.meta.url); // from bench/dist/bench
const CJK =
  "日本語の文章を速く正確に分けることは簡単ではない。単語の間に空白がないからである。中文分词是一个有趣的问题，今天天气很好，我们去公园散步吧。한국어 문장은 띄어쓰기가 있지만 조사가 붙는다。東京と大阪の間を新幹線が走る。他昨天买了三本书和一支笔，价格是五十元。";
const EMOJI = ["😀", "🎉", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇫🇷", "❤️", "🤷‍♀️", "🧑🏿‍🚀", "💯"];
const CHAT = "so good lol thanks a lot see you at 8 did you see this no way happy birthday can't wait what's up".split(
  " ",
);

/** Kinds of text, each as paragraphs of some hundred characters. */
export function benchTexts(): Record<string, string[]> {
  const read = (path: string) => readFileSync(new URL(path, root), "utf8");
  const sources = readdirSync(new URL("src/", root), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  const documents = readdirSync(root).filter((name) => name.endsWith(".md"));
  const random = randomFrom(1);
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
  const sentences = CJK.split(/(?<=[。，])/);
  return {
    // The prose of all comments and documents of this repository: some ten thousand different words.
    English: paragraphs([...documents.map(read), ...sources.map((path) => comments(read(`src/${path}`)))].join("\n")),
    code: paragraphs(sources.map((path) => read(`src/${path}`)).join("\n")),
    CJK: Array.from({ length: 200 }, () => Array.from({ length: 12 }, () => pick(sentences)).join("")),
    "emoji and words": Array.from({ length: 200 }, () =>
      Array.from({ length: 40 }, () => (random() < 0.3 ? pick(EMOJI) : ` ${pick(CHAT)}`)).join(""),
    ),
  };
}

function comments(source: string): string {
  return [...source.matchAll(/^\s*(?:\/\/|\/?\*\*?)\s?(.*?)(?:\*\/)?$/gm)].map(([, text]) => text).join("\n");
}

/** Lines put together until they are long enough for a paragraph. */
function paragraphs(text: string): string[] {
  const found: string[] = [];
  let waiting = "";
  for (const line of text.split("\n")) {
    waiting += `${line}\n`;
    if (waiting.length < 600) continue;
    found.push(waiting);
    waiting = "";
  }
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.stdout.write(JSON.stringify(benchTexts()));
