"""network.onnx: the export through torch.onnx, and a description of what a graph holds."""
import collections
import io
import os
import warnings

import torch

from diffusion import STREAMING
from recording import OUTPUTS


def export_onnx(net, kind, c, path):
    b = c["export_batch"]
    g = torch.Generator().manual_seed(0)
    if kind == "regression":
        args = (torch.zeros(b, 1, c["buffer_len"]), torch.zeros(b, 1, c["implicit"] + len(c["emotions"])))
        names = ["input", "emotion"]
        axes = {k: {0: "batch_size"} for k in names + ["result"]}
    elif kind == "emotion":
        args = (torch.randn(b, min(c["buffer_len"], 16000), generator=g) * 0.1,)
        names = ["input_values"]
        axes = {"input_values": {0: "batch_size", 1: "sequence_length"}, "output": {0: "batch_size"}}
    else:
        left, block, right = STREAMING[c["fps"]]
        f = lambda *s: torch.randn(*s, generator=g)
        emotion = (b, block) if c["emotion_frames"] else (b,)
        args = (f(b, c["window"]), f(b, len(c["actors"])), f(*emotion, len(c["emotions"])), f(c["steps"], c["gru_layers"], b, c["gru"]),
                f(b, c["steps"] + 1, left + block + right, sum(net.model.dims)))  # fmt: skip
        names = ["window", "identity", "emotion", "input_latents", "noise"]
        axes = {k: [2 if "latents" in k else 0] for k in names + OUTPUTS[kind]}
    cse = torch._C._jit_pass_cse
    if not c.get("cse", True):
        torch._C._jit_pass_cse = lambda graph: False  # keep the duplicated sub-graphs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(net, args, path, input_names=names, output_names=OUTPUTS[kind], opset_version=c["opset"],
                              do_constant_folding=c["folding"], dynamic_axes=axes)  # fmt: skip
    finally:
        torch._C._jit_pass_cse = cse


def describe(dir, limit=60):
    """Text: operators, initializers, large constants of network.onnx."""
    import onnx
    from onnx import numpy_helper

    m = onnx.load(os.path.join(dir, "network.onnx"))
    out = io.StringIO()
    p = lambda *a: print(*a, file=out)
    p("opset", [(o.domain, o.version) for o in m.opset_import], "ir", m.ir_version, "producer", m.producer_name, m.producer_version)
    for label, vs in (("in", m.graph.input), ("out", m.graph.output)):
        for v in vs:
            p(label, v.name, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
    p("ops", dict(collections.Counter(n.op_type for n in m.graph.node).most_common()))
    named = [i for i in m.graph.initializer if not i.name.startswith("onnx::")]
    lost = [i for i in m.graph.initializer if i.name.startswith("onnx::")]
    p("initializers", len(m.graph.initializer), "named", len(named), "anonymous", len(lost))
    for i in (lost + named)[:limit]:
        p("  ", i.name, list(i.dims), onnx.TensorProto.DataType.Name(i.data_type))
    for n in m.graph.node:
        for a in n.attribute:
            if a.name == "value" and n.op_type == "Constant":
                v = numpy_helper.to_array(a.t)
                if v.size > 64:
                    p("   Constant node", n.name, "->", n.output[0], list(v.shape), v.dtype)
    return out.getvalue()
