"""Programs that start and end together."""

from contextlib import ExitStack
from typing import Self


class Together:
    """What starts together; leaving the context, or a failed start, ends it, the last first.

    A subclass gives `_start`, which puts into `_ending` what is to end.
    """

    def __init__(self) -> None:
        self._ending = ExitStack()

    def _start(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._ending.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._ending.close()
