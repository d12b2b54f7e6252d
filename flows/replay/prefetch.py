"""Prefetch: a service answers the next request while its last answer is worked on."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
_END = object()
_POLL = 0.1


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def ahead(read: Callable[[], Iterator[T]], most: int) -> Iterator[T]:
    """What `read` gives, read in a thread up to `most` items ahead; errors come in their place.

    The thread ends when the iterator is closed or the process ends, after what it is waiting for.
    """
    found: queue.Queue[object] = queue.Queue(most)
    closed = threading.Event()

    def put(item: object) -> bool:
        while not closed.is_set():
            try:
                found.put(item, timeout=_POLL)
                return True
            except queue.Full:
                continue
        return False

    def run() -> None:
        try:
            if all(map(put, read())):
                put(_END)
        except BaseException as error:
            put(_Failed(error))

    threading.Thread(target=run, name="read-ahead", daemon=True).start()
    try:
        while (item := found.get()) is not _END:
            if isinstance(item, _Failed):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        closed.set()
