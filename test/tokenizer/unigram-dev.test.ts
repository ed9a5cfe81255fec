import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { alignText } from "../../src/tokenizer/unigram/aligned-text.ts";
import { UnigramModel } from "../../src/tokenizer/unigram/model.ts";
import { parseNormalizer } from "../../src/tokenizer/unigram/normalizers.ts";
import { parsePreTokenizer } from "../../src/tokenizer/unigram/pre-tokenizers.ts";

const dir = "/work/shared/golden/tokenizer/";
const json = JSON.parse(readFileSync(`${dir}albert-unigram/tokenizer.json`, "utf8"));
const norm = parseNormalizer(json.normalizer),
  pre = parsePreTokenizer(json.pre_tokenizer),
  model = new UnigramModel(json.model);
function encode(text: string) {
  const ids: number[] = [2],
    offs: [number, number][] = [[0, 0]],
    words: (number | null)[] = [null];
  let word = 0,
    at = 0;
  const sec = (a: number, b: number) => {
    const n = norm(alignText(text, a, b));
    const { text: t, bounds } = pre({ text: n, bounds: n.length ? [0, n.length] : [] });
    for (let i = 0; i < bounds.length; i += 2) {
      model.tokenize(t.codePoints, bounds[i]!, bounds[i + 1]!, (id, s, e) => {
        ids.push(id);
        offs.push([t.starts[s]!, t.ends[e - 1]!]);
        words.push(word);
      });
      word++;
    }
  };
  for (const m of text.matchAll(/\s*\[MASK\]|\[CLS\]|\[SEP\]|<pad>|<unk>/g)) {
    if (m.index > at) sec(at, m.index);
    ids.push(json.added_tokens.find((x: any) => x.content === m[0].trim()).id);
    offs.push([m.index, m.index + m[0].length]);
    words.push(word++);
    at = m.index + m[0].length;
  }
  if (at < text.length) sec(at, text.length);
  ids.push(3);
  offs.push([0, 0]);
  words.push(null);
  return { ids, offs, words };
}
it("golden", () => {
  let bad = 0;
  for (const line of readFileSync(`${dir}albert-unigram.cases.jsonl`, "utf8").trim().split("\n")) {
    const c = JSON.parse(line);
    const got = encode(c.text);
    const ok = JSON.stringify([got.ids, got.offs, got.words]) === JSON.stringify([c.ids, c.offsets_utf16, c.word_ids]);
    if (!ok && bad++ < 5)
      console.log(
        JSON.stringify(c.text),
        "\n",
        JSON.stringify(got),
        "\n",
        JSON.stringify([c.ids, c.offsets_utf16, c.word_ids]),
      );
  }
  expect(bad).toBe(0);
});
const fz = process.env.FUZZ;
if (fz)
  it("fuzz", () => {
    const runs = readFileSync(fz, "utf8")
      .trim()
      .split("\n")
      .map((l) => JSON.parse(l));
    let cur: any,
      bad = 0,
      n = 0;
    for (const r of runs) {
      if (r.config) {
        cur = {
          n: parseNormalizer(r.config.normalizer),
          p: parsePreTokenizer(r.config.pre_tokenizer),
          m: new UnigramModel(r.config.model),
          c: r.config.name,
        };
        continue;
      }
      const nt = cur.n(alignText(r.t, 0, r.t.length));
      const { text: t, bounds } = cur.p({ text: nt, bounds: nt.length ? [0, nt.length] : [] });
      const ids: number[] = [],
        offs: number[][] = [],
        words: number[] = [];
      for (let i = 0; i < bounds.length; i += 2)
        cur.m.tokenize(t.codePoints, bounds[i]!, bounds[i + 1]!, (id: number, s: number, e: number) => {
          ids.push(id);
          offs.push([t.starts[s]!, t.ends[e - 1]!]);
          words.push(i / 2);
        });
      n++;
      if (JSON.stringify([ids, offs, words]) !== JSON.stringify([r.i, r.o, r.w]) && bad++ < 8)
        console.log(
          cur.c,
          JSON.stringify(r.t),
          [...r.t].map((x) => x.codePointAt(0)!.toString(16)).join(" "),
          "\n got",
          JSON.stringify([ids, offs, words]),
          "\nwant",
          JSON.stringify([r.i, r.o, r.w]),
        );
    }
    console.log("fuzz", n, "bad", bad);
    expect(bad).toBe(0);
  });
