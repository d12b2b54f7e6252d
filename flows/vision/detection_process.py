"""The process that looks at the pictures of a source."""

import logging
from collections.abc import Mapping
from typing import Any

from connectors.base import ConnectorError
from connectors.kafka.connection import TopicConnection
from flows.vision.child_process import Child
from flows.vision.detection import Detection, DetectionSettings, model_cache
from flows.vision.models import fetched

log = logging.getLogger("vigie")

TRY_AGAIN = 30.0
"""Seconds between looks for a model that is not there."""
PASSED_ON = (
    "backend", "threads", "deadline", "hangs_after", "save_every", "skips_every",
)  # fmt: skip


def main() -> None:
    """Look at pictures until the parent ends or asks to stop."""
    child = Child()
    name = f"{child.settings['source']} detector"
    while not child.stopping.is_set():
        try:
            Detection(settings_of(child.settings), child, child.stopping).run()
        except ConnectorError as error:
            child.down(name, str(error))
            log.warning("%s: %s", name, error)
            child.stopping.wait(TRY_AGAIN)


def settings_of(given: Mapping[str, Any]) -> DetectionSettings:
    """The settings from those that the parent gave. Raises `ConnectorError`."""
    batch = given.get("batch") or {}
    return DetectionSettings(
        flow=given["flow"],
        source=given["source"],
        connection=TopicConnection.model_validate(given["connection"]),
        model=fetched(given["model"], given.get("objects"), model_cache(given.get("folder"))),
        classes=list(given["classes"]),
        folder=given.get("folder"),
        by_motion=given.get("region") == "motion",
        **{key: batch[name] for key, name in (("most", "max"), ("wait", "wait")) if name in batch},
        **{key: given[key] for key in PASSED_ON if given.get(key) is not None},
    )


if __name__ == "__main__":
    main()
