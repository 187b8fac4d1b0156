"""ONNX Runtime: the network as a file that other programs write."""

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

version = onnxruntime.__version__


class Predictor:
    def __init__(self, job):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = job.settings.threads
        options.inter_op_num_threads = 1
        model = network(job.settings.widths, job.weights).SerializeToString()
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def predict(self, x):
        return self.session.run(None, {"x": x})[0]


def network(widths, weights):
    """A model of Gemm, Relu and Softmax nodes."""
    nodes, value = [], "x"
    for i in range(len(widths) - 1):
        nodes.append(helper.make_node("Gemm", [value, f"w{2 * i}", f"w{2 * i + 1}"], [f"z{i}"]))
        value = f"y{i}" if i < len(widths) - 2 else "y"
        nodes.append(helper.make_node("Relu" if value != "y" else "Softmax", [f"z{i}"], [value]))
    constants = [numpy_helper.from_array(array, f"w{i}") for i, array in enumerate(weights)]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])
        for name, width in (("x", widths[0]), ("y", widths[-1]))
    ]
    graph = helper.make_graph(nodes, "mlp", ends[:1], ends[1:], constants)
    # versions that every runtime since 2022 reads, whatever the version of onnx
    return onnx.helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
