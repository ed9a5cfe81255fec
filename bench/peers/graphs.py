"""What the export scripts share: one output of a full-size model as an ONNX graph, plain, and as onnxruntime's optimiser for transformers makes it."""
import torch
from onnxruntime.transformers import optimizer


class Output(torch.nn.Module):
    def __init__(self, model, name):
        super().__init__()
        self.model = model
        self.name = name

    def forward(self, input_ids, attention_mask):
        return getattr(self.model(input_ids=input_ids, attention_mask=attention_mask), self.name)


def export_graphs(model, output, output_axes, plain, optimised):
    """Writes the files `plain` and `optimised`; returns the optimised graph."""
    ids = torch.randint(4, 50000, (1, 16))
    tokens = {0: "batch", 1: "tokens"}
    torch.onnx.export(Output(model.eval(), output), (ids, torch.ones_like(ids)), plain, input_names=["input_ids", "attention_mask"],
                      output_names=[output], dynamic_axes={"input_ids": tokens, "attention_mask": tokens, output: output_axes}, opset_version=17, dynamo=False)
    graph = optimizer.optimize_model(plain, model_type="bert", num_heads=12, hidden_size=768, opt_level=1)
    graph.save_model_to_file(optimised)
    return graph
