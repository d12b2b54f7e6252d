"""OpenVINO beside onnxruntime, where the extra openvino is installed."""

import numpy as np
import pytest

from connectors.detector.backends import backends_for, open_backend
from connectors.detector.lookup import Places, find_model
from connectors.detector.model import ModelError
from connectors.detector.objects import Limits
from infra.demo import street_scenes

pytest.importorskip("openvino", reason="the extra openvino is not installed")

DEMO = find_model("demo8n", Places())


def test_it_finds_what_onnxruntime_finds():
    shown = [picture for picture, _ in street_scenes.video(11, pictures=20)][::4]
    ours, theirs = (open_backend(name, DEMO, 1) for name in ("onnxruntime", "openvino"))
    assert theirs.facts == ours.facts
    for one, other in zip(
        ours.find(ours.prepare(shown), Limits(0.4)),
        theirs.find(theirs.prepare(shown), Limits(0.4)),
        strict=True,
    ):
        assert one.classes.tolist() == other.classes.tolist()
        assert np.allclose(one.boxes, other.boxes, atol=2)
        assert np.allclose(one.scores, other.scores, atol=0.03)


def test_it_is_one_of_the_backends_and_a_device_that_is_not_there_is_named():
    assert "openvino" in backends_for(DEMO)
    with pytest.raises(ModelError, match="OpenVINO has no NPU here"):
        open_backend("openvino-npu", DEMO)
