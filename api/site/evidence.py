"""The evidence of events, as far as an account may see it."""

import msgspec

from api.permissions.visibility import Visibility
from api.site.event_search import EventSearch
from api.site.event_view import EventView, EvidenceView
from api.site.evidence_pins import EvidencePins
from api.site.evidence_store import EvidenceStore
from connectors.s3.evidence import STORED, is_genuine

_FIELDS = EvidenceView.__struct_fields__


class EventEvidence:
    """Finds what sinks told of events, and attaches it to them."""

    def __init__(self, search: EventSearch, store: EvidenceStore, pins: EvidencePins) -> None:
        self._search = search
        self._store = store
        self._pins = pins

    async def attach(self, events: list[EventView], seen_by: Visibility) -> None:
        """Give events their evidence, without that of cameras the account may not see."""
        told = await self._search.evidence(events)
        for event in events:
            event.pinned = event.id in self._pins
            views = [view for one in told.get(event.id, ()) if (view := self._view(one))]
            shown = [v for v in views if seen_by.allows_camera(v.camera or "")]
            event.evidence = sorted(shown, key=lambda v: (v.kind, v.state != STORED, v.key or ""))

    def _view(self, told: EventView) -> EvidenceView | None:
        """What was told, as clients see it; None for what somebody made up."""
        if told.data.get("state") == STORED and not is_genuine(told.data, self._store.secret):
            return None
        try:
            known = {name: told.data[name] for name in _FIELDS if name in told.data}
            return msgspec.convert(known, EvidenceView)
        except msgspec.ValidationError:
            return None
