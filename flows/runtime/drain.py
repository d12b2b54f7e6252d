"""The end of a running dataflow with its state saved."""

import threading

from bytewax.inputs import AbortExecution

SNAPSHOTS = 2
"""After so many snapshots of a partition, one of them is durable."""


class Drain:
    """Stops a running dataflow once all that was read is durable.

    After a request no source reads on. Once every source partition has been snapshotted often
    enough, execution is aborted, which leaves the recovery store as it is.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._snapshots: dict[str, int] = {}

    def join(self, part: str) -> None:
        """Wait for this source partition, too."""
        self._snapshots[part] = 0

    def snapshotted(self, part: str) -> None:
        """Note that a partition's position was saved."""
        if self._stopping.is_set():
            self._snapshots[part] += 1

    def requested(self) -> bool:
        """Whether reading must stop; raises `AbortExecution` once the drain is done."""
        if self._stopping.is_set() and min(self._snapshots.values()) > SNAPSHOTS:
            raise AbortExecution()
        return self._stopping.is_set()
