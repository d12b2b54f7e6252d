"""How long an object store keeps the objects of a sink, as the sink says."""

from typing import NamedTuple

from connectors.config.retention import whole_days
from connectors.s3.components import Clip, Objects, Snapshot
from connectors.s3.keys import fixed_part
from connectors.s3.settings import rule_name

SINKS = (Objects, Snapshot, Clip)


class LifeCycle(NamedTuple):
    """The rule of a bucket for the keys that begin with `prefix`; `days` are None for ever."""

    bucket: str
    rule: str
    prefix: str
    days: int | None


def life_cycle(sink: Objects | Snapshot | Clip, flow: str, name: str) -> LifeCycle:
    """What the sink `name` of a flow asks of the store."""
    days = None if sink.keep is None else whole_days(sink.keep)
    prefix = f"{flow}/{name}/" if sink.key is None else fixed_part(sink.key)
    return LifeCycle(sink.bucket, rule_name(flow, name), prefix, days)
