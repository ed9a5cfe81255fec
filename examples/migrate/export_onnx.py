"""python export_onnx.py MODEL OUT: the ONNX graph that transformers.js needs of a fill-mask model, and the model's JSON files. Here the model is read as it is."""
import glob, os, shutil, sys, torch
from transformers import AlbertForMaskedLM

source, out = sys.argv[1:3]
os.makedirs(f"{out}/onnx", exist_ok=True)


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


model = AlbertForMaskedLM.from_pretrained(source, attn_implementation="eager", dtype=torch.float32).eval()
ids = torch.randint(4, 900, (2, 16))
axes = {0: "batch", 1: "tokens"}
torch.onnx.export(Logits(model), (ids, torch.ones_like(ids)), f"{out}/onnx/model.onnx", input_names=["input_ids", "attention_mask"], output_names=["logits"],
                  dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": axes}, opset_version=17, dynamo=False)
for file in glob.glob(f"{source}/*.json"): shutil.copy(file, out)
