"""Ids seen lately, so that nothing goes out twice."""

import collections
from collections.abc import Hashable


class RecentIds:
    """The last ids, at most `limit` of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: collections.OrderedDict[Hashable, None] = collections.OrderedDict()

    def add(self, dedup_key: Hashable) -> bool:
        """Note an id; False if it is known."""
        if dedup_key in self._known:
            return False
        self._known[dedup_key] = None
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return True
