"""python export_heads.py BASE TOKENIZER OUT: from the full-size model in BASE (export_onnx.py made it) two folders that both this package and
transformers.js read: OUT/fill-mask (AlbertForMaskedLM) and OUT/nli (AlbertForSequenceClassification over the labels of natural-language
inference, head with seeded random weights). Each has model.safetensors and fp32 graphs: onnx/model.onnx, as such exports are on the hub, and
onnx/model_fused.onnx, which onnxruntime's optimiser for transformers has been over (attention fused into one node, gelu, skip and layernorm too)."""
import glob, os, shutil, sys, torch
from transformers import AlbertConfig, AlbertForMaskedLM, AlbertForSequenceClassification
from graphs import export_graphs

base, tokenizer, out = sys.argv[1:4]
labels = ["contradiction", "neutral", "entailment"]
torch.manual_seed(1)


def export(name, cls, logits_axes, **config):
    folder = f"{out}/{name}"
    os.makedirs(f"{folder}/onnx", exist_ok=True)
    loaded = AlbertConfig.from_pretrained(base, **config)
    model = cls.from_pretrained(base, config=loaded, attn_implementation="eager")
    model.save_pretrained(folder)
    for file in glob.glob(f"{tokenizer}/*.json"):
        if not os.path.exists(f"{folder}/{os.path.basename(file)}"):
            shutil.copy(file, folder)
    fused = export_graphs(model, "logits", logits_axes, f"{folder}/onnx/model.onnx", f"{folder}/onnx/model_fused.onnx")
    print(name, fused.get_fused_operator_statistics())


export("fill-mask", AlbertForMaskedLM, {0: "batch", 1: "tokens"})
export("nli", AlbertForSequenceClassification, {0: "batch"}, num_labels=3, id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)})
