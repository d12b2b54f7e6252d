"""What a program that runs models can do, and the half that those with tensors share."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from connectors.detector.letterbox import Placement, covering, letterbox
from connectors.detector.model import ModelFacts
from connectors.detector.objects import Floats, Limits, Objects, Pixels
from connectors.detector.postprocess import objects_of


class Backend(Protocol):
    """A loaded model. `prepare` may run in another thread beside `find`."""

    @property
    def facts(self) -> ModelFacts:
        """The model, as its file describes it."""

    @property
    def device(self) -> str:
        """Where it runs: `cpu`, `cuda`, ..."""

    def prepare(self, pictures: Sequence[Pixels]) -> Any:
        """Bring pictures into the form that `find` takes."""

    def find(self, prepared: Any, limits: Limits) -> list[Objects]:
        """Run the model on prepared pictures; the objects of each."""


class Tensor(NamedTuple):
    """Prepared pictures: (batch, 3, height, width), and where each lies on it."""

    values: Floats
    placements: list[Placement]


class TensorBackend:
    """A backend that is a function from a tensor to a tensor; a subclass gives `run`."""

    def __init__(self, facts: ModelFacts, device: str) -> None:
        self.facts = facts
        self.device = device

    def run(self, values: Floats) -> Floats:
        """The model's answer to (batch, 3, height, width)."""
        raise NotImplementedError

    def prepare(self, pictures: Sequence[Pixels]) -> Tensor:
        """Scale pictures to the model's size."""
        facts = self.facts
        size = facts.height, facts.width
        if facts.any_size:
            size = covering(pictures, *size, facts.stride)
        return Tensor(*letterbox(pictures, *size))

    def find(self, prepared: Tensor, limits: Limits) -> list[Objects]:
        """Run the model; one that takes a fixed number of pictures runs as often as need be."""
        values, placements = prepared
        if not placements:
            return []
        fixed = self.facts.batch
        if fixed is None or fixed == len(placements):
            answer = self.run(values)
        else:
            answer = np.concatenate([self._filled(part, fixed) for part in _parts(values, fixed)])
        return objects_of(answer, placements, self.facts.head, limits)

    def _filled(self, values: Floats, size: int) -> Floats:
        missing = size - len(values)
        if missing:
            values = np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])
        return self.run(values)[: size - missing]


def _parts(values: Floats, size: int) -> list[Floats]:
    return [values[at : at + size] for at in range(0, len(values), size)]
