"""Deletes the site's old evidence while a flow that makes some runs."""

import logging
import threading

from connectors.config.site import Site
from connectors.runtime.optional_packages import needing

log = logging.getLogger("vigie")


class EvidenceSweeper:
    """Sweeps at the start and then every now and then, in a thread; failures are told and end."""

    def __init__(self, site: Site, stopping: threading.Event) -> None:
        self._site = site
        self._stopping = stopping
        self._thread = threading.Thread(target=self._run, name="evidence sweep", daemon=True)

    def start(self) -> None:
        """Start, if the site says that anything is ever deleted."""
        rules = self._site.evidence
        if rules.keep is not None or rules.keep_by or rules.bytes is not None:
            self._thread.start()

    def _run(self) -> None:
        with needing("evidence of the site file", "objects", "minio", "urllib3"):
            from flows.admin.evidence_sweep import FAILURES, EvidenceSweep
        while True:
            try:
                EvidenceSweep(self._site).sweep()
            except FAILURES as error:
                log.warning("old evidence could not be deleted, which is tried again: %s", error)
            if self._stopping.wait(self._site.evidence.every):
                return
