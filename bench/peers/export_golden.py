"""python export_golden.py ORACLE CASE OUT: the full-size golden model CASE, whose weights ORACLE/hash_weights.py makes from a formula, as a
folder OUT with fp32 model.safetensors and the graphs of its encoder that ORACLE/export_onnx.py makes of a model with weights of its own:
onnx/f32.onnx (onnxruntime's optimised graph) and onnx/s8.onnx (int8, dynamic, per channel), by the same steps."""
import json, os, shutil, sys
import onnxruntime as ort
from onnxruntime.quantization import quantize_dynamic, QuantType
from safetensors.numpy import save_file
from transformers import AlbertModel
from graphs import export_graphs

oracle, case, out = sys.argv[1:4]
sys.path.insert(0, oracle)
from hash_weights import checks, hash_tensor

with open(f"{case}/case.json") as file:
    golden = json.load(file)
weights = {t["name"]: hash_tensor(golden["seed_text"], t["name"], t["shape"], t["base"], t["scale"]) for t in golden["tensors"]}
for t in golden["tensors"]:
    assert all(t[key] == value for key, value in checks(weights[t["name"]]).items()), t["name"]
onnx = f"{out}/onnx"
os.makedirs(onnx, exist_ok=True)
shutil.copyfile(f"{case}/config.json", f"{out}/config.json")
save_file(weights, f"{out}/model.safetensors", {"format": "pt"})

model, info = AlbertModel.from_pretrained(out, attn_implementation="eager", add_pooling_layer=False, output_loading_info=True)
assert not info["missing_keys"], info
export_graphs(model, "last_hidden_state", {0: "batch", 1: "tokens"}, f"{onnx}/plain.onnx", f"{onnx}/f32.onnx")
options = ort.SessionOptions()
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
options.optimized_model_filepath = f"{onnx}/basic.onnx"
ort.InferenceSession(f"{onnx}/plain.onnx", options, providers=["CPUExecutionProvider"])
quantize_dynamic(f"{onnx}/basic.onnx", f"{onnx}/s8.onnx", weight_type=QuantType.QInt8, per_channel=True)
