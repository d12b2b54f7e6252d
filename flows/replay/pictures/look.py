"""How the pictures of a camera source are looked at, as its definition says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.camera.components import Rtsp
from connectors.config.site import Site
from connectors.runtime.optional_packages import needing
from flows.dataflow.compiler import NotRunnable
from flows.language.model import Flow
from flows.vision.models import fetched, model_settings
from flows.vision.picture_steps import UnlikeSteps, picture_steps

Polygons = tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True)
class View:
    """A camera: pictures a second, polygons in which motion does not count, and labels."""

    name: str
    fps: float
    masks: Polygons = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Look:
    """The work on the pictures of a source; those of one look are looked at once.

    `model` is a file, or the address of a fake; None if no stream looks at pictures. `gate` is the
    area that must move, as a fraction, and the seconds that it stays open; None lets all pass.
    `usual` is a camera that no row describes; it is of use where `views` is empty. `by_motion`:
    look where something moves, and not at whole pictures.
    """

    model: str | None
    classes: tuple[str, ...]
    gate: tuple[float, float] | None
    views: tuple[View, ...]
    usual: View
    by_motion: bool = False

    def view(self, camera: str) -> View:
        """What is known of a camera."""
        return next((view for view in self.views if view.name == camera), self.usual)


def look_of(
    flow: Flow,
    source: str,
    rows: Sequence[Mapping[str, Any]],
    site: Site,
    folder: Path,
    cache: Path,
) -> Look:
    """The look of a source, whose cameras are `rows`; models are looked for beside `folder`.

    Raises `ConnectorError` and `NotRunnable`.
    """
    with needing("pictures in a replay", "vision", "cv2", "av", "numpy", "onnxruntime"):
        from connectors.camera.settings import fps_of, labels_of, name_of
    settings = flow.sources[source].settings
    assert isinstance(settings, Rtsp)
    try:
        steps = picture_steps(flow, source)
    except UnlikeSteps as error:
        raise NotRunnable(str(error)) from None
    model = None
    if steps.detect is not None:
        model = fetched(**model_settings(steps.detect.model, site, folder), cache=cache / "models")
    views = [
        View(
            name_of(row),
            fps_of(settings, row),
            _polygons(settings, name_of(row)),
            tuple(sorted(labels_of(settings, row).items())),
        )
        for row in rows
        if name_of(row)
    ]
    return Look(
        model,
        tuple(steps.detect.classes) if steps.detect else (),
        (steps.gate.area, steps.gate.hold) if steps.gate else None,
        tuple(views),
        View("", settings.fps),
        steps.detect is not None and steps.detect.region == "motion",
    )


def _polygons(settings: Rtsp, camera: str) -> Polygons:
    return tuple(tuple(polygon) for polygon in settings.motion_masks.get(camera, []))
