"""How far long work is: a line that is rewritten on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

SAY_AGAIN = 10.0
"""Seconds between lines where nobody looks on."""
REDRAW = 0.1
WIDTH = 24


class Progress:
    """Tells on stderr how far something is, as often as somebody can follow."""

    def __init__(self, label: str, is_terminal: bool) -> None:
        self._label = label
        self._is_terminal = is_terminal
        self._every = REDRAW if is_terminal else SAY_AGAIN
        self._said = 0.0 if is_terminal else time.monotonic()
        self._longest = 0

    def __call__(self, share: float, words: str = "") -> None:
        """Say how much is done, from 0 to 1, and in `words` what there is to say of it."""
        if time.monotonic() - self._said < self._every:
            return
        self._said = time.monotonic()
        share = min(max(share, 0.0), 1.0)
        text = f"{self._label}: {share:.0%}" + (f", {words}" if words else "")
        if not self._is_terminal:
            click.echo(text, err=True)
            return
        done = int(share * WIDTH)
        text = f"[{'#' * done}{'-' * (WIDTH - done)}] {text}"
        self._longest = max(self._longest, len(text))
        click.echo(f"\r{text:<{self._longest}}", err=True, nl=False)

    def of(self, done: int, total: int) -> None:
        """Say how many of how many are done."""
        self(done / max(total, 1), f"{done} of {total}")

    def echo(self, text: str, err: bool = False) -> None:
        """Print a line of the work's own in place of the rewritten one."""
        self.clear()
        click.echo(text, err=err)

    def clear(self) -> None:
        """Take the rewritten line away."""
        if self._longest:
            click.echo(f"\r{'':<{self._longest}}\r", err=True, nl=False)
            self._longest = 0


@contextmanager
def progress(label: str) -> Iterator[Progress]:
    """Tell on stderr how far something is, until the block ends."""
    telling = Progress(label, sys.stderr.isatty())
    try:
        yield telling
    finally:
        telling.clear()
