"""Models of ultralytics (`.pt`, `.engine`) on torch.

ultralytics and the models that it makes are under the AGPL-3.0. This module is imported only where
such a model is named, and nothing else in Vigie needs it.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from connectors.detector.model import ModelError, ModelFacts
from connectors.detector.objects import Limits, Objects, Pixels
from connectors.runtime.optional_packages import needing

PACKAGES = ("ultralytics", "torch", "torchvision")


def load(path: str, task: str | None = "detect") -> Any:
    """A model of ultralytics, which asks nothing of the network. Raises `ModelError`."""
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    with needing(f"the model {path}", "ultralytics", *PACKAGES):
        from ultralytics import YOLO
    if not os.path.exists(path):  # ultralytics would try to download it
        raise ModelError(f"there is no file {path}")
    try:
        model: Any = YOLO(path, task=task)
    except Exception as error:  # whatever unpickling the file raises
        words = " ".join(str(error).split())[:300]
        raise ModelError(f"{path} is no model of ultralytics: {words}") from error
    return model


class UltralyticsBackend:
    """A model on a device of torch: `cpu`, `cuda`; None takes a GPU if there is one.

    A model made for some number of pictures (`.engine`) runs as often as need be.
    """

    def __init__(self, path: str, threads: int = 0, device: str | None = None) -> None:
        self._model = load(path)
        import torch

        if threads:
            torch.set_num_threads(threads)
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._quiet = {"verbose": False, "device": self.device}
        # the first picture makes it load; only then its names are known for every form
        self._model.predict(np.zeros((64, 64, 3), np.uint8), **self._quiet)
        if getattr(self._model, "task", "detect") != "detect":
            raise ModelError(
                f"{path}: expected a model that detects, got one to {self._model.task}"
            )
        size = self._model.predictor.imgsz
        names = self._model.names
        self.facts = ModelFacts(
            path=path,
            names=[str(names[number]) for number in sorted(names)],
            height=int(size[0]),
            width=int(size[-1]),
            head="end_to_end",
            stride=int(getattr(self._model.predictor.model, "stride", 32)),
            licence="AGPL-3.0 (ultralytics)",
        )

    def prepare(self, pictures: Sequence[Pixels]) -> list[Pixels]:
        """Nothing: ultralytics scales pictures itself."""
        return list(pictures)

    def find(self, prepared: list[Pixels], limits: Limits) -> list[Objects]:
        """Run the model."""
        if not prepared:
            return []
        classes = None if limits.classes is None else list(limits.classes)
        answers = self._model.predict(
            prepared,
            conf=limits.floor,
            iou=limits.overlap,
            max_det=limits.most,
            classes=classes,
            imgsz=[self.facts.height, self.facts.width],
            **self._quiet,
        )
        return [_objects(answer) for answer in answers]


def _objects(answer: Any) -> Objects:
    boxes = answer.boxes
    return Objects(
        boxes.xyxy.cpu().numpy().astype(np.float32),
        boxes.conf.cpu().numpy().astype(np.float32),
        boxes.cls.cpu().numpy().astype(np.int64),
    )
