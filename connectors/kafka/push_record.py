"""One line of the push topic, as flows and the api write it and the api reads it."""

from typing import Generic, TypeVar

import msgspec

Data = TypeVar("Data")


class PushRecord(msgspec.Struct, Generic[Data], frozen=True, kw_only=True):
    """An event on one channel, as one JSON object a line.

    `data` is the map under the sink's `shape` (then `shaped`), or else the event itself;
    `PushRecord[msgspec.Raw]` keeps its bytes. `time` is the event's, in epoch seconds. `first` is
    what a new client gets: `nothing`, or if it is left out the latest event of each subject.
    `page` is the alarm's, or the event's label of that name: only those get it who may see that
    page. What has none is as visible as the `camera` that its labels name. `trace` is the event's.
    """

    channel: str
    sink: str = ""
    flow: str = ""
    id: str
    time: float
    subject: str
    data: Data
    shaped: bool = False
    first: str | msgspec.UnsetType = msgspec.UNSET
    page: str | msgspec.UnsetType = msgspec.UNSET
    camera: str | msgspec.UnsetType = msgspec.UNSET
    trace: str | msgspec.UnsetType = msgspec.UNSET


class WatchedCameras(msgspec.Struct, frozen=True, kw_only=True):
    """The cameras whose channel somebody follows at one api process, told at `at` (epoch seconds).

    The record's key is the process. It is told every `TOLD_EVERY` seconds while there are any, and
    counts for `TRUE_FOR` seconds.
    """

    cameras: list[str]
    at: float


TOLD_EVERY = 5.0
TRUE_FOR = 15.0
