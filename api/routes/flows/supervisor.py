"""Asking the supervisor that runs this api."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from api.web.errors import unavailable
from connectors.runtime.supervisor import NoSupervisor, Wish, ask


async def ask_supervisor(folder: Path | None, wish: Wish, patience: float) -> bytes:
    """Its answer; 503 where there is none, `folder` None or not."""
    if folder is None:
        raise unavailable(
            "no `vigie up` runs this api, so no flow can be reached from here; start the site with"
            " it, or use the command line where the flow runs"
        )
    try:
        work: Any = partial(ask, folder, wish, patience)
        return bytes(await asyncio.to_thread(work))
    except NoSupervisor as error:
        raise unavailable(error) from None
