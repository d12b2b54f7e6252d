"""Models of others as ONNX: the file that is written runs, and finds what the model says."""

import base64
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from connectors.detector.convert import coco
from connectors.detector.convert.centernet import convert
from connectors.detector.convert.onnx_file import Graph
from connectors.detector.convert.tfjs import TfjsModel
from connectors.detector.convert.ultralytics_export import export
from connectors.detector.model import ModelError
from connectors.detector.objects import Limits
from connectors.detector.onnx_backend import OnnxBackend

CLASSES = ["person", "car"]


def run(data: bytes, **inputs: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(data).run(None, inputs)[0]


def test_a_written_file_runs_and_keeps_its_metadata():
    graph = Graph("sums")
    graph.node("Add", ["x", graph.constant("two", 2.0)], "more")
    graph.node("Transpose", ["more"], "y", perm=[1, 0])
    data = graph.model({"x": ["n", 2]}, {"y": [2, "n"]}, {"names": "{0: 'person'}", "é": "ü"})
    assert run(data, x=np.float32([[1, 2], [3, 4]])).tolist() == [[3, 5], [4, 6]]
    kept = onnxruntime.InferenceSession(data).get_modelmeta().custom_metadata_map
    assert kept == {"names": "{0: 'person'}", "é": "ü"}


def test_numbers_below_zero_and_long_files_are_written():
    graph = Graph("long")
    graph.node("Reshape", ["x", graph.constant("shape", [-1])], "flat")
    graph.node("Add", ["flat", graph.constant("many", np.arange(70_000.0))], "y")
    data = graph.model({"x": [70, 1000]}, {"y": [70_000]}, {})
    assert run(data, x=np.ones((70, 1000), np.float32))[-1] == 70_000


class Tiny:
    """A network of TensorFlow.js: one convolution, and the two ends that a CenterNet has."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tiny.json"
        self.nodes: list[dict] = [{"name": "image", "op": "Placeholder"}]
        self.weights: dict[str, np.ndarray] = {}
        self.constant("tower_0/mul_3/y", np.float32(4))

    def constant(self, name: str, value: np.ndarray) -> str:
        self.weights[name] = np.asarray(value, np.float32)
        self.nodes.append({"name": name, "op": "Const"})
        return name

    def convolution(self, name: str, source: str, kernel: np.ndarray, step: int, *after: str):
        inputs = [source, self.constant(f"{name}/k", kernel)]
        if "BiasAdd" in after:
            bias = np.linspace(-3, -2, kernel.shape[3], dtype=np.float32)
            inputs.append(self.constant(f"{name}/b", bias))
        listed = [base64.b64encode(word.encode()).decode() for word in after]
        attributes = {
            "strides": {"list": {"i": ["1", str(step), str(step), "1"]}},
            "dilations": {"list": {"i": ["1", "1", "1", "1"]}},
            "padding": {"s": base64.b64encode(b"SAME").decode()},
            "data_format": {"s": base64.b64encode(b"NHWC").decode()},
            "fused_ops": {"list": {"s": listed} if listed else {}},
        }
        self.nodes.append({"name": name, "op": "_FusedConv2D", "input": inputs, "attr": attributes})

    def operation(self, name: str, operator: str, *inputs: str) -> None:
        self.nodes.append({"name": name, "op": operator, "input": list(inputs), "attr": {}})

    def write(self) -> Path:
        data = b"".join(value.astype("<f4").tobytes() for value in self.weights.values())
        weights = [
            {"name": name, "shape": list(value.shape), "dtype": "float32"}
            for name, value in self.weights.items()
        ]
        manifest = [{"paths": ["tiny.bin"], "weights": weights}]
        written = {"modelTopology": {"node": self.nodes}, "weightsManifest": manifest}
        self.path.write_text(json.dumps(written))
        self.path.with_name("tiny.bin").write_bytes(data)
        return self.path


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Its heat is how red or blue a place is, each box reaches eight pixels to all sides."""
    net = Tiny(tmp_path)
    net.convolution("shrunk", "image", np.ones((4, 4, 3, 3)) / 48 * np.eye(3), 4)
    heat = np.zeros((1, 1, 3, 2), np.float32)
    heat[0, 0, 0, 0] = heat[0, 0, 2, 1] = 6 / 255
    net.convolution("heat", "shrunk", heat, 1, "BiasAdd")
    net.operation("tower_0/keypoints", "Sigmoid", "heat")
    net.convolution("net/flat", "shrunk", np.zeros((1, 1, 3, 4)), 1)
    net.operation("tower_0/wh", "Add", "net/flat", net.constant("eight", np.float32(8)))
    return net.write()


def test_a_centernet_finds_the_peaks_of_its_heat_in_any_batch(tiny, tmp_path):
    path = tmp_path / "tiny.onnx"
    path.write_bytes(convert(tiny, CLASSES, {"names": str(dict(enumerate(CLASSES)))}))
    backend = OnnxBackend(str(path), threads=1)
    assert backend.facts.head == "end_to_end"
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[16:20, 40:44, 2] = 255  # red: a person
    picture[48:52, 8:12, 0] = 255  # blue: a car
    empty = np.zeros_like(picture)
    values = np.stack([picture, empty])[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255
    both, none = run(path.read_bytes(), images=np.ascontiguousarray(values))
    found = both[both[:, 4] > 0.15]
    assert sorted(found[:, 5].tolist()) == [0, 1]
    person = found[found[:, 5] == 0][0]
    assert person[:4].tolist() == [40 - 8, 16 - 8, 40 + 8, 16 + 8]
    car = found[found[:, 5] == 1][0]
    assert car[:4].tolist() == [8 - 8, 48 - 8, 8 + 8, 48 + 8]
    assert none[:, 4].max() < 0.15
    assert len(backend.find(backend.prepare([picture]), Limits(0.15))[0].scores) >= 0


def test_an_operation_that_is_not_known_is_named(tmp_path):
    net = Tiny(tmp_path)
    net.operation("tower_0/keypoints", "Tanh", "image")
    with pytest.raises(ModelError, match=r"Tanh \(tower_0/keypoints\) is not known"):
        convert(net.write(), CLASSES, {})


def test_weights_that_are_cut_short_are_refused(tiny):
    beside = tiny.with_name("tiny.bin")
    beside.write_bytes(beside.read_bytes()[:-4])
    with pytest.raises(ModelError, match="no model of TensorFlow"):
        TfjsModel(tiny)


def archive(path: Path, **files: bytes) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"package/models/{name.replace('_', '.')}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def test_another_archive_than_the_expected_one_is_refused(tmp_path):
    other = archive(tmp_path / "a.tgz", centernet_json=b"{}", centernet_bin=b"")
    with pytest.raises(ModelError, match="is not that of @vladmandic"):
        coco.unpack(other, tmp_path)
    with pytest.raises(ModelError, match=r"has no package/models/centernet\.json"):
        coco.unpack(archive(tmp_path / "b.tgz"), tmp_path)
    (tmp_path / "c.tgz").write_bytes(b"no archive")
    with pytest.raises(ModelError, match="is not the archive of"):
        coco.unpack(tmp_path / "c.tgz", tmp_path)


def test_without_npm_it_is_said_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelError, match="needs npm"):
        coco.npm_pack(tmp_path)


def test_the_eighty_classes_are_all_there():
    assert len(set(coco.NAMES)) == 80
    assert [coco.NAMES[n] for n in (0, 2, 7, 79)] == ["person", "car", "truck", "toothbrush"]


def test_only_a_model_of_ultralytics_is_exported(tmp_path):
    with pytest.raises(ModelError, match=r"\.pt"):
        export(tmp_path / "a.onnx", tmp_path / "b.onnx", "onnx")
