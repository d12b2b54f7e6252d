"""What is known of a model: its classes, the size of its pictures, the form of its answer."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from connectors.base import ConnectorError

RAW_BOX = 4
"""Rows of a raw head before those of the classes: centre x, centre y, width, height."""
END_TO_END_COLUMNS = 6
"""Left, top, right, bottom, score, class."""
USUAL_SIZE = (640, 640)
USUAL_STRIDE = 32

Head = Literal["raw", "end_to_end"]


class ModelError(ConnectorError):
    """A model cannot be used or found; the message says what was expected and the remedy."""


class ModelFacts(Struct, frozen=True):
    """A model, as its file describes it.

    `names` are the classes in their order. `height` and `width` are those of its input in pixels,
    the largest where it takes `any_size` of whole strides.
    `head` is `raw`, (batch, 4 + classes, anchors), or `end_to_end`, (batch, found, 6). `batch` is
    the only size of a batch that it takes; None for any.
    """

    path: str
    names: list[str]
    height: int
    width: int
    head: Head
    batch: int | None = None
    any_size: bool = False
    stride: int = USUAL_STRIDE
    licence: str = ""
    about: str = ""

    def unknown(self, classes: Sequence[str]) -> list[str]:
        """Those of the wanted classes that the model does not know."""
        return [word for word in classes if word not in self.names]


def facts_of(
    path: str,
    metadata: Mapping[str, str],
    input_shape: Sequence[int | str | None],
    output_shapes: Sequence[Sequence[int | str | None]],
) -> ModelFacts:
    """The facts of an exported model, from its metadata and shapes. Raises `ModelError`.

    A size in the shape wins over the one in the metadata, which is that of the training where the
    input takes any.
    """
    if len(input_shape) != 4 or input_shape[1] not in (3, "3"):
        raise ModelError(
            f"{path}: expected one input (batch, 3, height, width) of RGB pictures, got"
            f" {tuple(input_shape)}; export a detection model"
        )
    names = _names(path, metadata)
    height, width = _size(path, metadata, input_shape)
    return ModelFacts(
        path=path,
        names=names,
        height=height,
        width=width,
        head=_head(path, names, output_shapes),
        batch=input_shape[0] if isinstance(input_shape[0], int) else None,
        any_size=not any(isinstance(side, int) for side in input_shape[2:]),
        stride=_number(metadata.get("stride"), USUAL_STRIDE),
        licence=metadata.get("license", ""),
        about=metadata.get("description", ""),
    )


def _names(path: str, metadata: Mapping[str, str]) -> list[str]:
    written = _literal(metadata.get("names"))
    if isinstance(written, dict) and written:
        try:
            by_number = {int(number): str(name) for number, name in written.items()}
        except (TypeError, ValueError):
            by_number = {}
        if sorted(by_number) == list(range(len(by_number))) and by_number:
            return [by_number[number] for number in range(len(by_number))]
    if isinstance(written, list | tuple) and written:
        return [str(name) for name in written]
    raise ModelError(
        f"{path}: its metadata has no class names (`names`, such as {{0: 'person'}}); export it"
        " with ultralytics, or add them to the file"
    )


def _size(
    path: str, metadata: Mapping[str, str], shape: Sequence[int | str | None]
) -> tuple[int, int]:
    height, width = shape[2], shape[3]
    if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
        return height, width
    written = _literal(metadata.get("imgsz"))
    if isinstance(written, int):
        written = [written, written]
    if written is None:
        return USUAL_SIZE
    if (
        isinstance(written, list | tuple)
        and len(written) == 2
        and all(isinstance(side, int) and 0 < side <= 8192 for side in written)
    ):
        return int(written[0]), int(written[1])
    raise ModelError(f"{path}: expected `imgsz` as [height, width] in its metadata, got {written}")


def _head(path: str, names: Sequence[str], shapes: Sequence[Sequence[int | str | None]]) -> Head:
    shape = shapes[0] if shapes else ()
    if len(shape) == 3:
        raw = RAW_BOX + len(names)
        if shape[1] == raw and not (shape[2] == END_TO_END_COLUMNS and raw != END_TO_END_COLUMNS):
            return "raw"
        if shape[2] == END_TO_END_COLUMNS:
            return "end_to_end"
    raise ModelError(
        f"{path}: expected an output (batch, {RAW_BOX + len(names)}, anchors) for its"
        f" {len(names)} classes, or (batch, found, {END_TO_END_COLUMNS}); got"
        f" {[tuple(shape) for shape in shapes]}. Masks, poses and classifiers are no detectors"
    )


def _literal(text: str | None) -> Any:
    if not text:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _number(text: str | None, usual: int) -> int:
    value = _literal(text)
    return value if isinstance(value, int) and value > 0 else usual
