"""The cameras of one source, as their table says at the moment."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.camera.address import AddressError
from connectors.camera.camera import Camera
from connectors.camera.components import Rtsp
from connectors.camera.connect_pace import HostPace
from connectors.camera.event_clock import EventClock
from connectors.camera.last_looks import LastLooks
from connectors.camera.motion import Polygon
from connectors.camera.output import Output
from connectors.camera.settings import (
    CameraSettings,
    Gate,
    camera_settings,
    is_running,
    name_of,
)
from connectors.camera.state import ONLINE, last_frame, state_reading
from connectors.config.variables import VariableError
from connectors.runtime import steady_clock

log = logging.getLogger("vigie")

PATIENCE = 5.0
"""Seconds for cameras to end."""


class Fleet:
    """Runs a thread a camera. Not thread-safe itself."""

    def __init__(
        self,
        source: Rtsp,
        gate: Gate | None,
        ring: Path | None,
        output: Output,
        most_bytes: int,
        pictures: bool,
        private: Mapping[str, Sequence[Polygon]],
        variables: Sequence[str],
        looks: LastLooks,
    ) -> None:
        """`private` are the polygons of the definition that nobody may see, by camera.

        `variables` are those that an address of a row may use.
        """
        self._variables = variables
        self._looks = looks
        self._source = source
        self._gate = gate
        self._ring = ring
        self._output = output
        self._most_bytes = most_bytes
        self._pictures = pictures
        self._private = private
        self._pace = HostPace()
        self._cameras: dict[str, Camera] = {}
        self._clocks: dict[str, EventClock] = {}
        self._names: dict[str, str] = {}
        self._second: dict[str, Mapping[str, Any]] = {}
        self._rows: dict[str, Mapping[str, Any]] = {}

    @property
    def keys(self) -> set[str]:
        """What the rows go by that were set one by one."""
        return {*self._names, *self._second}

    def set_rows(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run the cameras of these rows and no others; of two of one name, the first."""
        wanted: dict[str, Mapping[str, Any]] = {}
        for row in rows:
            name = name_of(row)
            if not name:
                log.warning("a row of %s has no name: %s", self._source.each, sorted(row))
                self._output.count("bad_rows", 1)
            elif name in wanted:
                log.warning("two cameras are called %r; the second one is left out", name)
                self._output.count("bad_rows", 1)
            else:
                wanted[name] = row
        for name in [name for name in self._rows if name not in wanted]:
            self._leave(name)
        for name, row in wanted.items():
            self._run(name, row)
        self.end_others()

    def end_others(self) -> None:
        """All rows are set: end what an earlier process looked at and no row is of any more."""
        for name in self._looks.known() - self._rows.keys():
            self._leave(name)

    def set_row(self, key: str, row: Mapping[str, Any]) -> None:
        """Add a camera, or take over what changed of it; `key` is what its row goes by.

        Of two of one name the second waits until the first is gone.
        """
        name = name_of(row) or key
        if self._names.get(key, name) != name:
            self.remove(key)
        if any(other == name for known, other in self._names.items() if known != key):
            if self._second.get(key) != row:
                log.warning("two cameras are called %r; the second one is left out", name)
                self._output.count("bad_rows", 1)
            self._second[key] = row
            return
        self._second.pop(key, None)
        self._names[key] = name
        self._run(name, {"name": name, **row})

    def remove(self, key: str) -> None:
        """End the camera of a row that is gone; one of its name that waited takes its place."""
        waited = self._second.pop(key, None)
        name = self._names.pop(key, key)
        if waited is not None or name in self._names.values():
            return
        self._leave(name)
        for other, row in list(self._second.items()):
            if (name_of(row) or other) == name:
                self.set_row(other, row)

    def refresh(self) -> None:
        """Take over what changed of the secrets that addresses name, such as a mended password."""
        for name, row in list(self._rows.items()):
            try:
                settings = self._settings(name, row)
            except (AddressError, VariableError):
                continue  # a secret is just being replaced, or is as wrong as it was
            running = self._cameras.get(name)
            if running is None or running.settings != settings:
                self._run(name, row)

    def seen(self, name: str) -> None:
        """Something was found on pictures of a camera. From any thread."""
        camera = self._cameras.get(name)
        if camera is not None:
            camera.seen()

    def close(self) -> None:
        """End all."""
        cameras, self._cameras = list(self._cameras.values()), {}
        for camera in cameras:
            camera.stop()
        for camera in cameras:
            camera.join(PATIENCE)

    def _run(self, name: str, row: Mapping[str, Any]) -> None:
        if not is_running(row):
            self._leave(name)
            return
        self._rows[name] = row
        try:
            settings = self._settings(name, row)
        except (AddressError, VariableError) as error:
            log.warning("%s: %s", name, error)
            self._output.count("bad_rows", 1)
            self._end(name)
            self._output.event(state_reading(name, ONLINE, False, steady_clock.now(), str(error)))
            return
        running = self._cameras.get(name)
        if running is not None and running.settings == settings:
            return
        self._end(name)
        camera = Camera(
            settings,
            self._output,
            self._pace,
            self._looks,
            self._most_bytes,
            self._pictures,
            self._clocks.setdefault(name, EventClock()),
        )
        self._cameras[name] = camera
        camera.start()

    def _settings(self, name: str, row: Mapping[str, Any]) -> CameraSettings:
        private = self._private.get(name, ())
        return camera_settings(self._source, row, self._gate, self._ring, private, self._variables)

    def _leave(self, name: str) -> None:
        """End a camera at which nobody is to look any more."""
        self._rows.pop(name, None)
        camera = self._end(name)
        if camera is not None:
            camera.leave()
        else:
            self._output.event(last_frame(name, steady_clock.now()))
        self._output.gone(name)
        self._looks.forget(name)

    def _end(self, name: str) -> Camera | None:
        """End a camera; it, if it ran."""
        camera = self._cameras.pop(name, None)
        if camera is not None:
            camera.stop()
            camera.join(PATIENCE)
        self._output.gone(name)
        return camera
