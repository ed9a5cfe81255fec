"""Write test/tokenizer/byte-level-cases.jsonl: pip install tokenizers==0.23.2; python scripts/tokenizer_cases.py

What tokenizers (Rust) makes of generated texts, under a small byte-level BPE with added tokens of every kind, prefix blanks and
post-processors that golden/ does not have. With a folder, a count and a seed it prints cases for that folder's tokenizer.json
instead, for a hunt on one's own machine:
python scripts/tokenizer_cases.py ../shared/golden/tokenizer/roberta-base 20000 7 > cases.jsonl
BYTE_LEVEL_CASES=cases.jsonl npx vitest run test/tokenizer/byte-level-cases
"""
import json
import pathlib
import random
import sys
import unicodedata

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parent.parent

WORDS = """the of and to in a is that it was for on are as with his they at be this from I have or by one had not but what all were
when we there can an your which their said if do will each about how up out them then she many some so these would other into has more her
two like him see time could no make than first been its who now people my made over did down only way find use may water long little very
after words called just where most know antidisestablishmentarianism Supercalifragilistic HELLO camelCase snake_case x86_64""".split()
BLANKS = [" ", " ", " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2003", "\u0085", "\u200b", "\ufeff", "\u1680", "\u2028", " \t ", "\x1c", "\x00"]
MARKS = list(".,;:!?'\"()[]{}<>-_/\\|@#$%^&*+=~`") + ["...", "--", "''", "\u2019", "\u201c", "\u2014", "\u00bf", "\u3002"]
TAILS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "'x", "'", "''s", "\u2019s", "n't"]
OTHERS = ["café", "naïve", "Zażółć", "日本", "漢字かな", "한국어", "привет", "γειά", "שלום", "مرحبا", "नमस्ते", "สวัสดี", "e\u0301", "\u0301", "😀", "👩‍👩‍👧‍👦", "🇫🇷",
          "𝔘𝔫", "𠮷", "½", "①", "Ⅷ", "٣", "१२", "123", "3.14", "007", "\ufffd", "\U0010ffff", "\ue000", "ﬁ", "ß", "İ"]
SPECIALS = ["<s>", "</s>", "<mask>", "<pad>", "<unk>", "<MASK>", "<mask", "mask>", "< s>"]

# Each kind of added token; contents that begin, end or contain one another; of letters, marks and blanks.
ADDED = [
    {"content": "[R]", "rstrip": True}, {"content": "[L]", "lstrip": True}, {"content": "[B]", "lstrip": True, "rstrip": True},
    {"content": "[W]", "single_word": True}, {"content": "word", "single_word": True}, {"content": "ü", "single_word": True, "lstrip": True},
    {"content": "[N]", "normalized": True}, {"content": "long", "normalized": True, "lstrip": True}, {"content": "longer", "normalized": True},
    {"content": "ger", "normalized": True, "single_word": True}, {"content": "日本"}, {"content": "a b"}, {"content": "x "}, {"content": " y", "rstrip": True},
    {"content": "<s><s>"}, {"content": "😀", "lstrip": True, "special": True},
]
OWN = [token["content"] for token in ADDED] + ["longest", "ger", "words", "sword", "a  b", "日", "xx  y"]


def setups():
    """tokenizer.json with the byte alphabet, 140 merges learnt from WORDS, RoBERTa's special tokens and ADDED."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator([" ".join(WORDS), "  ".join(WORDS)], trainer)
    base = json.loads(tokenizer.to_str())
    vocab = base["model"]["vocab"]
    no = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    special = [{**no, "id": n, "content": t, "special": True} for n, t in enumerate(["<s>", "<pad>", "</s>", "<unk>"])]
    added = [{**no, "content": "<mask>", "lstrip": True, "special": True}, *({**no, **token} for token in ADDED)]
    new = [token["content"] for token in added if token["content"] not in vocab]  # the others keep their ids
    ids = {**vocab, **{content: len(vocab) + n for n, content in enumerate(new)}}
    base["added_tokens"] = special + [{"id": ids[token["content"]], **token} for token in added]
    roberta = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}
    for name, prefix, processor in [
        ("RobertaProcessing", False, {**roberta, "trim_offsets": True, "add_prefix_space": False}),
        ("RobertaProcessing with prefix blank", True, {**roberta, "trim_offsets": True, "add_prefix_space": True}),
        ("RobertaProcessing, offsets not trimmed", True, {**roberta, "trim_offsets": False, "add_prefix_space": True}),
        ("ByteLevel", False, {"type": "ByteLevel", "trim_offsets": True, "add_prefix_space": False, "use_regex": True}),
        ("none, prefix blank", True, None),
    ]:
        yield name, {**base, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": True},
                     "post_processor": processor}


def one_text(rng, special):
    kind = rng.random()
    if kind < 0.1:
        return "".join(any_char(rng) for _ in range(rng.randint(1, 24)))
    pools = [WORDS] * 5 + [MARKS, TAILS, OTHERS, BLANKS] if kind < 0.6 else [WORDS, MARKS, TAILS, OTHERS, BLANKS, special]
    text = ""
    for _ in range(rng.randint(0, 20)):
        text += rng.choice(BLANKS) if rng.random() < 0.45 else ""
        text += rng.choice(rng.choice(pools))
        if rng.random() < 0.05:
            text += any_char(rng)
    return text


def any_char(rng):
    while True:
        code = rng.choice([rng.randrange(0x80), rng.randrange(0x250), rng.randrange(0x3000), rng.randrange(0x10000), rng.randrange(0x110000)])
        if not 0xD800 <= code < 0xE000 and (rng.random() < 0.1 or unicodedata.category(chr(code)) != "Cn"):
            return chr(code)


def case(tokenizer, text):
    units = [0]
    for char in text:
        units.append(units[-1] + (2 if ord(char) > 0xFFFF else 1))
    encoding = tokenizer.encode(text)
    offsets = [units[at] for pair in encoding.offsets for at in pair]
    return [text, encoding.ids, offsets, encoding.word_ids]


def main(folder=None, count="120", seed="0"):
    rng = random.Random(f"tokenizer cases {seed}")
    if folder:
        path = pathlib.Path(folder) / "tokenizer.json"
        tokenizer = Tokenizer.from_file(str(path))
        cases = [case(tokenizer, one_text(rng, SPECIALS)) for _ in range(int(count))]
        print(json.dumps({"name": f"{folder}, seed {seed}", "folder": folder, "cases": cases}))
        return
    with open(ROOT / "test/tokenizer/byte-level-cases.jsonl", "w", encoding="utf8", newline="\n") as file:
        for name, setup in setups():
            tokenizer = Tokenizer.from_str(json.dumps(setup))
            cases = [case(tokenizer, one_text(rng, SPECIALS[:3] + OWN * 2)) for _ in range(int(count))]
            file.write(json.dumps({"name": name, "json": setup, "cases": cases}, separators=(",", ":")) + "\n")


main(*sys.argv[1:])
