"""robertalbert train-tokenizer against tokenizers (Rust) on one thread: seconds, memory, and first whether both learn the same.

    npm run build && pip install tokenizers==0.23.2 && python scripts/bench_train_tokenizer.py [--node "npx -y node@24"] [--vocab-size N] [FILES…]

Without files: 24 MB of made-up words by Zipf's law, 300,000 different ones, among the words of a novel.
"""
import argparse
import bisect
import itertools
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = ROOT / "dist/cli/main.js"
# In a process of its own, so that its memory can be told.
RUST = """
import json, os, sys
os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers.implementations import ByteLevelBPETokenizer
size, output, *files = sys.argv[1:]
tokenizer = ByteLevelBPETokenizer()
tokenizer.train(files, vocab_size=int(size), min_frequency=2, show_progress=False, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
model = json.loads(tokenizer.to_str())["model"]
tokens = sorted(model["vocab"], key=model["vocab"].get)
json.dump([[*tokens[:4], *tokens[5:], "<mask>"], model["merges"]], open(output, "w"))
"""


def made_up(path, size_bytes=24_000_000, different=300_000):
    rng = random.Random(0)
    novel = (ROOT / "examples/search/moby-dick.txt").read_text(encoding="utf8").split()
    syllables = [a + b + c for a in "bcdfghklmnprstvwz" for b in "aeiouäé" for c in ["", "n", "r", "s"]]
    words = ["".join(rng.choice(syllables) for _ in range(rng.randint(1, 5))) for _ in range(different)]
    sums = list(itertools.accumulate(1 / (rank + 10) for rank in range(different)))
    with open(path, "w", encoding="utf8", newline="\n") as file:
        while file.tell() < size_bytes:
            line = [words[bisect.bisect(sums, rng.random() * sums[-1])] if rng.random() < 0.7 else rng.choice(novel) for _ in range(12)]
            file.write(" ".join(line) + rng.choice([".\n", "\n", f" {rng.randrange(10**6)}\n"]))


def timed(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"})
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*")
    parser.add_argument("--node", default="node")
    parser.add_argument("--vocab-size", default="30000")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = options.files
        if not files:
            files = [f"{folder}/text.txt"]
            made_up(files[0])
        megabytes = sum(os.path.getsize(file) for file in files) / 1e6
        ways = {
            "robertalbert": [*options.node.split(), COMMAND, "train-tokenizer", *files, "-v", options.vocab_size, "-o", f"{folder}/own", "--force"],
            "tokenizers (Rust)": [sys.executable, "-c", RUST, options.vocab_size, f"{folder}/rust.json", *files],
        }
        times = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, command in ways.items():
                times[name].append(timed(command))
            own = json.loads(pathlib.Path(f"{folder}/own/tokenizer.json").read_text(encoding="utf8"))["model"]
            tokens, merges = json.loads(pathlib.Path(f"{folder}/rust.json").read_text())
            assert sorted(own["vocab"], key=own["vocab"].get) == tokens and own["merges"] == merges, "they learn different tokenizers"
        print(f"{megabytes:.1f} MB of text, {len(tokens)} tokens, the same from both")
        best = {name: min(cpu for _, cpu in runs) for name, runs in times.items()}
        for name, runs in times.items():
            print(f"{name:18} {min(wall for wall, _ in runs):6.2f} s, {best[name]:6.2f} s of CPU (best of {len(runs)})")
        print(f"{best['tokenizers (Rust)'] / best['robertalbert']:.2f} times as fast as tokenizers on one thread, by CPU time")


main()
