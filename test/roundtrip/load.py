"""python load.py FOLDER CLASS: loads a folder as a user of Transformers does. On standard input a JSON list of texts.

Prints JSON: the keys that `CLASS.from_pretrained` reports, and the ids that AutoTokenizer gives the texts. Whatever Transformers
warns of is on standard error, and nothing else (no progress bars).
"""

import json
import sys

import transformers

transformers.utils.logging.disable_progress_bar()
folder, class_name = sys.argv[1:]
_, info = getattr(transformers, class_name).from_pretrained(folder, output_loading_info=True)
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
keys = {name: sorted(map(str, info[name])) for name in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs")}
facts = {"tokenizer": type(tokenizer).__name__, "model_max_length": tokenizer.model_max_length}
json.dump({**keys, **facts, "ids": [tokenizer.encode(text) for text in json.load(sys.stdin)]}, sys.stdout)
