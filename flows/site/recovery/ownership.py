"""Whether this process may run a flow: always, or while it holds the flow's lease."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.config.site import Site
from connectors.runtime.optional_packages import needing
from connectors.runtime.private_files import private_folder
from flows.runtime.shards import Share

if TYPE_CHECKING:
    from flows.site.recovery.takeover import Recovery


def folder_of(site: Site, data: Path, share: Share) -> Path:
    """The data folder of a share: one of its own where its state travels by itself."""
    if site.recovery.objects is None or share.name is None:
        return data
    return private_folder(private_folder(private_folder(data) / "shares") / share.name)


@contextmanager
def owned(site: Site, flow: str, data: Path, share: Share) -> Iterator[Recovery | None]:
    """Wait until this process may run its share; None where the site file asks for no recovery."""
    if site.recovery.objects is None:
        yield None
        return
    with needing("recovery", "objects", "minio"):
        from flows.site.recovery.takeover import Recovery

    recovery = Recovery(site, flow, data, share)
    with recovery.owned():
        yield recovery
