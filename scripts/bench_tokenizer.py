"""The same texts as `npm run bench -- tokenizer` (run that first: it compiles them) through tokenizers (Rust), one thread.

    pip install tokenizers==0.23.2 && python scripts/bench_tokenizer.py [FOLDER]
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parent.parent
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "../shared/golden/tokenizer/roberta-base"
texts = json.loads(subprocess.check_output(["node", ROOT / "bench/dist/bench/tokenizer-texts.js"]))
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
ways = {
    "ids": lambda texts: [tokenizer.encode(text).ids for text in texts],
    "ids, encode_batch_fast": lambda texts: [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)],
    "with offsets": lambda texts: [(encoding.ids, encoding.offsets) for encoding in map(tokenizer.encode, texts)],
}
for kind, paragraphs in texts.items():
    tokens = sum(len(tokenizer.encode(text).ids) for text in paragraphs)
    rates = {}
    for name, encode in ways.items():
        seconds = []
        for _ in range(7):
            start = time.perf_counter()
            encode(paragraphs)
            seconds.append(time.perf_counter() - start)
        rates[name] = tokens / statistics.median(seconds) / 1e6
    print(f"{kind:16}", "  ".join(f"{rate:6.3f} M tokens/s, {name}" for name, rate in rates.items()))
