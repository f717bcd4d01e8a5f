"""Checks ONNX models by ONNX's own checker, shapes inferred: for each argument
F the file F.onnx. Prints a JSON object a model: its opset, inputs, outputs and
metadata."""
import json
import sys

import onnx


def shape(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


for path in sys.argv[1:]:
    model = onnx.load(path + ".onnx")
    onnx.checker.check_model(model, full_check=True)
    print(json.dumps({
        "opset": [o.version for o in model.opset_import],
        "input": {v.name: shape(v) for v in model.graph.input},
        "output": {v.name: shape(v) for v in model.graph.output},
        "metadata": {p.key: json.loads(p.value) for p in model.metadata_props},
    }))
