"""Models of ultralytics: run as they are, and turned into ONNX. Run by `make test-ultralytics`.

The weights are those of the demo model, so that both must find the same.
"""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ultralytics", reason="run by make test-ultralytics")

from connectors.detector.backends import open_backend
from connectors.detector.convert.ultralytics_export import export
from connectors.detector.lookup import Places, find_model
from connectors.detector.model import ModelError
from connectors.detector.objects import Limits, Objects
from infra.demo import street_scenes

SIZE = 320
DEMO = find_model("demo8n", Places())
SURE = Limits(0.3)


@pytest.fixture(scope="module")
def pt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo model as ultralytics has it: its fused weights, and norms that do nothing."""
    import onnx
    import torch
    import yaml
    from onnx import numpy_helper
    from ultralytics import YOLO
    from ultralytics.utils import ROOT

    folder = tmp_path_factory.mktemp("pt")
    shape = yaml.safe_load((ROOT / "cfg/models/v8/yolov8.yaml").read_text())
    shape |= {"nc": 2, "scales": {"n": [0.33, 0.125, 512]}}
    (folder / "demo8n.yaml").write_text(yaml.safe_dump(shape))
    model = YOLO(str(folder / "demo8n.yaml"), task="detect")
    weights = {
        each.name: torch.from_numpy(numpy_helper.to_array(each).copy())
        for each in onnx.load(DEMO).graph.initializer
        if each.name.startswith("model.")
    }
    state = model.model.state_dict()
    for name in state:
        norm = name.rpartition(".bn.")
        if norm[1]:
            state[name] = {
                "weight": torch.ones_like(state[name]),
                "bias": weights.get(f"{norm[0]}.conv.bias", state[name]),
                "running_mean": torch.zeros_like(state[name]),
                "running_var": torch.ones_like(state[name]) - 1e-3,  # the norm adds it
            }.get(norm[2], state[name])
        else:
            state[name] = weights.get(name, state[name])
    model.model.load_state_dict(state)
    model.model.names = {0: "person", 1: "car"}
    path = folder / "demo8n.pt"
    model.save(str(path))
    torch.save(torch.load(path) | {"train_args": {"imgsz": SIZE, "task": "detect"}}, path)
    return path


def pictures() -> list[np.ndarray]:
    return [picture for picture, _ in street_scenes.video(103, SIZE, SIZE, pictures=40)][::5]


def same(one: Objects, other: Objects) -> None:
    assert one.classes.tolist() == other.classes.tolist()
    assert np.allclose(one.scores, other.scores, atol=0.02)
    assert np.allclose(one.boxes, other.boxes, atol=2.0)


def find(name: str, path: str, shown: list[np.ndarray]) -> list[Objects]:
    backend = open_backend(name, path, 1)
    return backend.find(backend.prepare(shown), SURE)


def test_a_model_of_ultralytics_finds_what_its_onnx_form_does(pt):
    shown = pictures()
    ours, theirs = find("onnxruntime", DEMO, shown), find("ultralytics-cpu", str(pt), shown)
    assert sum(len(each.scores) for each in ours) > 5
    for one, other in zip(ours, theirs, strict=True):
        same(one, other)


def test_its_facts_are_told(pt):
    facts = open_backend("ultralytics", str(pt)).facts
    assert facts.names == ["person", "car"]
    assert (facts.height, facts.width) == (SIZE, SIZE)
    assert "AGPL" in facts.licence


def test_wanted_classes_and_empty_batches_are_as_for_others(pt):
    backend = open_backend("ultralytics-cpu", str(pt), 1)
    found = backend.find(backend.prepare(pictures()), Limits(0.3, [1]))
    assert {number for each in found for number in each.classes.tolist()} <= {1}
    assert backend.find(backend.prepare([]), SURE) == []


def test_an_export_to_onnx_is_a_model_for_any_batch(pt, tmp_path):
    made = export(pt, tmp_path / "models" / "yard.onnx", "onnx", SIZE)
    facts = open_backend("onnxruntime", str(made)).facts
    assert (facts.names, facts.head, facts.batch) == (["person", "car"], "raw", None)
    assert (facts.height, facts.width) == (SIZE, SIZE)
    shown = pictures()
    for one, other in zip(
        find("onnxruntime", str(made), shown), find("onnxruntime", DEMO, shown), strict=True
    ):
        same(one, other)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(b"hello")
    with pytest.raises(ModelError, match="no model of ultralytics"):
        open_backend("ultralytics", str(path))
    with pytest.raises(ModelError, match="no file"):
        open_backend("ultralytics", str(tmp_path / "yolov8n.pt"))
