"""Writes src/tokenizer/byte-level/char-table.ts: what tokenizers (Rust) takes each code point for in its byte-level split.

    pip install tokenizers==0.23.2 && python scripts/make-char-table.py > src/tokenizer/byte-level/char-table.ts

The split's pattern knows letters, numbers, whitespace and the rest. Each code point is put between two of one kind: where
the three stay one piece, it is of that kind.
"""
import tokenizers
from tokenizers import pre_tokenizers

split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
pieces = lambda text: len(split.pre_tokenize_str(text))


def kind(char):
    if pieces(f"a{char}a") == 1:
        return "L"
    if pieces(f"1{char}1") == 1:
        return "N"
    return "O" if pieces(f"!{char}!") == 1 else "S"


runs = []  # [kind, length], over all code points but the surrogates, which count as "O"
for code in range(0x110000):
    k = "O" if 0xD800 <= code < 0xE000 else kind(chr(code))
    if runs and runs[-1][0] == k:
        runs[-1][1] += 1
    else:
        runs.append([k, 1])

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def base36(n):
    return (base36(n // 36) if n >= 36 else "") + DIGITS[n % 36]


text = "".join(k + base36(n) for k, n in runs)
print(f"// Made by scripts/make-char-table.py with tokenizers {tokenizers.__version__}: do not edit.")
print("// Runs of code points from 0 up: a kind (L letter, N number, S whitespace, O other) and a length in base 36.")
print("export const CHAR_RUNS =")
width = 118
lines = [text[i : i + width] for i in range(0, len(text), width)]
print(" +\n".join(f'  "{line}"' for line in lines) + ";")
