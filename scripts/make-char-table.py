"""Writes what tokenizers (Rust) takes each code point for: src/tokenizer/byte-level/char-table.ts and, for a test of the scanner on
every code point, test/tokenizer/char-digests.json.

    pip install tokenizers==0.23.2 && python scripts/make-char-table.py

The byte-level split's pattern knows letters, numbers, whitespace and the rest. Each code point is put between two of one kind: where
the three stay one piece, it is of that kind. An added token with single_word is found unless a word character touches it.
"""
import hashlib
import json
import pathlib

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

ROOT = pathlib.Path(__file__).resolve().parent.parent
split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
pieces = lambda text: len(split.pre_tokenize_str(text))
finder = Tokenizer(models.BPE(vocab={"?": 0}, merges=[], unk_token="?"))
finder.add_tokens([AddedToken("@", single_word=True, normalized=False)])
touched = finder.token_to_id("@")


def kind(char):
    if pieces(f"a{char}a") == 1:
        return "L"
    if pieces(f"1{char}1") == 1:
        return "N"
    return "O" if pieces(f"!{char}!") == 1 else "S"


def word(char):
    return "O" if touched in finder.encode(f"@{char}").ids or char == "@" else "W"


DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def base36(n):
    return (base36(n // 36) if n >= 36 else "") + DIGITS[n % 36]


def runs(ask):
    """Runs over all code points; the surrogates count as "O"."""
    found = []
    for code in range(0x110000):
        k = "O" if 0xD800 <= code < 0xE000 else ask(chr(code))
        if found and found[-1][0] == k:
            found[-1][1] += 1
        else:
            found.append([k, 1])
    return "".join(k + base36(n) for k, n in found)


def literal(text, width=118):
    lines = [text[i : i + width] for i in range(0, len(text), width)]
    return " +\n".join(f'  "{line}"' for line in lines) + ";"


def digest(before, behind):
    """Of the pieces' lengths in UTF-8, for each code point between two texts: one line each."""
    hashed = hashlib.sha256()
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        text = before + chr(code) + behind
        lengths = [len(text[a:b].encode()) for _, (a, b) in split.pre_tokenize_str(text)]
        hashed.update((",".join(map(str, lengths)) + "\n").encode())
    return hashed.hexdigest()


table = [
    f"// Made by scripts/make-char-table.py with tokenizers {tokenizers.__version__}: do not edit.",
    "// Runs of code points from 0 up: a kind (L letter, N number, S whitespace, O other) and a length in base 36.",
    "export const CHAR_RUNS =",
    literal(runs(kind)),
    "",
    "// The same for what regular expressions call a word character: W if it is one.",
    "export const WORD_RUNS =",
    literal(runs(word)),
]
(ROOT / "src/tokenizer/byte-level/char-table.ts").write_text("\n".join(table) + "\n")
contexts = [["", ""], ["a", "a"], ["1", "1"], ["!", "!"], [" ", " "], ["a", " a"], ["a ", "a"], ["  ", "1"], ["'", "s"], [" '", ""], ["\t", "\n"]]
digests = [{"before": a, "behind": b, "sha256": digest(a, b)} for a, b in contexts]
(ROOT / "test/tokenizer/char-digests.json").write_text(json.dumps(digests, indent=2) + "\n")
