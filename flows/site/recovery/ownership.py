"""Whether this process may run a flow: always, or while it holds the flow's lease."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.config.site import Site
from connectors.runtime.optional_packages import needing
from flows.dataflow.compiler import NotRunnable
from flows.runtime.shards import Share

if TYPE_CHECKING:
    from flows.site.recovery.keeper import Recovery


@contextmanager
def owned(site: Site, flow: str, data: Path, share: Share) -> Iterator[Recovery | None]:
    """Wait until this process may run the flow; None where the site file asks for no recovery."""
    if site.recovery.objects is None:
        yield None
        return
    if share.count > 1:
        raise NotRunnable(
            f"--process {share}: with `recovery: {{objects: …}}` of the site file one process runs"
            " a flow; leave one of them out"
        )
    with needing("recovery", "objects", "minio"):
        from flows.site.recovery.keeper import Recovery

    recovery = Recovery(site, flow, data)
    with recovery.owned():
        yield recovery
