"""Graph models of TensorFlow.js as ONNX: the operations that small detectors are made of."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from connectors.detector.convert.onnx_file import Graph
from connectors.detector.model import ModelError

Node = Mapping[str, Any]
Weights = Mapping[str, npt.NDArray[Any]]
STORED = {"float32": "<f4", "int32": "<i4"}
INPUT = "images"
LEVELS = np.float32(255)


class TfjsModel:
    """A model of TensorFlow.js: its operations by name, and its weights.

    Raises `ModelError` for files that are no such model, or hold more or less than they say.
    """

    def __init__(self, path: Path) -> None:
        try:
            written = json.loads(path.read_bytes())
            self.nodes: Mapping[str, Node] = {
                node["name"]: node for node in written["modelTopology"]["node"]
            }
            self.weights = _weights(path, written["weightsManifest"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is no model of TensorFlow.js: {error}") from error


def _weights(path: Path, manifest: list[Any]) -> Weights:
    found: dict[str, npt.NDArray[Any]] = {}
    for group in manifest:
        data = b"".join(path.with_name(name).read_bytes() for name in group["paths"])
        at = 0
        for weight in group["weights"]:
            quantized = weight.get("quantization", {}).get("dtype")
            if quantized not in (None, "float16"):
                raise ValueError(f"weights of the form {quantized}")
            kind = np.dtype("<f2" if quantized else STORED[weight["dtype"]])
            count = int(np.prod(weight["shape"]))
            array = np.frombuffer(data, kind, count, at).reshape(weight["shape"])
            at += count * kind.itemsize
            is_float = weight["dtype"] == "float32"
            found[weight["name"]] = array.astype(np.float32) if is_float else array
        if at != len(data):
            raise ValueError(f"expected {at} bytes of weights, got {len(data)}")
    return found


class Conversion:
    """Carries operations of a model over into a graph, with the channels first.

    The input takes values from 0 to 1 where the model takes 0 to 255: its first weights are scaled,
    which is exact with a padding of zeros.
    """

    def __init__(self, model: TfjsModel, graph: Graph) -> None:
        self._model = model
        self._graph = graph
        self._done: dict[str, str] = {}

    def value(self, name: str) -> str:
        """The value of an operation, carried over with all before it. Raises `ModelError`."""
        name = name.partition(":")[0]
        if name not in self._done:
            node = self._model.nodes.get(name)
            if node is None:
                raise ModelError(f"the model has no operation {name}")
            self._done[name] = self._convert(name, node)
        return self._done[name]

    def _convert(self, name: str, node: Node) -> str:
        operation = node["op"]
        convert = self._KNOWN.get(operation)
        if convert is None:
            raise ModelError(f"the operation {operation} ({name}) is not known here")
        return convert(self, name, node)

    def _constant(self, name: str, node: Node) -> str:
        value = self._model.weights[name]
        _expect(value.ndim == 0, name, "a constant that is one number")
        return self._graph.constant(name, value)

    def _placeholder(self, name: str, node: Node) -> str:
        return INPUT

    def _convolution(self, name: str, node: Node) -> str:
        kernel = self._model.weights[node["input"][1]]
        steps = list(_attribute(node, "strides"))[1:3]
        _expect(list(_attribute(node, "dilations")) == [1, 1, 1, 1], name, "no dilation")
        _expect(_attribute(node, "data_format") == "NHWC", name, "channels last")
        fused = list(_attribute(node, "fused_ops")) if "fused_ops" in node["attr"] else []
        _expect(set(fused) <= {"BiasAdd", "Relu", "Relu6"}, name, "a bias and a Relu at most")
        by_channel = "Depthwise" in node["op"]
        source = self.value(node["input"][0])
        weights = kernel.transpose((2, 3, 0, 1) if by_channel else (3, 2, 0, 1))
        if source == INPUT:
            weights = weights * LEVELS
        inputs = [source, self._graph.constant(f"{name}/weights", weights)]
        if "BiasAdd" in fused:
            bias = self._model.weights[node["input"][2]]
            inputs.append(self._graph.constant(f"{name}/bias", bias))
        after = [word for word in fused if word != "BiasAdd"]
        padding = [
            _padding(side, step) if _attribute(node, "padding") == "SAME" else (0, 0)
            for side, step in zip(kernel.shape[:2], steps, strict=True)
        ]
        value = self._graph.node(
            "Conv",
            inputs,
            f"{name}/convolution" if after else name,
            kernel_shape=list(kernel.shape[:2]),
            strides=steps,
            group=int(kernel.shape[2]) if by_channel else 1,
            pads=[padding[0][0], padding[1][0], padding[0][1], padding[1][1]],
        )
        if not after:
            return value
        return self._relu6_of(value, name) if after[0] == "Relu6" else self._relu_of(value, name)

    def _relu_of(self, value: str, name: str) -> str:
        return self._graph.node("Relu", [value], name)

    def _relu6_of(self, value: str, name: str) -> str:
        limits = [self._graph.constant("zero", 0.0), self._graph.constant("six", 6.0)]
        return self._graph.node("Clip", [value, *limits], name)

    def _relu6(self, name: str, node: Node) -> str:
        return self._relu6_of(self.value(node["input"][0]), name)

    def _same(self, name: str, node: Node) -> str:
        """An operation that both have by the same name."""
        return self._graph.node(node["op"], [self.value(each) for each in node["input"]], name)

    def _mean(self, name: str, node: Node) -> str:
        axes = self._model.weights[node["input"][1]].tolist()
        _expect(axes == [1, 2], name, "a mean over a picture")
        inputs = [self.value(node["input"][0]), self._graph.constant("axes", [2, 3])]
        return self._graph.node("ReduceMean", inputs, name, keepdims=1)

    def _concatenation(self, name: str, node: Node) -> str:
        *parts, axis = node["input"]
        _expect(int(self._model.weights[axis]) in (3, -1), name, "channels put together")
        return self._graph.node("Concat", [self.value(part) for part in parts], name, axis=1)

    def _twice(self, name: str, node: Node) -> str:
        plain = not _attribute(node, "align_corners") and not _attribute(node, "half_pixel_centers")
        _expect(plain, name, "a plain bilinear enlargement")
        factors = self._graph.constant("twice", [1.0, 1.0, 2.0, 2.0])
        return self._graph.node(
            "Resize",
            [self.value(node["input"][0]), "", factors],
            name,
            mode="linear",
            coordinate_transformation_mode="asymmetric",
        )

    _KNOWN: Mapping[str, Callable[["Conversion", str, Node], str]] = {
        "Const": _constant,
        "Placeholder": _placeholder,
        "_FusedConv2D": _convolution,
        "Conv2D": _convolution,
        "FusedDepthwiseConv2dNative": _convolution,
        "DepthwiseConv2dNative": _convolution,
        "Mul": _same,
        "Add": _same,
        "Relu": _same,
        "Sigmoid": _same,
        "Identity": _same,
        "Relu6": _relu6,
        "Mean": _mean,
        "ConcatV2": _concatenation,
        "ResizeBilinear": _twice,
    }


def _padding(side: int, step: int) -> tuple[int, int]:
    """TensorFlow's SAME on a picture whose sides are multiples of the step."""
    total = max(side - step, 0)
    return total // 2, total - total // 2


def _attribute(node: Node, name: str) -> Any:
    value = node["attr"][name]
    if "list" in value:
        if "s" in value["list"]:
            return [base64.b64decode(each).decode() for each in value["list"]["s"]]
        return [int(each) for each in value["list"].get("i", [])]
    if "s" in value:
        return base64.b64decode(value["s"]).decode()
    return value.get("b", value.get("i"))


def _expect(holds: bool, name: str, what: str) -> None:
    if not holds:
        raise ModelError(f"{name}: expected {what}")
