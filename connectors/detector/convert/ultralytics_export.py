"""Models of ultralytics turned into ONNX or OpenVINO, by ultralytics itself.

It and what it makes are under the AGPL-3.0.
"""

import shutil
from pathlib import Path
from typing import Any, Literal

from connectors.detector.model import ModelError

OPSET = 17
"""The newest that torch 1.13 writes, too."""
Form = Literal["onnx", "openvino"]


def export(source: Path, target: Path, form: Form, size: int | None = None) -> Path:
    """Write a `.pt` as ONNX (`target` is a file) or for OpenVINO (`target` is a folder).

    Batches may have any size. The file of the model is returned. Raises `ModelError`, and
    `ConnectorError` where ultralytics is missing.
    """
    from connectors.detector.ultralytics_backend import load

    if source.suffix != ".pt":
        raise ModelError(f"expected a model of ultralytics (.pt), got {source}")
    model: Any = load(str(source), task=None)
    if model.task != "detect":
        raise ModelError(f"{source}: expected a model that detects, got one to {model.task}")
    options: dict[str, Any] = {"format": form, "dynamic": True}
    if size is not None:
        options["imgsz"] = size
    if form == "onnx":
        options["opset"] = OPSET
    try:
        made = Path(str(model.export(**options)))
    except Exception as error:  # whatever torch, onnx and OpenVINO raise
        words = " ".join(str(error).split())[:300]
        raise ModelError(f"ultralytics could not export {source}: {words}") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    if form == "onnx":
        shutil.move(made, target)
        return target
    if target.exists():
        raise ModelError(f"{target} is there already; remove it, or name another with --output")
    shutil.move(made, target)
    return next(target.glob("*.xml"))
