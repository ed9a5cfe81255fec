// Files and arguments that are wrong: a typed error that names what it is about, and a tokenizer that works as before.
import { describe, expect, it } from "vitest";
import { RobertalbertError } from "../../src/errors.ts";
import { AutoTokenizer } from "../../src/tokenizer/auto.ts";
import { packVocabulary, unpackVocabulary } from "../../src/tokenizer/vocabulary-bin.ts";
import { mutate } from "../support/mutate.ts";
import { randomFrom } from "../support/random.ts";
import { jsonBytes, TINY_CONFIG, type TinyTokenizer, tinyFiles, tinyTokenizer } from "../support/tiny-tokenizer.ts";

const load = (files: Record<string, Uint8Array>) => AutoTokenizer.from_pretrained(files);
const changed = (change: (json: TinyTokenizer) => void) => {
  const json = tinyTokenizer();
  change(json);
  return tinyFiles(json);
};
const vocabFiles = (vocab: unknown, merges: string) => ({
  "vocab.json": jsonBytes(vocab),
  "merges.txt": jsonBytes(merges),
});
const { vocab: VOCAB } = tinyTokenizer().model;

describe("files", () => {
  const wrong: [string, Record<string, Uint8Array>, string, RegExp][] = [
    ["none", {}, "FILE_NOT_FOUND", /tokenizer\.json/],
    ["vocab.json alone", { "vocab.json": jsonBytes(VOCAB) }, "FILE_NOT_FOUND", /merges\.txt/],
    ["merges.txt alone", { "merges.txt": jsonBytes("h e\n") }, "FILE_NOT_FOUND", /vocab\.json/],
    ["tokenizer.json is empty", tinyFiles(""), "FILE_INVALID", /tokenizer\.json is no JSON/],
    ["tokenizer.json is a list", tinyFiles([]), "FILE_INVALID", /an array of 0, expected an object/],
    ["tokenizer.json is HTML", tinyFiles("<!doctype html>"), "FILE_INVALID", /no JSON/],
    ["tokenizer_config.json is a word", tinyFiles(undefined, "x"), "FILE_INVALID", /tokenizer_config\.json/],
    ["tokenizer_config.json is a list", tinyFiles(undefined, []), "FILE_INVALID", /expected an object/],
    [
      "an id twice",
      changed((t) => {
        t.model.vocab.he = 5;
      }),
      "TOKENIZER_INVALID",
      /two tokens have the id 5/,
    ],
    [
      "a hole",
      changed((t) => {
        t.model.vocab["<mask>"] = 270;
      }),
      "TOKENIZER_INVALID",
      /"<mask>"|id 263/,
    ],
    [
      "a negative id",
      changed((t) => {
        t.model.vocab.he = -1;
      }),
      "TOKENIZER_INVALID",
      /the id of "he"/,
    ],
    [
      "half an id",
      changed((t) => {
        t.model.vocab.he = 1.5;
      }),
      "TOKENIZER_INVALID",
      /the id of "he"/,
    ],
    [
      "a huge id",
      changed((t) => {
        t.model.vocab.he = 99999999;
      }),
      "TOKENIZER_INVALID",
      /the id 99999999/,
    ],
    ["a word for an id", changed((t) => Object.assign(t.model.vocab, { he: "x" })), "TOKENIZER_INVALID", /id of "he"/],
    [
      "a byte without token",
      changed((t) => {
        t.model.vocab.zz = t.model.vocab.z!;
        delete t.model.vocab.z;
      }),
      "TOKENIZER_INVALID",
      /byte 122 \("z"\)/,
    ],
    [
      "a merge of one",
      changed((t) => {
        t.model.merges = [["h"]];
      }),
      "TOKENIZER_INVALID",
      /merge 0/,
    ],
    [
      "a merge of three",
      changed((t) => {
        t.model.merges = [["h", "e", "l"]];
      }),
      "TOKENIZER_INVALID",
      /merge 0/,
    ],
    [
      "a merge of nothing",
      changed((t) => {
        t.model.merges = ["he"];
      }),
      "TOKENIZER_INVALID",
      /merge 0/,
    ],
    [
      "an unknown first part",
      changed((t) => {
        t.model.merges = ["xx e"];
      }),
      "TOKENIZER_INVALID",
      /merge 0.*first/,
    ],
    [
      "an unknown second part",
      changed((t) => {
        t.model.merges = ["h xx"];
      }),
      "TOKENIZER_INVALID",
      /second part/,
    ],
    [
      "an unknown result",
      changed((t) => {
        t.model.merges = ["h e", "e h"];
      }),
      "TOKENIZER_INVALID",
      /merge 1.*result/,
    ],
    [
      "an added token of another id than in the vocabulary",
      changed((t) => {
        t.added_tokens[4]!.id = 300;
      }),
      "TOKENIZER_INVALID",
      /"<mask>" has the id 300.*263/,
    ],
    [
      "an added token on another's id",
      changed((t) => t.added_tokens.push({ ...t.added_tokens[4], content: "new" })),
      "TOKENIZER_INVALID",
      /id 263 belongs to/,
    ],
    [
      "an added token without content",
      changed((t) => {
        t.added_tokens[0] = { id: 0 };
      }),
      "TOKENIZER_INVALID",
      /added token 0/,
    ],
    [
      "added tokens that are no list",
      changed((t) => Object.assign(t, { added_tokens: 3 })),
      "TOKENIZER_INVALID",
      /added_tokens/,
    ],
    [
      "a processor without </s>",
      changed((t) => {
        t.post_processor = { type: "RobertaProcessing", cls: ["<s>", 0] };
      }),
      "TOKENIZER_INVALID",
      /sep/,
    ],
    [
      "a processor of no known kind",
      changed((t) => {
        t.post_processor = { type: "New" };
      }),
      "TOKENIZER_UNSUPPORTED",
      /"New"/,
    ],
    [
      "<mask> absent",
      tinyFiles(undefined, { ...TINY_CONFIG, mask_token: "<blank>" }),
      "TOKENIZER_INVALID",
      /mask_token.*"<blank>"/,
    ],
    [
      "<mask> absent from vocab.json",
      vocabFiles({ ...VOCAB, "<mask>": undefined }, "h e\n"),
      "TOKENIZER_INVALID",
      /mask_token/,
    ],
    [
      "merges.txt of unknown parts",
      vocabFiles(VOCAB, "#version: 0.2\nh e\nq q\n"),
      "TOKENIZER_INVALID",
      /merge 1.*result/,
    ],
    [
      "an added_tokens_decoder that is a word",
      { ...vocabFiles(VOCAB, "h e\n"), "tokenizer_config.json": jsonBytes({ added_tokens_decoder: "x" }) },
      "TOKENIZER_INVALID",
      /added_tokens_decoder is "x"/,
    ],
    [
      "an added_tokens_decoder with a word for an id",
      {
        ...vocabFiles(VOCAB, "h e\n"),
        "tokenizer_config.json": jsonBytes({ added_tokens_decoder: { x: { content: "y" } } }),
      },
      "TOKENIZER_INVALID",
      /added_tokens_decoder: added token 0/,
    ],
    ["merges.txt with a line of three", vocabFiles(VOCAB, "h e l\n"), "TOKENIZER_INVALID", /merge 0/],
  ];
  it.each(wrong)("%s", async (_, files, code, message) => {
    const error = await load(files).catch((e) => e);
    expect(error).toBeInstanceOf(RobertalbertError);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it("a hole that an added token fills is none", async () => {
    const files = changed((t) => {
      delete t.model.vocab["<mask>"];
      t.model.vocab.zz = 264;
    });
    expect((await load(files)).encode("<mask>")).toEqual([0, 263, 2]);
  });

  it("tokenizer.json cut anywhere", async () => {
    const bytes = tinyFiles()["tokenizer.json"];
    for (let length = 0; length < bytes.length; length += 7) {
      const error = await load({ "tokenizer.json": bytes.subarray(0, length) }).catch((e) => e);
      expect(error, `cut at ${length}`).toBeInstanceOf(RobertalbertError);
      expect(["FILE_INVALID", "TOKENIZER_INVALID"]).toContain(error.code);
    }
  });

  it("2000 damaged files: a typed error, or a tokenizer that works", async () => {
    const random = randomFrom(5);
    const original = tinyFiles()["tokenizer.json"];
    const packed = packVocabulary(original)!;
    let loaded = 0;
    for (let n = 0; n < 2000; n++) {
      const damaged = mutate(original, packed, random);
      try {
        const tokenizer = await load({ "tokenizer.json": damaged, "vocabulary.bin": mutate(packed, original, random) });
        tokenizer.decode(tokenizer.encode("hello <mask>"));
        loaded++;
      } catch (error) {
        expect(error, new TextDecoder().decode(damaged)).toBeInstanceOf(RobertalbertError);
      }
      expect(unpackVocabulary(mutate(packed, original, random))?.vocabulary?.size ?? 264).toBe(264);
    }
    expect(loaded).toBeGreaterThan(10);
    expect(loaded).toBeLessThan(1990);
  });
});

describe("calls", async () => {
  const tokenizer = await load(tinyFiles());
  const wrong: [string, unknown, object, string, RegExp][] = [
    ["a number for a text", 7, {}, "INPUT_INVALID", /text is 7/],
    ["nothing", undefined, {}, "INPUT_INVALID", /text is undefined/],
    ["an empty batch", [], {}, "INPUT_INVALID", /array of 0/],
    ["a number in a batch", ["a", 7], {}, "INPUT_INVALID", /a text is 7/],
    ["lists without is_split_into_words", [["a"]], {}, "INPUT_INVALID", /expected a string/],
    ["a text with is_split_into_words", "a b", { is_split_into_words: true }, "INPUT_INVALID", /a list of words/],
    ["a number among words", ["a", 7], { is_split_into_words: true }, "INPUT_INVALID", /7, expected a string/],
    ["a list for one text_pair", "a", { text_pair: ["b"] }, "INPUT_INVALID", /text_pair/],
    ["a text_pair for a batch", ["a"], { text_pair: "b" }, "INPUT_INVALID", /text_pair/],
    ["too few text_pairs", ["a", "b"], { text_pair: ["c"] }, "INPUT_INVALID", /an array of 2/],
    ["rows of unequal length", ["a", "ab"], {}, "INPUT_INVALID", /padding: true/],
    ["an unknown padding", "a", { padding: "yes" }, "OPTION_INVALID", /padding is "yes"/],
    ["an unknown side", "a", { padding: true, padding_side: "up" }, "OPTION_INVALID", /padding_side is "up"/],
    ["another unknown side", "a", { truncation_side: "up" }, "OPTION_INVALID", /truncation_side is "up"/],
    ["an unknown truncation", "a", { truncation: "middle" }, "OPTION_INVALID", /truncation is "middle"/],
    ["half a max_length", "a", { truncation: true, max_length: 2.5 }, "OPTION_INVALID", /max_length is 2.5/],
    ["a negative max_length", "a", { truncation: true, max_length: -1 }, "OPTION_INVALID", /max_length is -1/],
    ["a word for max_length", "a", { truncation: true, max_length: "9" }, "OPTION_INVALID", /max_length is "9"/],
    [
      "max_length below the special tokens",
      "a",
      { truncation: true, max_length: 1 },
      "OPTION_INVALID",
      /special tokens/,
    ],
    ["only_second of one", "hello", { truncation: "only_second", max_length: 3 }, "OPTION_INVALID", /second text/],
    ["padding to nothing known", "a", { padding: "max_length" }, "OPTION_INVALID", /needs max_length/],
    [
      "pad_to_multiple_of 0",
      "a",
      { padding: true, pad_to_multiple_of: 0 },
      "OPTION_INVALID",
      /pad_to_multiple_of is 0/,
    ],
    ["pad_to_multiple_of huge", "a", { padding: true, pad_to_multiple_of: 2 ** 40 }, "OPTION_INVALID", /multiple/],
    ["a negative stride", "a", { stride: -1 }, "OPTION_INVALID", /stride is -1/],
    [
      "stride as long as the window",
      "abcdef",
      { truncation: true, max_length: 4, stride: 2 },
      "OPTION_INVALID",
      /stride is 2/,
    ],
  ];
  it.each(wrong)("%s", (_, text, options, code, message) => {
    const call = () => tokenizer(text as string, options);
    expect(call).toThrow(expect.objectContaining({ name: "RobertalbertError", code }));
    expect(call).toThrow(message);
    expect(tokenizer.encode("he")).toEqual([0, 260, 2]);
  });

  it("padding without a pad_token", async () => {
    const { pad_token, ...config } = TINY_CONFIG;
    const other = await load(tinyFiles(undefined, config));
    expect(() => other(["a", "ab"], { padding: true })).toThrow(/needs a pad_token/);
    expect(pad_token).toBe("<pad>");
  });

  it.each<[string, () => unknown, RegExp]>([
    ["encode", () => tokenizer.encode(7 as never), /a text is 7/],
    ["encode of a pair", () => tokenizer.encode("a", { text_pair: 7 as never }), /a text is 7/],
    ["tokenize", () => tokenizer.tokenize(null as never), /a text is null/],
    ["decode", () => tokenizer.decode("12" as never), /ids are "12"/],
    ["decode of no numbers", () => tokenizer.decode([undefined] as never), /id 0 is undefined/],
    ["batch_decode", () => tokenizer.batch_decode("x" as never), /batch is "x"/],
    ["batch_decode of a row", () => tokenizer.batch_decode([1, 2] as never), /ids are 1/],
    ["decode_stream", () => tokenizer.decode_stream().push("x" as never), /ids are "x"/],
    ["convert_tokens_to_ids", () => tokenizer.convert_tokens_to_ids(7 as never), /tokens are 7/],
    ["convert_tokens_to_ids of a list", () => tokenizer.convert_tokens_to_ids(["a", 7] as never), /tokens are 7/],
    ["convert_ids_to_tokens", () => tokenizer.convert_ids_to_tokens("x" as never), /ids are "x"/],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(expect.objectContaining({ name: "RobertalbertError", code: "INPUT_INVALID" }));
    expect(call).toThrow(message);
  });
});

describe("long inputs", () => {
  it.each([
    ["letters", "a"],
    ["blanks", " "],
    ["apostrophes", "'"],
    ["emoji", "😀"],
    ["combining marks", "\u0301"],
    ["lone surrogates", "\ud800"],
    ["<mask>", "<mask>"],
    ["half a <mask>", "<mask"],
    ["blanks before <mask>", `${" ".repeat(999)}<mask>`],
  ])("100 000 units of %s take time in proportion", async (_, unit) => {
    const tokenizer = await load(tinyFiles());
    const text = unit.repeat(100_000 / unit.length);
    const startedAt = performance.now();
    const { input_ids, offset_mapping } = tokenizer(text, { return_offsets_mapping: true, return_tensor: false });
    expect(performance.now() - startedAt).toBeLessThan(3000);
    expect(offset_mapping).toHaveLength(input_ids.length);
    expect(offset_mapping!.at(-2)![1]).toBe(text.length);
  });
});

describe("wrong types", async () => {
  const tokenizer = await load(tinyFiles());
  const any = (value: unknown) => value as never;

  it.each([0, 1, "yes", "", {}, []])("%j is no flag", (value) => {
    for (const name of [
      ...["add_special_tokens", "is_split_into_words", "return_offsets_mapping", "return_special_tokens_mask"],
      ...["return_word_ids", "return_token_type_ids", "return_tensor", "return_overflowing_tokens"],
    ])
      expect(() => tokenizer("he", any({ [name]: value }))).toThrow(new RegExp(`^${name} is `));
    expect(() => tokenizer("he", any({ truncation: value }))).toThrow(/^truncation is /);
    expect(() => tokenizer.encode("he", any({ add_special_tokens: value }))).toThrow(/^add_special_tokens is /);
    expect(() => tokenizer.decode([5], any({ skip_special_tokens: value }))).toThrow(/^skip_special_tokens is /);
  });

  it.each([null, 5, "x", true, []])("%j is no options", async (value) => {
    const calls = [
      () => tokenizer._call("he", any(value)),
      () => tokenizer.encode("he", any(value)),
      () => tokenizer.tokenize("he", any(value)),
      () => tokenizer.decode([5], any(value)),
      () => tokenizer.decode_stream(any(value)),
    ];
    for (const call of calls) expect(call).toThrow(/^options are .*, expected an object/);
    await expect(AutoTokenizer.from_pretrained(tinyFiles(), any(value))).rejects.toThrow("expected an object");
  });

  it.each([null, "", "5", true, [], [5], undefined, Symbol("id")])("%o is no id", (value) => {
    expect(() => tokenizer.decode(any([5, value]))).toThrow(RobertalbertError);
    expect(() => tokenizer.convert_ids_to_tokens(any([value]))).toThrow(RobertalbertError);
  });

  it("max_length counts also where nothing is cut or padded", () => {
    for (const max_length of ["9", -1, 1.5, {}, true, Number.POSITIVE_INFINITY])
      expect(() => tokenizer("he", any({ max_length }))).toThrow(/^max_length is /);
  });

  it("a padded row of millions of tokens is refused, not made", () => {
    const padding = "max_length";
    expect(() => tokenizer("he", { padding, max_length: 1e9 })).toThrow(
      /max_length is 1000000000, expected .* 1048576/,
    );
    expect(tokenizer("he", { padding, max_length: 2 ** 20 }).input_ids.dims).toEqual([1, 2 ** 20]);
  });

  it("a hole in a list is no text, and no word", () => {
    // biome-ignore lint/suspicious/noSparseArray: that is what is tested
    const holes = any([, "he"]);
    expect(() => tokenizer(holes, { padding: true })).toThrow("a text is undefined");
    expect(() => tokenizer(["he", "he"], { text_pair: holes, padding: true })).toThrow("text_pair is");
    expect(() => tokenizer(holes, { is_split_into_words: true })).toThrow("a text is undefined");
  });

  it("add_prefix_space that is none", async () => {
    await expect(AutoTokenizer.from_pretrained(tinyFiles(), any({ add_prefix_space: "no" }))).rejects.toThrow(
      "add_prefix_space is",
    );
  });
});
