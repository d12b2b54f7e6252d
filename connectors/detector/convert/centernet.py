"""The end of a CenterNet: peaks of a heat map become boxes.

Zhou, Wang, Krähenbühl: "Objects as Points", 2019.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from connectors.detector.convert.onnx_file import FLOAT, Graph
from connectors.detector.convert.tfjs import INPUT, Conversion, TfjsModel

HEAT, SIZES, STRIDE = "tower_0/keypoints", "tower_0/wh", "tower_0/mul_3/y"
MOST = 100
OVERLAP = 0.5
LEAST = 0.01
APART = 8192.0
"""Boxes of different classes are moved apart by this many pixels, so that they never overlap."""


def convert(path: Path, names: Sequence[str], metadata: Mapping[str, str]) -> bytes:
    """A CenterNet of TensorFlow.js as ONNX, with a head as of end-to-end exports: (batch, 100, 6).

    Any batch and any size of pictures in multiples of 32. Raises `ModelError`.
    """
    model, graph = TfjsModel(path), Graph("centernet")
    conversion = Conversion(model, graph)
    heat, sizes = conversion.value(HEAT), conversion.value(SIZES)
    _decode(graph, heat, sizes, len(names), float(model.weights[STRIDE]))
    return graph.model(
        {INPUT: ["batch", 3, "height", "width"]}, {"output0": ["batch", MOST, 6]}, metadata
    )


def _decode(graph: Graph, heat: str, sizes: str, classes: int, stride: float) -> None:
    """Peaks, the best of them, their boxes, and class by class the best of those that overlap."""
    node = graph.node

    def number(value: int) -> str:
        return graph.constant(f"number_{value}", value)

    def numbers(name: str, *values: int) -> str:
        return graph.constant(name, list(values))

    zero = graph.constant("zero", 0.0)
    node("MaxPool", [heat], "pooled", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    node("Equal", [heat, "pooled"], "is_peak")
    node("Where", ["is_peak", heat, zero], "peaks")
    node("Transpose", ["peaks"], "classes_last", perm=[0, 2, 3, 1])
    node("Flatten", ["classes_last"], "flat", axis=1)
    node("TopK", ["flat", numbers("most", MOST)], "score", "index", axis=1, sorted=1)
    node("Div", ["index", number(classes)], "place")
    node("Mul", ["place", number(classes)], "first_class")
    node("Sub", ["index", "first_class"], "class")
    node("Shape", [heat], "heat_shape")
    node("Gather", ["heat_shape", number(3)], "columns", axis=0)
    node("Div", ["place", "columns"], "row")
    node("Mul", ["row", "columns"], "row_start")
    node("Sub", ["place", "row_start"], "column")
    for name in ("row", "column", "class"):
        node("Cast", [name], f"{name}_float", to=FLOAT)
    first = numbers("first", 1)
    node("Reshape", [sizes, numbers("four_rows", 0, 4, -1)], "sizes_flat")
    node("Unsqueeze", ["place", first], "place_row")
    node("Expand", ["place_row", numbers("four_times", 1, 4, 1)], "place_rows")
    node("GatherElements", ["sizes_flat", "place_rows"], "reach", axis=2)
    sides = ("to_left", "to_top", "to_right", "to_low")
    node("Split", ["reach"], *sides, axis=1, num_outputs=4)
    for axis, source in (("x", "column"), ("y", "row")):
        node("Mul", [f"{source}_float", graph.constant("stride", stride)], f"{axis}_centres")
        node("Unsqueeze", [f"{axis}_centres", first], f"{axis}_centre")
    node("Sub", ["x_centre", "to_left"], "left")
    node("Sub", ["y_centre", "to_top"], "top")
    node("Add", ["x_centre", "to_right"], "right")
    node("Add", ["y_centre", "to_low"], "low")
    node("Unsqueeze", ["class_float", first], "class_row")
    _suppress(graph, first)
    node("Unsqueeze", ["kept_score", first], "score_row")
    columns = ["left", "top", "right", "low", "score_row", "class_row"]
    node("Concat", columns, "columns_first", axis=1)
    node("Transpose", ["columns_first"], "output0", perm=[0, 2, 1])


def _suppress(graph: Graph, first: str) -> None:
    """Give what overlaps something better of its class the score 0."""
    node = graph.node
    node("Mul", ["class_row", graph.constant("apart", APART)], "offset")
    for name in ("left", "top", "right", "low"):
        node("Add", [name, "offset"], f"{name}_apart")
    corners = [f"{name}_apart" for name in ("top", "left", "low", "right")]
    node("Concat", corners, "corners", axis=1)
    node("Transpose", ["corners"], "boxes", perm=[0, 2, 1])
    node("Unsqueeze", ["score", first], "scores")
    limits = [
        graph.constant("most", [MOST]),
        graph.constant("overlap", [OVERLAP]),
        graph.constant("least", [LEAST]),
    ]
    node("NonMaxSuppression", ["boxes", "scores", *limits], "selected")
    node("Gather", ["selected", graph.constant("batch_and_box", [0, 2])], "kept_at", axis=1)
    node("Gather", ["kept_at", graph.constant("number_0", 0)], "kept_batch", axis=1)
    node("Shape", ["kept_batch"], "kept_count")
    node("Shape", ["score"], "score_shape")
    node("ConstantOfShape", ["score_shape"], "zeros", value=np.zeros(1, np.float32))
    node("ConstantOfShape", ["kept_count"], "ones", value=np.ones(1, np.float32))
    node("ScatterND", ["zeros", "kept_at", "ones"], "kept")
    node("Mul", ["score", "kept"], "kept_score")
