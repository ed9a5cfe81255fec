// What trainTokenizer takes for texts, how it reads them, what it makes of them, and what it says about anything else.
import { describe, expect, it } from "vitest";
import { newFolder } from "../../../src/folder/init.ts";
import { type TrainTokenizerOptions, trainTokenizer } from "../../../src/folder/train-tokenizer.ts";
import { AutoTokenizer } from "../../../src/tokenizer/auto.ts";
import type { TrainingTexts } from "../../../src/tokenizer/training/count-texts.ts";
import { countText, FileWords } from "../../../src/tokenizer/training/text-words.ts";
import { wellFormedEnd } from "../../../src/tokenizer/training/utf8.ts";
import { WordCounts } from "../../../src/tokenizer/training/word-counts.ts";
import { expectError } from "../../support/expect-error.ts";
import { randomFrom } from "../../support/random.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

function counted(words: WordCounts): Record<string, number> {
  const word = (i: number) => new TextDecoder().decode(words.bytes.subarray(words.starts[i]!, words.starts[i + 1]!));
  return Object.fromEntries(Array.from({ length: words.size }, (_, i) => [word(i), words.counts[i]!]));
}

function wordsOfFile(bytes: Uint8Array, pieceBytes: number): Record<string, number> {
  const words = new WordCounts();
  const file = new FileWords("a file", words);
  for (let at = 0; at < bytes.length; at += pieceBytes) file.add(bytes.subarray(at, at + pieceBytes));
  file.end();
  return counted(words);
}

/** By lines, each whole: the definition. */
function wordsOfLines(text: string): Record<string, number> {
  const words = new WordCounts();
  for (const line of text.split(/(?<=\n)/)) countText(line, words);
  return counted(words);
}

describe("the words of a file", () => {
  it("are those of its lines, the line ends included", () => {
    expect(wordsOfFile(utf8("it's\r\n\n  two  words\nno end"), 100)).toEqual({
      it: 1,
      "'s": 1,
      "\r\n": 1,
      "\n": 2,
      " ": 2,
      " two": 1,
      " words": 1,
      no: 1,
      " end": 1,
    });
    expect(wordsOfFile(utf8(""), 1)).toEqual({});
  });

  it("do not depend on where its pieces end, nor on how long its lines are", () => {
    const random = randomFrom(5);
    const parts = [
      "word ",
      "it's",
      " ",
      "   ",
      "é",
      "日本",
      "😀",
      "\u00a0",
      "\u3000",
      "\t",
      "'ll",
      "'",
      "1",
      ".",
      "\r",
    ];
    for (const [parts_, lineEnds] of [
      [2_000, 0.05],
      [90_000, 0.00005], // lines longer than what is taken at once
    ] as const) {
      let text = "";
      for (let i = 0; i < parts_; i++)
        text += random() < lineEnds ? "\n" : parts[Math.floor(random() * parts.length)]!.repeat(random() < 0.1 ? 9 : 1);
      const expected = wordsOfLines(text);
      for (const pieceBytes of parts_ > 9_000 ? [1_000, 65_536, 1e9] : [1, 2, 3, 7, 1_000])
        expect(wordsOfFile(utf8(text), pieceBytes)).toEqual(expected);
    }
  });

  it("may be as long as the file: time goes with its length, not with the square", () => {
    expect(wordsOfFile(new Uint8Array(8 << 20), 4096)).toEqual({ ["\0".repeat(8 << 20)]: 1 });
  });
});

describe("UTF-8", () => {
  it("is what TextDecoder takes for it", () => {
    const random = randomFrom(6);
    const interesting = [
      0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed,
    ];
    interesting.push(0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff);
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const isTaken = (bytes: Uint8Array) => {
      try {
        decoder.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    let wellFormed = 0;
    for (let i = 0; i < 30_000; i++) {
      const length = 1 + Math.floor(random() * 5);
      const bytes = Uint8Array.from({ length }, () => interesting[Math.floor(random() * interesting.length)]!);
      const end = wellFormedEnd(bytes, 0, length);
      expect(end === length, String(bytes)).toBe(isTaken(bytes));
      expect(isTaken(bytes.subarray(0, end)), String(bytes)).toBe(true);
      if (end === length) wellFormed++;
    }
    expect(wellFormed).toBeGreaterThan(1_000);
  });

  const wrong: [string, number[], number][] = [
    ["Latin-1", [0x63, 0x61, 0x66, 0xe9, 0x20, 0x61, 0x75], 3],
    ["UTF-16", [0xff, 0xfe, 0x61, 0x00], 0],
    ["a stray continuation", [0x61, 0x80], 1],
    ["a second way to write NUL", [0xc0, 0x80], 0],
    ["a surrogate", [0x61, 0x62, 0xed, 0xa0, 0x80], 2],
    ["beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80], 0],
    ["a character cut off by the end", [0x61, 0xe6, 0x97], 1],
    ["gzip", [0x1f, 0x8b, 0x08], 1],
  ];
  it.each(wrong)("not: %s", async (_, bytes, at) => {
    for (const before of [0, 100_003]) {
      const file = utf8("a".repeat(before)).length;
      const all = new Uint8Array(file + bytes.length).fill(0x61);
      all.set(bytes, file);
      const blob = Object.assign(new Blob([all]), { name: "book.txt" });
      const byte = `0x${bytes[at]!.toString(16).toUpperCase()}`;
      await expectError(
        () => trainTokenizer([blob], { vocab_size: 300 }),
        "FILE_INVALID",
        "book.txt is no UTF-8",
        `byte ${before + at} is ${byte}`,
        "iconv",
      );
    }
  });
});

describe("trainTokenizer", () => {
  const prose = "the cat and the hat sat on the mat; that cat's fat\n".repeat(3);

  it("takes strings, Blobs, web streams and async iterables, from lists and generators", async () => {
    const file = () => new Blob([prose]);
    async function* pieces() {
      yield utf8(prose.slice(0, 20));
      yield utf8(prose.slice(20));
    }
    async function* files() {
      yield file();
    }
    const lines = prose.split(/(?<=\n)/);
    const options = { vocab_size: 280 };
    const expected = await trainTokenizer([file()], options);
    expect(expected).toMatchObject({ vocab_size: 280, bytes: prose.length, words: 45, distinct_words: 13 });
    for (const texts of [[file().stream()], [pieces()], files(), lines, new Set([file()])] as TrainingTexts[])
      expect(await trainTokenizer(texts, options)).toEqual(expected);
  });

  it("takes a string as one text, whose lines are not separated", async () => {
    const words = async (text: string | Blob) => (await trainTokenizer([text], { vocab_size: 261 })).words;
    expect(await words("a\n  b")).toBe(3); // "a", "\n ", " b"
    expect(await words(new Blob(["a\n  b"]))).toBe(4); // "a", "\n", " ", " b"
    expect(await words("\ud800")).toBe(1);
  });

  it("gives files that from_pretrained and newFolder take", async () => {
    const { files } = await trainTokenizer([prose], { vocab_size: 300, min_frequency: 3 });
    const tokenizer = await AutoTokenizer.from_pretrained(files);
    expect(tokenizer.model_max_length).toBe(512);
    const ids = tokenizer.encode("the cat <mask> é");
    expect([ids[0], ids.at(-1)]).toEqual([0, 2]);
    expect(ids.length).toBeLessThan(10);
    expect(tokenizer.decode(ids, { skip_special_tokens: true })).toBe("the cat é");
    const size = JSON.parse(new TextDecoder().decode(files["tokenizer.json"])).added_tokens.at(-1).id + 1;
    expect(ids).toContain(size - 1);
    const made = await newFolder({ tokenizer: files });
    expect(made.recipe.config).toMatchObject({ vocab_size: size, bos_token_id: 0, pad_token_id: 1, eos_token_id: 2 });
    const written = made.files.map(({ name }) => name);
    expect(written).toEqual(expect.arrayContaining(Object.keys(files)));
    expect(Object.keys(files)).toHaveLength(6);
  });

  it("says how far it is, and can be aborted at any time", async () => {
    const random = randomFrom(7);
    const words = Array.from({ length: 60_000 }, () => Math.floor(random() * 36 ** 8).toString(36));
    const texts = [new Blob([words.join(" ").repeat(3)])];
    const seen: { bytes: number; tokens: number }[] = [];
    const options = { vocab_size: 2000, progress_callback: (at: (typeof seen)[number]) => seen.push(at) };
    const { bytes, vocab_size } = await trainTokenizer(texts, options);
    expect(seen[0]).toEqual({ bytes: 0, tokens: 0 });
    expect(seen.filter(({ tokens }) => tokens === 0).at(-1)).toEqual({ bytes, tokens: 0 });
    expect(seen.at(-1)!.tokens).toBeGreaterThan(261);
    expect(seen.at(-1)!.tokens).toBeLessThanOrEqual(vocab_size);
    const rises = (list: number[]) => list.every((value, i) => i === 0 || value >= list[i - 1]!);
    expect(rises(seen.map((at) => at.bytes)) && rises(seen.map((at) => at.tokens))).toBe(true);

    for (const stop of [0, 1, seen.length - 1]) {
      const controller = new AbortController();
      let calls = 0;
      const progress_callback = () => {
        if (calls++ === stop) controller.abort("enough");
      };
      await expectError(
        () => trainTokenizer(texts, { ...options, progress_callback, signal: controller.signal }),
        "ABORTED",
      );
      expect(calls).toBe(stop + 1);
    }
  });

  const options: [string, unknown, string[]][] = [
    ["vocab_size below the bytes", { vocab_size: 260 }, ["vocab_size", "260", "261", "256 bytes"]],
    ["no vocab_size", {}, ["vocab_size", "undefined"]],
    ["no options", undefined, ["vocab_size", "undefined"]],
    ["vocab_size as text", { vocab_size: "300" }, ["vocab_size", '"300"']],
    ["vocab_size beyond what is read", { vocab_size: 5_000_000 }, ["vocab_size", "5000000", "4194303"]],
    ["a negative min_frequency", { vocab_size: 300, min_frequency: -1 }, ["min_frequency", "-1"]],
    ["half a min_frequency", { vocab_size: 300, min_frequency: 1.5 }, ["min_frequency", "1.5"]],
  ];
  it.each(options)("refuses %s", async (_, wrong, names) => {
    await expectError(() => trainTokenizer(["a"], wrong as TrainTokenizerOptions), "OPTION_INVALID", ...names);
  });

  const inputs: [string, unknown, string[]][] = [
    ["a text without a list", "text", ["texts", '"text"', "[text]"]],
    ["nothing", undefined, ["texts", "undefined"]],
    ["an object", { text: "a" }, ["texts", "an object"]],
    ["a number among texts", ["a", 7], ["text 2", "7", "a string"]],
    ["null among texts", [null], ["text 1", "null"]],
    ["bytes for texts", utf8("abc"), ["text 1", "97"]],
    ["a stream for a list of streams", new Blob(["abc"]).stream(), ["text 1", "[stream]"]],
    [
      "a stream of strings",
      [new Blob(["a"]).stream().pipeThrough(new TextDecoderStream())],
      ["a piece of text 1", '"a"'],
    ],
  ];
  it.each(inputs)("refuses %s", async (_, texts, names) => {
    await expectError(() => trainTokenizer(texts as TrainingTexts, { vocab_size: 300 }), "INPUT_INVALID", ...names);
  });

  it("passes on what reading throws", async () => {
    async function* broken() {
      yield utf8("abc");
      throw new Error("the disk is gone");
    }
    await expect(trainTokenizer([broken()], { vocab_size: 300 })).rejects.toThrow("the disk is gone");
  });
});
