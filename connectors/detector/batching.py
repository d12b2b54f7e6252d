"""Which pictures go into the next run of a model: fair between cameras, newest first."""

import collections
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(slots=True)
class _Waiting(Generic[Item]):
    item: Item
    since: float
    expires: float
    keep: bool


class Batcher(Generic[Item]):
    """Gathers pictures of all cameras into batches. Pure: time is what it is told, in seconds.

    A batch is due when `most` pictures wait, or the first has waited for `wait` seconds; `most` may
    be set anew. Cameras take turns: each gives one picture before one gives its second, and who was
    left out is first next time. Of a camera only the newest picture waits; the one it displaces is
    skipped. Pictures that are offered to `keep` (what had gathered before the start, or while no
    model ran) displace none and wait in their order. One that has waited past its `expires` is
    skipped.
    `skip(camera, item)` is told of each; every picture offered is taken or skipped, once.
    """

    def __init__(
        self, most: int, wait: float, skip: Callable[[Hashable, Item], None] = lambda c, i: None
    ) -> None:
        self.most = most
        self._wait = wait
        self._skip = skip
        # in the order of their turns: who gave a picture goes to the end
        self._cameras: collections.OrderedDict[Hashable, collections.deque[_Waiting[Item]]] = (
            collections.OrderedDict()
        )
        self.waiting = 0

    def offer(
        self,
        camera: Hashable,
        item: Item,
        now: float,
        expires: float = math.inf,
        keep: bool = False,
    ) -> None:
        """Take a picture; those of one camera come in their order."""
        queue = self._cameras.get(camera)
        if queue is None:
            queue = self._cameras[camera] = collections.deque()
            self._cameras.move_to_end(camera, last=False)  # it never had a turn
        since = now
        if queue and not keep and not queue[-1].keep:
            displaced = queue.pop()
            since = displaced.since  # the camera has waited since then
            self.waiting -= 1
            self._skip(camera, displaced.item)
        queue.append(_Waiting(item, since, expires, keep))
        self.waiting += 1

    def next_time(self) -> float:
        """When a batch is due; infinity while nothing waits, minus infinity if one is due now."""
        if not self.waiting:
            return math.inf
        if self.waiting >= self.most:
            return -math.inf
        return min(queue[0].since for queue in self._cameras.values() if queue) + self._wait

    def take(self, now: float) -> list[Item]:
        """The next batch, of at most `most` pictures; empty if none is due."""
        self.expire(now)
        if now < self.next_time():
            return []
        batch: list[Item] = []
        while self.waiting and len(batch) < self.most:
            for camera in list(self._cameras):
                queue = self._cameras[camera]
                if queue and len(batch) < self.most:
                    batch.append(queue.popleft().item)
                    self.waiting -= 1
                    self._cameras.move_to_end(camera)
        return batch

    def expire(self, now: float) -> None:
        """Skip what has waited for too long."""
        for camera, queue in self._cameras.items():
            while queue and queue[0].expires < now:
                self.waiting -= 1
                self._skip(camera, queue.popleft().item)
