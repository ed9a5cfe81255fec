# Writes fill-mask.json: what Transformers' own fill-mask pipeline answers with the shipped model.
# python test/golden/fill_mask.py   (needs torch, transformers; versions are recorded in the file)
import json
import pathlib

import torch
import transformers
from transformers import AlbertForMaskedLM, AutoTokenizer, pipeline

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = str(HERE.parent.parent / "models" / "fill-mask")

CALLS = [
    {"text": "The capital of France is <mask>."},
    {"text": "A lion is a kind of <mask>.", "top_k": 3},
    {"text": "<mask>"},
    {"text": "  <mask>   is  spaced  oddly  "},
    {"text": "Ünïcödé 😀 and <mask> \u4e2d\u6587."},
    {"text": "The <mask> of Italy is <mask>.", "top_k": 2},
    {"text": ["The capital of Spain is <mask>.", "Water is <mask>."], "top_k": 2},
    {"text": ["One <mask> and one <mask>.", "Only one <mask>."], "top_k": 1},
    {"text": "The capital of France is <mask>.", "targets": [" Paris", " Rome", " the"]},
    {"text": "The capital of France is <mask>.", "targets": " Rome"},
    {"text": "The capital of France is <mask>.", "targets": [" Rome", " Rome", " Paris"], "top_k": 1},
    {"text": "The capital of France is <mask>.", "targets": ["\u0120Paris"]},
]

tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = AlbertForMaskedLM.from_pretrained(FOLDER, torch_dtype=torch.float32, attn_implementation="eager")
fill = pipeline("fill-mask", model=model, tokenizer=tokenizer)
for call in CALLS:
    options = {k: v for k, v in call.items() if k != "text"}
    call["result"] = fill(call["text"], **options)

versions = {m.__name__: m.__version__ for m in (torch, transformers)}
(HERE / "fill-mask.json").write_text(json.dumps({"versions": versions, "calls": CALLS}, indent=1, ensure_ascii=False) + "\n")
