"""How far long work is: a line that is rewritten on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

SAY_AGAIN = 10.0
"""Seconds between lines where nobody looks on."""
REDRAW = 0.1
WIDTH = 24

Tell = Callable[..., None]
"""`tell(share, words)`: how much is done, from 0 to 1, and what is there to say of it."""


@contextmanager
def progress(label: str, now_and_then: bool = True) -> Iterator[Tell]:
    """Tell on stderr how far something is.

    Off a terminal it says so every ten seconds, or never without `now_and_then`.
    """
    is_terminal = sys.stderr.isatty()
    every = REDRAW if is_terminal else SAY_AGAIN
    said = 0.0 if is_terminal else time.monotonic()
    longest = 0

    def tell(share: float, words: str = "") -> None:
        nonlocal said, longest
        if time.monotonic() - said < every or not (is_terminal or now_and_then):
            return
        said = time.monotonic()
        share = min(max(share, 0.0), 1.0)
        text = f"{label}: {share:.0%}" + (f", {words}" if words else "")
        if is_terminal:
            done = int(share * WIDTH)
            text = f"[{'#' * done}{'-' * (WIDTH - done)}] {text}"
            longest = max(longest, len(text))
            click.echo(f"\r{text:<{longest}}", err=True, nl=False)
        else:
            click.echo(text, err=True)

    try:
        yield tell
    finally:
        if longest:
            click.echo(f"\r{'':<{longest}}\r", err=True, nl=False)
