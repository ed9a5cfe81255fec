"""python export_heads.py BASE TOKENIZER OUT: from the full-size model in BASE (export_onnx.py made it) two folders that both this package and
transformers.js read: OUT/fill-mask (AlbertForMaskedLM) and OUT/nli (AlbertForSequenceClassification over the labels of natural-language
inference, head with seeded random weights). Each has model.safetensors and fp32 graphs: onnx/model.onnx, as such exports are on the hub, and
onnx/model_fused.onnx, which onnxruntime's optimiser for transformers has been over (attention fused into one node, gelu, skip and layernorm too)."""
import glob, os, shutil, sys, torch
from transformers import AlbertConfig, AlbertForMaskedLM, AlbertForSequenceClassification
from onnxruntime.transformers import optimizer

base, tokenizer, out = sys.argv[1:4]
labels = ["contradiction", "neutral", "entailment"]
torch.manual_seed(1)


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def export(name, cls, logits_axes, **config):
    folder = f"{out}/{name}"
    os.makedirs(f"{folder}/onnx", exist_ok=True)
    loaded = AlbertConfig.from_pretrained(base, **config)
    model = cls.from_pretrained(base, config=loaded, attn_implementation="eager").eval()
    model.save_pretrained(folder)
    for file in glob.glob(f"{tokenizer}/*.json"):
        if not os.path.exists(f"{folder}/{os.path.basename(file)}"):
            shutil.copy(file, folder)
    ids = torch.randint(4, 50000, (1, 16))
    tokens = {0: "batch", 1: "tokens"}
    torch.onnx.export(Logits(model), (ids, torch.ones_like(ids)), f"{folder}/onnx/model.onnx", input_names=["input_ids", "attention_mask"],
                      output_names=["logits"], dynamic_axes={"input_ids": tokens, "attention_mask": tokens, "logits": logits_axes}, opset_version=17, dynamo=False)
    fused = optimizer.optimize_model(f"{folder}/onnx/model.onnx", model_type="bert", num_heads=12, hidden_size=768, opt_level=1)
    fused.save_model_to_file(f"{folder}/onnx/model_fused.onnx")
    print(name, fused.get_fused_operator_statistics())


export("fill-mask", AlbertForMaskedLM, {0: "batch", 1: "tokens"})
export("nli", AlbertForSequenceClassification, {0: "batch"}, num_labels=3, id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)})
