# Writes train-tokenizer.jsonl: what tokenizers' ByteLevelBPETokenizer learns from texts of many kinds, <mask> moved to the end.
# pip install tokenizers==0.23.2; python test/golden/train_tokenizer.py
# With a count and a seed it prints so many generated cases instead, for a hunt on one's own machine:
# python test/golden/train_tokenizer.py 2000 7 > cases.jsonl; TRAIN_CASES=$PWD/cases.jsonl npx vitest run test/tokenizer/training
import hashlib
import json
import os
import pathlib
import random
import sys
import tempfile

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tokenizers
from tokenizers.implementations import ByteLevelBPETokenizer

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]

CJK = "日本語の文章を速く正確に分けることは簡単ではない。単語の間に空白がないからである。中文分词是一个有趣的问题，今天天气很好，我们去公园散步吧。한국어 문장은 띄어쓰기가 있다. 東京と大阪の間を新幹線が走る。他昨天买了三本书和一支笔，价格是五十元。"
EMOJI = ["😀", "🎉", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇫🇷", "❤️", "🤷‍♀️", "🧑🏿‍🚀", "💯"]
WORDS = "so good lol thanks a lot see you at 8 did you see this no way happy birthday can't wait what's up we'll they've I'm he'd 2024 100% (ok) #yes @you".split()
OTHERS = ["Zażółć gęślą jaźń", "Привет, мир!", "Γειά σου Κόσμε", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "Tiếng Việt", "e\u0301a\u0308", "𝔘𝔫𝔦 ½ ① Ⅷ", "ß İ ﬁ", "\u00a0\u3000\u2028", "\ufeff\u200b\u0000\x7f"]
BREAKS = ["\n", "\n", "\n", "\r\n", "\r", "\n\n\n", " \n  ", "\t\n", ""]


def learn(files, vocab_size, min_frequency):
    """Tokens in order of their ids, and merges by rank, as RoBERTa has them: <mask> has the last id."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for n, text in enumerate(files):
            paths.append(f"{folder}/{n}.txt")
            pathlib.Path(paths[-1]).write_bytes(text.encode())
        results = []
        for specials, size in ((SPECIALS, vocab_size), (SPECIALS[:4], vocab_size - 1)):
            tokenizer = ByteLevelBPETokenizer()
            tokenizer.train(paths, vocab_size=size, min_frequency=min_frequency, show_progress=False, special_tokens=specials)
            tokenizer.add_special_tokens(["<mask>"])
            model = json.loads(tokenizer.to_str())["model"]
            vocab = {**model["vocab"], "<mask>": 1 << 30}
            results.append((sorted(vocab, key=vocab.get), [" ".join(pair) for pair in model["merges"]]))
    assert results[0] == results[1], "moving <mask> to the end is not the same as adding it there"
    return results[0]


def case(name, files, vocab_size, min_frequency, whole=True):
    tokens, merges = learn(files, vocab_size, min_frequency)
    head = {"name": name, "files": files, "vocab_size": vocab_size, "min_frequency": min_frequency}
    if whole:
        return {**head, "tokens": tokens[260:], "merges": merges}
    # Too large to be kept: SHA-256 of the lines.
    digest = lambda lines: hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return {**head, "size": len(tokens), "tokens_sha256": digest(tokens), "merges_sha256": digest(merges)}


def chat(rng, count):
    return "".join(rng.choice(EMOJI) if rng.random() < 0.3 else " " + rng.choice(WORDS) for _ in range(count))


def mixed(rng, count):
    kinds = [lambda: " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 12))), lambda: rng.choice(OTHERS), lambda: rng.choice(EMOJI) * rng.randint(1, 3),
             lambda: CJK[rng.randrange(40):][:rng.randint(1, 40)], lambda: f"x[{rng.randrange(300)}] = f(y_{rng.randrange(9)}, '{rng.choice(WORDS)}');"]
    return "".join(rng.choice(kinds)() + rng.choice(BREAKS + [" "] * 5) for _ in range(count))


def letters(rng, alphabet, words, longest):
    """Words of few different letters: ties, overlaps, tokens that come about in two ways."""
    return " ".join("".join(rng.choice(alphabet) for _ in range(rng.randint(1, longest))) for _ in range(words))


def generated(rng):
    kind = rng.choice(["letters", "letters", "letters", "runs", "mixed", "chat", "cjk", "specials", "unicode"])
    if kind == "letters":
        text = letters(rng, rng.choice(["ab", "abc", "a", "aab", "abcdefgh", "aé", "01", "a'", "日本", "<s>"]), rng.randint(1, 60), rng.choice([4, 8, 20, 60]))
    elif kind == "runs":
        text = "".join(rng.choice(["a", "b", "ab", "=", " ", "\n", "é", "😀", "-", "0"]) * rng.choice([1, 2, 3, 4, 5, 7, 8, 16, 33]) for _ in range(rng.randint(1, 40)))
    elif kind == "mixed":
        text = mixed(rng, rng.randint(1, 120))
    elif kind == "chat":
        text = chat(rng, rng.randint(1, 300))
    elif kind == "cjk":
        text = "".join(CJK[(at := rng.randrange(len(CJK))):at + rng.randint(1, 12)] + rng.choice(["", "", "\n", " "]) for _ in range(rng.randint(1, 80)))
    elif kind == "specials":
        text = "".join(rng.choice(SPECIALS + ["<mask", "mask>", "<", ">", "<s>s>", "a<s>", " "]) + rng.choice(["", " ", "\n", "x"]) for _ in range(rng.randint(1, 80)))
    else:
        text = "".join(chr(rng.choice([rng.randrange(0x80), rng.randrange(0x300), rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)])) for _ in range(rng.randint(1, 200)))
    cut = sorted(rng.randrange(len(text) + 1) for _ in range(rng.choice([0, 0, 0, 1, 2])))
    files = [text[a:b] for a, b in zip([0] + cut, cut + [len(text)])]
    return case(kind, files, rng.choice([261, 262, 263, 270, 280, 300, 350, 500, 2000]), rng.choice([0, 1, 2, 2, 2, 3, 5, 20]))


def golden():
    rng = random.Random("train tokenizer")
    prose = (ROOT / "examples/search/moby-dick.txt").read_bytes().decode()
    code = (ROOT / "src/tokenizer/byte-level/scanner.ts").read_text(encoding="utf8")
    yield case("English prose", [prose[20_000:28_000]], 700, 2)
    yield case("English prose, rare pairs left", [prose[60_000:66_000]], 2000, 6)
    yield case("code", [code], 600, 2)
    yield case("code, CRLF, two files cut within a line", [code.replace("\n", "\r\n")[:1501], code.replace("\n", "\r\n")[1501:3000]], 400, 3)
    yield case("CJK", ["".join(CJK[rng.randrange(60):][:rng.randint(5, 60)] + rng.choice(["", "\n"]) for _ in range(60))], 600, 2)
    yield case("emoji and words", [chat(rng, 600)], 500, 2)
    yield case("mixed scripts and line ends", [mixed(rng, 150)], 600, 2)
    yield case("ties: words of a and b", [letters(rng, "ab", 80, 12)], 500, 1)
    yield case("ties: every count 1", ["the quick brown fox jumps over a lazy dog"], 400, 0)
    yield case("runs that overlap themselves", ["aaaaaaa aaaa aa aaaaaaaaaaa\n=====\n========\n" * 3 + "abababab ababa\n"], 300, 1)
    yield case("special tokens as text", ["<mask> <s></s> <mask><mask> x<mask>y <pad>\n" * 4], 320, 2)
    yield case("bytes alone", ["the the the"], 261, 2)
    yield case("no text", [""], 300, 2)
    yield case("nothing frequent enough", ["one two three"], 300, 9)
    book = case("a book", [prose], 3000, 2, whole=False)
    yield {**book, "files": [], "path": "examples/search/moby-dick.txt"}


def main(count=None, seed="0"):
    if count:
        rng = random.Random(f"train tokenizer {seed}")
        for _ in range(int(count)):
            print(json.dumps(generated(rng)))
        return
    with open(HERE / "train-tokenizer.jsonl", "w", encoding="utf8", newline="\n") as file:
        for found in golden():
            file.write(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")


assert tokenizers.__version__ == "0.23.2", tokenizers.__version__
main(*sys.argv[1:])
