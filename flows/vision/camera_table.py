"""Cameras as a topic has them, the one the api writes: followed while the flow runs."""

import threading
from dataclasses import replace

from connectors.base import Batch, ConnectorContext, Stopped
from connectors.camera.fleet import Fleet
from connectors.kafka.compacted import row_key
from connectors.kafka.components import Topic
from operators.model.tables import is_deleted, row_of

LOOK_AGAIN = 1.0
"""Seconds after which topic and secrets are looked at even if nobody says that something came."""


def follow_table(topic: Topic, context: ConnectorContext, fleet: Fleet) -> None:
    """Run the cameras of a compacted topic until the flow ends."""
    came = threading.Event()
    context = _waking(context, came)
    try:
        parts = topic.partitions(context)
    except Stopped:
        return
    readers = [topic.open(context, part, None) for part in parts]
    try:
        while not context.stopping.is_set():
            for reader in readers:
                batch = reader.read()
                if batch is not None:
                    _take(batch, fleet)
            fleet.refresh()
            came.wait(LOOK_AGAIN)
            came.clear()
    finally:
        for reader in readers:
            reader.close()


def _take(batch: Batch, fleet: Fleet) -> None:
    if batch.whole and batch.events:
        keys = {row_key(event) for event in batch.events}
        for gone in fleet.keys - keys:
            fleet.remove(gone)
    for event in batch.events:
        if is_deleted(event):
            fleet.remove(row_key(event))
        else:
            fleet.set_row(row_key(event), row_of(event))
    if batch.whole:
        fleet.end_others()


def _waking(context: ConnectorContext, came: threading.Event) -> ConnectorContext:
    return replace(context, arrived=came.set)
