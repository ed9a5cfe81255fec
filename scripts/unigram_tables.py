"""Write src/tokenizer/unigram/unicode-tables.ts and test/tokenizer/unigram-unicode.json:
pip install tokenizers==0.23.2; python scripts/unigram_tables.py (from the repository root, about a minute).

Nothing here reads Unicode's own files: every table is what tokenizers (Rust) was seen to do with each code point. Its
crates carry different versions of Unicode (normalisation 9, lower case and graphemes much newer) and JavaScript
engines others again, while ids must depend on none of that. The JSON holds digests of the same observations, for a test
that asks the TypeScript about all 1.1 million code points.
"""
import hashlib
import json
import pathlib
import struct
import unicodedata

from tokenizers import normalizers, pre_tokenizers

ROOT = pathlib.Path(__file__).resolve().parent.parent
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)


def base36(number):
    digits = ""
    rest = abs(number)
    while rest or not digits:
        rest, digit = divmod(rest, 36)
        digits = DIGITS[digit] + digits
    return "-" + digits if number < 0 else digits


def numbers(values):
    """Base-36 numbers in lines short enough for an editor."""
    lines, line = [], ""
    for word in map(base36, values):
        if len(line) + len(word) > 118:
            lines.append(line)
            line = ""
        line += (" " if line else "") + word
    return "\n".join([*lines, line])


def ranges(code_points):
    """Sorted code points as the numbers gap, length, gap, length, …; a gap is counted from the end of the range before."""
    values, end = [], 0
    for c in code_points:
        if values and c == end:
            values[-1] += 1
        else:
            values += [c - end, 1]
        end = c + 1
    return numbers(values)


def by_value(value_of):
    """{code point: value} as {value: ranges}."""
    groups = {}
    for c, value in value_of.items():
        groups.setdefault(value, []).append(c)
    return {value: ranges(groups[value]) for value in sorted(groups)}


def lower_case_runs(lower):
    """Pairs (c, c + delta) as the numbers gap, count, stride, delta: Latin's pairs alternate, so the stride may be 2."""
    runs = []
    for c, text in lower.items():
        delta = ord(text) - c
        run = runs[-1] if runs else None
        if run and run["delta"] == delta and c - run["last"] <= 2 and (run["count"] == 1 or c - run["last"] == run["stride"]):
            run.update(count=run["count"] + 1, stride=c - run["last"], last=c)
        else:
            runs.append({"first": c, "last": c, "count": 1, "stride": 1, "delta": delta})
    values, end = [], 0
    for run in runs:
        values += [run["first"] - end, run["count"], run["stride"], run["delta"]]
        end = run["last"] + 1
    return numbers(values)


def combining_classes():
    """{mark: canonical combining class} of the marks that NFKD reorders. Python's classes of assigned marks are final."""
    nfkd = normalizers.NFKD()
    known = {c: unicodedata.combining(chr(c)) for c in CODE_POINTS if unicodedata.combining(chr(c))}
    seen = {}
    for c, value in known.items():
        if nfkd.normalize_str(chr(c)) != chr(c):
            continue  # it decomposes, so it is never there when NFKD sorts
        other = 0x0334 if value > 1 else 0x0301  # class 1 or 230: it must change places with c, in one of the two orders
        texts = [chr(c) + chr(other), chr(other) + chr(c)]
        if any(nfkd.normalize_str(text) != text for text in texts):
            seen[c] = value
    return seen


def byte_charsmap(replacements):
    """A precompiled_charsmap with keys of one byte each. Only the first match counts, so such a key decides for every
    character, or grapheme of at most 5 bytes, that begins with its byte."""
    units = [0] * 1024
    units[0] = 256 << 10
    block = b""
    for byte, text in replacements.items():
        units[256 + byte] = (768 << 10) | (1 << 8) | byte
        units[512 + byte] = (1 << 31) | len(block)
        block += text.encode() + b"\0"
    return struct.pack("<I1024I", 4096, *units) + block


def grapheme_classes():
    """{code point: class} by how it joins its neighbours; regional indicators make no difference that can be seen here."""
    # A grapheme of at most 5 bytes becomes one x, a longer one an x per character.
    normalizer = normalizers.Precompiled(byte_charsmap({byte: "x" for byte in range(1, 256)}))
    accent, zwj, picture, consonant, linker, lead, vowel, trail = 0x300, 0x200D, 0xA9, 0x915, 0x94D, 0x1100, 0x1161, 0x11A8

    def count(*code_points):
        return len(normalizer.normalize_str("".join(map(chr, code_points))))

    def class_of(c):
        if c == 0:
            return "Control"  # it ends the search of the charsmap, so it cannot be counted
        if count(c, accent, accent) == 2:
            return {0x0D: "CR", 0x0A: "LF"}.get(c, "Control")
        if c == zwj:
            return "ZWJ"
        if count(0x61, c) == 1:
            if count(consonant, c, consonant, accent) == 4:
                return "Linker"
            if count(consonant, c, linker, consonant, accent) == 5:
                return "ConjunctExtend"
            return "Extend" if count(picture, c, zwj, picture, accent) == 5 else "SpacingMark"
        if count(c, 0x61) == 1:
            return "Prepend"
        if count(c, zwj, picture, accent) == 4:
            return "Pictographic"
        if count(c, linker, consonant, accent) == 4:
            return "Consonant"
        joins = tuple(count(c, after, accent) == 3 for after in (lead, vowel, trail))
        if joins == (True, True, False):
            return "L"
        if joins == (False, True, True):
            return "V" if count(vowel, c, accent) == 3 else "LV"
        if joins == (False, False, True):
            return "T" if count(trail, c, accent) == 3 else "LVT"
        assert joins == (False, False, False), hex(c)
        return "Other"

    classes = {c: class_of(c) for c in CODE_POINTS}
    assert [c for c in classes if classes[c] in ("LV", "LVT")] == list(HANGUL_SYLLABLES)
    assert all((classes[c] == "LV") == ((c - 0xAC00) % 28 == 0) for c in HANGUL_SYLLABLES)
    return classes


def table(name, doc, value):
    if isinstance(value, dict):
        lines = "".join(f"  {key}: `{text}`,\n" for key, text in value.items())
        return f"\n/** {doc} */\nexport const {name} = {{\n{lines}}} as const;\n"
    return f"\n/** {doc} */\nexport const {name} = `{value}`;\n"


def main():
    def changes(normalizer):
        return {c: text for c in CODE_POINTS if (text := normalizer.normalize_str(chr(c))) != chr(c)}

    nfkd = changes(normalizers.NFKD())
    marks = changes(normalizers.StripAccents())
    lower = changes(normalizers.Lowercase())
    blanks = [c for c in CODE_POINTS if not pre_tokenizers.WhitespaceSplit().pre_tokenize_str(chr(c))]
    classes = combining_classes()
    graphemes = grapheme_classes()
    assert set(marks.values()) == {""}
    assert {c for c, text in lower.items() if len(text) > 1} == {0x130}, "İ alone becomes two: unicode.ts knows that"

    kept = {c: k for c, k in graphemes.items() if k not in ("Other", "LV", "LVT")}
    (ROOT / "src/tokenizer/unigram/unicode-tables.ts").write_text(
        "// What tokenizers (Rust) 0.23.2 knows of Unicode, as numbers in base 36. Written by scripts/unigram_tables.py: do not edit.\n"
        + table("DECOMPOSING", "What NFKD replaces: gap, length, … Into what, is the same in every engine.", ranges(nfkd))
        + table("COMBINING_CLASSES", "Canonical combining class → gap, length, …", by_value(classes))
        + table("MARKS", "What StripAccents removes: gap, length, …", ranges(marks))
        + table("BLANKS", "Where WhitespaceSplit cuts: gap, length, …", ranges(blanks))
        + table("LOWER_CASE", "Upper case letters: gap, count, stride, distance to the lower case, …; U+0130 aside.",
                lower_case_runs({c: text for c, text in lower.items() if len(text) == 1}))
        + table("GRAPHEMES", "How characters join into graphemes → gap, length, …; Hangul syllables are computed.", by_value(kept)),
        encoding="utf8")

    def digest(lines):
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    (ROOT / "test/tokenizer/unigram-unicode.json").write_text(json.dumps({
        "about": "SHA-256 over one line per scalar value from U+0000 up, written by scripts/unigram_tables.py",
        "nfkd": digest(nfkd.get(c, chr(c)).replace("\n", " ") for c in CODE_POINTS),
        "strip_accents": digest(str(int(c in marks)) for c in CODE_POINTS),
        "lowercase": digest(lower.get(c, chr(c)).replace("\n", " ") for c in CODE_POINTS),
        "blank": digest(str(int(c in blanks)) for c in CODE_POINTS),
        "combining_class": digest(str(classes.get(c, 0)) for c in CODE_POINTS),
        "grapheme": digest(graphemes[c] for c in CODE_POINTS),
    }, indent=2) + "\n")


if __name__ == "__main__":
    main()
