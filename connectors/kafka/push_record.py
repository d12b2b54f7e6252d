"""One line of the push topic, as flows and the api write it and the api reads it."""

from typing import Generic, TypeVar

import msgspec

Data = TypeVar("Data")


class PushRecord(msgspec.Struct, Generic[Data], frozen=True, kw_only=True):
    """An event on one channel, as one JSON object a line.

    `data` is the map under the sink's `shape` (then `shaped`), or else the event itself;
    `PushRecord[msgspec.Raw]` keeps its bytes. `time` is the event's, in epoch seconds. `first` is
    what a new client gets: `nothing`, or if it is left out the latest event of each subject.
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
