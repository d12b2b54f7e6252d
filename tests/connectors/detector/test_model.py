"""What a model's file says of it, and what is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from connectors.detector.backends import backends_for, open_backend
from connectors.detector.lookup import Places, find_model
from connectors.detector.model import ModelError, facts_of

NAMES = "{0: 'person', 1: 'car'}"
ANY = ["batch", 3, "height", "width"]


def test_names_size_and_head_come_from_the_metadata():
    metadata = {"names": NAMES, "imgsz": "[320, 416]", "stride": "16", "license": "MIT"}
    facts = facts_of("m.onnx", metadata, ANY, [["batch", 6, "anchors"]])
    assert (facts.names, facts.height, facts.width) == (["person", "car"], 320, 416)
    assert (facts.head, facts.batch, facts.stride, facts.licence) == ("raw", None, 16, "MIT")


def test_a_fixed_shape_wins_over_the_metadata():
    metadata = {"names": NAMES, "imgsz": "[640, 640]"}
    facts = facts_of("m.onnx", metadata, [1, 3, 256, 320], [[1, 6, 1344]])
    assert (facts.height, facts.width, facts.batch) == (256, 320, 1)


@pytest.mark.parametrize(
    ("shape", "names", "head"),
    [
        ([1, 6, 8400], NAMES, "raw"),
        ([1, 300, 6], NAMES, "end_to_end"),
        (["b", 6, "n"], NAMES, "raw"),
        (["b", 100, 6], "{0: 'person'}", "end_to_end"),
        (["b", 84, "n"], str(dict(enumerate("c" * 80))), "raw"),
        ([1, 6, 6], NAMES, "raw"),
    ],
)
def test_the_form_of_the_answer_is_told_by_its_shape(shape, names, head):
    assert facts_of("m", {"names": names}, ANY, [shape]).head == head


@pytest.mark.parametrize(
    ("metadata", "shape", "outputs", "words"),
    [
        ({}, ANY, [["b", 6, 1]], "no class names"),
        ({"names": "{0: 'a', 2: 'b'}"}, ANY, [["b", 6, 1]], "no class names"),
        ({"names": "import os"}, ANY, [["b", 6, 1]], "no class names"),
        ({"names": NAMES}, ["b", 1, 28, 28], [["b", 6, 1]], "RGB"),
        ({"names": NAMES}, ANY, [["b", 1000]], "no detectors"),
        ({"names": NAMES}, ANY, [["b", 38, "n"], ["b", 32, 160, 160]], "no detectors"),
        ({"names": NAMES, "imgsz": "'large'"}, ANY, [["b", 6, 1]], "imgsz"),
    ],
)
def test_what_is_no_detector_is_refused_in_words(metadata, shape, outputs, words):
    with pytest.raises(ModelError, match=words):
        facts_of("m.onnx", metadata, shape, outputs)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "notes.onnx"
    path.write_bytes(b"hello")
    with pytest.raises(ModelError, match="no ONNX model"):
        open_backend("onnxruntime", str(path))


def test_a_model_cut_short_is_refused(tmp_path):
    path = tmp_path / "half.onnx"
    whole = Path(find_model("demo8n", Places())).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="no ONNX model"):
        open_backend("onnxruntime", str(path))


def test_the_backends_of_a_file_follow_from_its_suffix():
    assert "onnxruntime" in backends_for("m.onnx")
    assert backends_for("m.onnx", "openvino")[0] == "openvino"
    with pytest.raises(ModelError, match="expected a model as"):
        backends_for("m.txt")
    with pytest.raises(ModelError, match="does not run"):
        backends_for("m.onnx", "ultralytics")


def test_only_a_model_of_its_own_brings_ultralytics():
    program = (
        "import sys; from connectors.detector import worker_process as w;"
        "from connectors.detector.worker_messages import Setup;"
        f"w.load(Setup('onnxruntime', {find_model('demo8n', Places())!r}, threads=1, batch=1));"
        "print(sorted({'ultralytics', 'torch', 'openvino'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
