"""Write test/tokenizer/unigram-cases.jsonl: pip install tokenizers==0.23.2; python scripts/unigram_cases.py [SEED COUNT]

What tokenizers (Rust) makes of texts chosen to be difficult, under normalisers, pre-tokenisers and vocabularies that golden/
does not have: graphemes, marks out of order, characters removed at the start, equal scores, byte fallback. With a seed
and a count (of texts per setup) it prints other cases instead, for a hunt on one's own machine:
python scripts/unigram_cases.py 7 20000 > cases.jsonl; UNIGRAM_CASES=cases.jsonl npx vitest run test/tokenizer/unigram-cases
"""
import base64
import json
import pathlib
import random
import sys

from tokenizers import Tokenizer, models
from unigram_tables import byte_charsmap

ROOT = pathlib.Path(__file__).resolve().parent.parent

# At least two of each grapheme class, of 1 to 4 bytes; marks of classes 1, 202, 220, 230 and 240; what NFKD and lower case lengthen.
JOINING = ("a \r\n\0\x01\u0300\u0327\u200c\u200d\u00ad\u0600\u0903\u0915\u0995\u094d\u09cd©⌚😀\U0001F3FB\U0001F1E6\u1100\u1161\u11a8가각"
           "\U000110bd\U000E0020\u0345\u1b44\U00016d63\U00011133")
CHANGING = "a b éǅİΣẞﬁﷺ½ⅷㄱ각한ÅṩḗĆ\u0301\u0302\u0327\u0316\u0334\u0345\u0344\u1cf2\u1df6\U0001e000\U0001d15e\U0001e922Ჿ\u0085\u00a0\u3000\ufeff\u200b"
MARKUP = "aab bc``''  x▁\u0301\x01\tc"
LETTERS = "abxAB  y"

# One text per rule of graphemes.ts and model.ts that few random texts reach. The accent makes a last grapheme of at most 5 bytes.
ACCENT, ZWNJ, ZWJ, VIRAMA, SPACING, PICTURE, CONSONANT = "\u0301", "\u200c", "\u200d", "\u094d", "\u0903", "©", "क"
CONJUNCTS = [CONSONANT + middle + CONSONANT + ACCENT for middle in
             ("", VIRAMA, ACCENT + VIRAMA, VIRAMA + ACCENT, VIRAMA + ZWJ, VIRAMA + ZWNJ, VIRAMA + SPACING, ZWNJ + VIRAMA, SPACING + VIRAMA, ZWJ)]
PICTURES = [PICTURE + middle + PICTURE + ACCENT for middle in
            ("", ZWJ, ACCENT + ZWJ, ZWNJ + ZWJ, ZWJ + ZWJ, ZWJ + ACCENT, SPACING + ZWJ, VIRAMA + ZWJ, "\u0600" + ZWJ)]
HANGUL = [a + b + ACCENT for a in "\u1100\u1161\u11a8가각" for b in "\u1100\u1161\u11a8가각"]
CONTROLS = ["\r\n", "\r" + ACCENT, "\n" + ACCENT, "\n\r", "\u0600a", "\u0600\r", "a\x01" + ACCENT, "a" + VIRAMA + CONSONANT + ACCENT, "a" + ZWJ + PICTURE + ACCENT]
UNKNOWN = ["xq", "yq", "qq", "qz", "qzq", "<unk>", "q<unk>q", "x<unk>", "yqz"]

X_PER_GRAPHEME = {byte: "x" for byte in range(1, 256)}
REMOVING = {1: "", ord("b"): "", ord("c"): "yz", ord("x"): "▁", 0xCC: "", 0xC3: "é", 0xE2: " "}


def precompiled(replacements):
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(byte_charsmap(replacements)).decode()}


def replace(pattern, content):
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


def sequence(*normalizers):
    return {"type": "Sequence", "normalizers": list(normalizers)}


def metaspace(scheme, split=True):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def vocabularies():
    rng = random.Random("vocabularies")
    letters = [("<unk>", 0.0), *((c, -float(i % 7)) for i, c in enumerate("▁xyzabcdefinr é\u0301\u0327"))]
    words = {"".join(rng.choice("ab▁x") for _ in range(rng.randint(1, 5))) for _ in range(120)}
    return {
        "letters": letters,
        "equal scores": [("<unk>", 0.0), *((w, float(-rng.randint(1, 4))) for w in sorted(words))],
        "high scores": [("<unk>", 20.0), ("x", 32.0), ("xq", 17.0), ("y", 28.0), ("yq", 17.0), ("qz", 17.0)],
        "higher scores": [("<unk>", 30.0), ("qz", 30.0), ("x", 30.0)],
        "bytes": letters + [(f"<0x{byte:02X}>", -1.0) for byte in range(256)],
        "some bytes": letters + [(f"<0x{byte:02X}>", -1.0) for byte in range(0xE3)],
    }


NFKD, STRIP, LOWER = {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}
BLANK_RUNS = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
WORDS_THEN_METASPACE = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace("first")]}
SETUPS = [  # name, characters or texts, normalizer, pre_tokenizer, vocabulary
    ("grapheme rules", [*CONJUNCTS, *PICTURES, *HANGUL, *CONTROLS], precompiled(X_PER_GRAPHEME), None, "letters"),
    ("unknown against high scores", UNKNOWN, None, None, "high scores"),
    ("unknown against higher scores", UNKNOWN, None, None, "higher scores"),
    ("graphemes", JOINING, precompiled(X_PER_GRAPHEME), None, "letters"),
    ("decomposition", CHANGING, sequence(NFKD, BLANK_RUNS), metaspace("first"), "letters"),
    ("albert without charsmap", CHANGING + MARKUP, sequence(replace("``", '"'), NFKD, STRIP, LOWER), WORDS_THEN_METASPACE, "letters"),
    ("removal", MARKUP + CHANGING[:20], precompiled(REMOVING), metaspace("always"), "letters"),
    ("replacement", MARKUP, sequence(replace("a", "\u0301xyz"), replace("bc", ""), replace("''", '"'), precompiled(REMOVING), STRIP), metaspace("never"), "letters"),
    ("equal scores", LETTERS, LOWER, metaspace("always", split=False), "equal scores"),
    ("bytes", CHANGING + LETTERS, None, metaspace("always"), "bytes"),
    ("some bytes", CHANGING + LETTERS, None, None, "some bytes"),
]


def utf16(text):
    """table[i] = UTF-16 units before code point i."""
    table = [0]
    for char in text:
        table.append(table[-1] + (2 if ord(char) > 0xFFFF else 1))
    return table


def case(tokenizer, text):
    encoding = tokenizer.encode(text, add_special_tokens=False)
    table = utf16(text)
    return [text, encoding.ids, [table[i] for pair in encoding.offsets for i in pair], encoding.word_ids]


def run(seed, count):
    rng = random.Random(seed)
    vocabulary_of = vocabularies()
    setups = []
    for name, characters, normalizer, pre_tokenizer, vocabulary in SETUPS:
        vocab, fallback = vocabulary_of[vocabulary], vocabulary.endswith("bytes")
        parts = {"normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "decoder": None}
        model = {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": fallback}
        tokenizer = Tokenizer.from_str(json.dumps({"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "post_processor": None, **parts, "model": model}))
        tokenizer.model = models.Unigram(vocab, 0, fallback)  # from_str may read a score wrongly in its last bit
        texts = characters
        if isinstance(characters, str):
            few = [rng.sample(characters, rng.randint(2, min(6, len(characters)))) for _ in range(count)]
            texts = ["".join(rng.choice(some) for _ in range(rng.randint(1, 12))) for some in few]
        setups.append({"name": name, "json": {**parts, "model": model}, "cases": [case(tokenizer, text) for text in texts]})
    return setups


def main():
    seed, count = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else ("committed", 150)
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in run(seed, count))
    if len(sys.argv) == 3:
        print(text, end="")
    else:
        (ROOT / "test/tokenizer/unigram-cases.jsonl").write_text(text)


main()
