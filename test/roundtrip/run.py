"""python run.py FOLDER OUT.safetensors: what Transformers computes with a folder, for the test to compare with this package.

On standard input JSON: `texts`, of which those with one <mask> are filled, and `lengths`, token counts of further inputs. OUT gets
per input `NAME.input_ids`, `NAME.attention_mask` and, as float32, `NAME.hidden_states` (stacked) and `NAME.logits`. Prints JSON:
the inputs' names, how far float32 is from float64 in each output (as in ../shared/golden/README.md), and fill-mask's answers.
"""

import json
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.roberta.modeling_roberta import RobertaEmbeddings

transformers.utils.logging.disable_progress_bar()
folder, out = sys.argv[1:]
asked = json.load(sys.stdin)
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
load = transformers.AutoModelForMaskedLM.from_pretrained
single, double = (load(folder, dtype=dtype).eval() for dtype in (torch.float32, torch.float64))
tensors, errors = {}, {}


def outputs_of(model, inputs):
    with torch.no_grad():
        result = model(**inputs, output_hidden_states=True)
    return {"hidden_states": torch.stack(result.hidden_states), "logits": result.logits}


def add(name, inputs):
    """Inputs and outputs under a name; how exact the outputs are where the mask is 1."""
    actual, exact = outputs_of(single, inputs), outputs_of(double, inputs)
    visible = inputs["attention_mask"] == 1
    errors[name] = {}
    for key, value in actual.items():
        difference = (value.double() - exact[key]).abs()
        errors[name][key] = float((difference[:, visible] if key == "hidden_states" else difference[visible]).max())
        tensors[f"{name}.{key}"] = value.contiguous()
    for key in ("input_ids", "attention_mask"):
        tensors[f"{name}.{key}"] = inputs[key].int()


for side in ("right", "left"):
    tokenizer.padding_side = side
    batch = dict(tokenizer(asked["texts"], padding=True, return_tensors="pt"))
    add(side, batch)
    positions = RobertaEmbeddings.create_position_ids_from_input_ids(batch["input_ids"], tokenizer.pad_token_id)
    add(f"{side}-roberta", {**batch, "position_ids": positions})
generator = torch.Generator().manual_seed(0)
for length in asked["lengths"]:
    ids = torch.randint(len(tokenizer), (1, length), generator=generator)
    add(f"length-{length}", {"input_ids": ids, "attention_mask": torch.ones_like(ids)})
save_file(tensors, out)

tokenizer.padding_side = "right"
fill = transformers.pipeline("fill-mask", model=single, tokenizer=tokenizer)
masked = [text for text in asked["texts"] if text.count("<mask>") == 1]
json.dump({"errors": errors, "fill_mask": dict(zip(masked, fill(masked, top_k=5)))}, sys.stdout)
