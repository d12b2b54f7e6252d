"""`vigie run` in which one part of the dataflow fails: `python -m tests.flows.runtime.failing PART
ERROR run ...`.
"""

import sys
from collections.abc import Callable
from typing import Any

from connectors.base import ConnectorError, Stopped
from connectors.kafka.components import TopicSink
from flows.cli import main
from flows.dataflow.compiler import NotRunnable
from flows.runtime import bytewax_adapter as adapter
from flows.runtime.shard_logic import ShardLogic
from flows.runtime.shards import StateError
from flows.runtime.sources.reader import SourceReader

PARTS: dict[str, tuple[type, str]] = {
    "partitions of a source": (adapter._Source, "list_parts"),
    "opening a source": (adapter._Source, "build_part"),
    "reading": (SourceReader, "next_batch"),
    "position": (SourceReader, "snapshot"),
    "making a graph": (ShardLogic, "__init__"),
    "step": (ShardLogic, "on_batch"),
    "state": (ShardLogic, "snapshot"),
    "opening a sink": (adapter._Sink, "build_part"),
    "writing": (adapter._SinkPart, "write_batch"),
    "flush": (adapter._SinkPart, "snapshot"),
}
ERRORS: dict[str, type[Exception]] = {
    error.__name__: error for error in (ConnectorError, Stopped, NotRunnable, StateError, KeyError)
}
MESSAGE = "expected a rack, got a shed; write 'rack'"


def fails(error: type[Exception]) -> Callable[..., Any]:
    def method(self: object, *args: object) -> Any:
        raise error(MESSAGE)

    return method


def closing_fails() -> None:
    """Let every sink's `close` fail, too."""
    opened = TopicSink.open

    def open_it(self: TopicSink, context: Any) -> Any:
        writer = opened(self, context)
        writer.close = fails(ConnectorError).__get__(writer)  # type: ignore[method-assign]
        return writer

    TopicSink.open = open_it  # type: ignore[method-assign]


if __name__ == "__main__":
    part, error = sys.argv[1:3]
    sys.argv[1:] = sys.argv[3:]
    closing_fails()
    if part in PARTS:
        setattr(*PARTS[part], fails(ERRORS[error]))
    main()
