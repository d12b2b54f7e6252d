"""Whether this process may run a flow: always, or while it holds the flow's lease."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.base import Stopped
from connectors.config.site import Site, SiteError
from connectors.runtime.optional_packages import needing
from connectors.runtime.private_files import private_folder
from flows.dataflow.compiler import NotRunnable
from flows.runtime.shards import Share
from flows.site.recovery.slot import SHARES, slot_of
from flows.site.recovery.turns import Turn, Turns

if TYPE_CHECKING:
    from flows.site.recovery.takeover import Recovery

log = logging.getLogger("vigie")


def folder_of(site: Site, data: Path, share: Share) -> Path:
    """The data folder of a share: one of its own where its state travels by itself."""
    if site.recovery.objects is None or share.name is None:
        return data
    return private_folder(private_folder(private_folder(data) / SHARES) / share.name)


@contextmanager
def owned(site: Site, flow: str, turn: Turn) -> Iterator[Recovery | None]:
    """Wait until this process may run its share; None where the site file asks for no recovery.

    Raises `Stopped` where the turn ends before that.
    """
    if site.recovery.objects is None:
        yield None
        return
    with needing("recovery", "objects", "minio"):
        from flows.site.recovery.takeover import Recovery

    recovery = Recovery(site, flow, turn.data, turn.share, turn.ended, turn.silence, turn.stands_by)
    with recovery.owned():
        turn.owns()
        yield recovery


def take_turns(
    site: Site,
    flow: str,
    data: Path,
    run: Callable[[Turn], None],
    handle: Callable[[Callable[[], None]], None],
) -> None:
    """Run this process's part of a flow, whichever it is while other processes come and go.

    `handle` gets what a signal is to call. Raises `SiteError` where states do not travel.
    """
    if site.recovery.objects is None:
        raise SiteError(
            "--process auto, and  shared: true  of the site file, need  recovery: {objects: BUCKET}"
            "  there: shares move between processes as copies in an object store; without one give"
            " each process its part, such as --process 1/2"
        )
    with slot_of(data, flow) as (mine, name):
        turns = Turns(flow, mine)
        handle(turns.stop)
        with turns.shared(site, name) as taken:
            for turn in taken:
                try:
                    run(turn)
                except (Stopped, NotRunnable) as error:
                    if not turn.ended.is_set() or (turns.is_stopping and turn.is_owner):
                        raise
                    if turn.is_owner:
                        log.warning("%s: share %s moves: %s", flow, turn.share, error)
