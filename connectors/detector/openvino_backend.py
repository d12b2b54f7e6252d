"""Models on OpenVINO: its own files (`.xml`) and ONNX; the quickest on processors of Intel."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from connectors.detector.backend import TensorBackend
from connectors.detector.model import ModelError, facts_of
from connectors.detector.objects import Floats
from connectors.runtime.optional_packages import needing


class OpenVinoBackend(TensorBackend):
    """A model on a device of OpenVINO: `CPU`, `GPU`, `NPU`. `threads` of 0 is all cores.

    Raises `ModelError` for a file that is no detector, or a device that is not there.
    """

    def __init__(self, path: str, threads: int = 0, device: str = "CPU") -> None:
        with needing("OpenVINO", "openvino", "openvino"):
            import openvino
        core: Any = openvino.Core()
        if device not in {name.partition(".")[0] for name in core.available_devices}:
            raise ModelError(f"OpenVINO has no {device} here, only {core.available_devices}")
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": 1}
        if threads and device == "CPU":
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            model = core.read_model(path)
            facts = facts_of(
                path,
                _metadata(path, model),
                _shape(model.inputs[0]),
                [_shape(port) for port in model.outputs],
            )
            if device != "CPU":  # the others compile anew for each size
                facts = msgspec.structs.replace(facts, any_size=False)
            if facts.head == "end_to_end":
                # it compares and moves boxes itself, for which 16 bits are too few
                settings["INFERENCE_PRECISION_HINT"] = "f32"
            self._compiled: Any = core.compile_model(model, device, settings)
        except RuntimeError as error:
            words = " ".join(str(error).split())[:300]
            raise ModelError(f"{path} is no model that OpenVINO runs here: {words}") from error
        super().__init__(facts, device.lower())

    def run(self, values: Floats) -> Floats:
        """The model's answer."""
        return np.asarray(self._compiled(values)[0])


def _shape(port: Any) -> list[int | None]:
    return [side.get_length() if side.is_static else None for side in port.partial_shape]


def _metadata(path: str, model: Any) -> Mapping[str, str]:
    """What an export says of the model: in the model, or in `metadata.yaml` beside it."""
    beside = Path(path).with_name("metadata.yaml")
    if beside.exists():
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            written = YAML(typ="safe", pure=True).load(beside.read_text(encoding="utf-8"))
        except (YAMLError, UnicodeDecodeError) as error:
            raise ModelError(f"{beside}: {error}") from error
        return {str(key): str(value) for key, value in (written or {}).items()}
    found = {}
    for where in (("framework",), ("model_info",)):
        for name in ("names", "imgsz", "stride", "license", "description"):
            if model.has_rt_info([*where, name]):
                found[name] = str(model.get_rt_info([*where, name]).astype(str))
    return found
