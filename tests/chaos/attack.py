"""The faults, one kind after the other."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from tests.chaos.account import Account
from tests.chaos.faults import Scale, kill_times
from tests.chaos.outages import Outage, outages
from tests.chaos.small_disk import SmallDisk
from tests.chaos.small_disk import missing as no_small_disk
from tests.chaos.stack import ChaosStack
from tests.chaos.victim import Victim
from tests.waiting import PATIENCE, wait_until

NOT_DRAINED = 75
FULL_DISK = "is full; make room"


class Attack:
    """Does everything of a scale to the running flows. `due` tells how many events of each
    source exist.
    """

    def __init__(
        self,
        scale: Scale,
        stack: ChaosStack,
        victims: Mapping[str, Victim],
        disks: Mapping[str, SmallDisk],
        account: Account,
        due: Callable[[], Mapping[str, int]],
        say: Callable[[str], None],
    ) -> None:
        self._scale = scale
        self._outages = outages(stack)
        self._victims = victims
        self._disks = disks
        self._account = account
        self._due = due
        self._say = say
        self._chance = random.Random(scale.seed)

    def all(self) -> None:
        self.kill_at_random()
        names = list(self._outages)
        self._chance.shuffle(names)
        for first in range(0, len(names), self._scale.together):
            self.take_away(
                [self._outages[name] for name in names[first : first + self._scale.together]]
            )
        self.ask_to_end()
        if self._scale.full_disk:
            self.fill_disks()

    def kill_at_random(self) -> None:
        """kill -9 of every flow at its own random moments."""
        self._say(f"kill -9 of each flow, {self._scale.kills} times")
        began = time.monotonic()
        for at, source in kill_times(self._scale, list(self._victims)):
            _until(began + at)
            self._kill(source, "kill -9")
        self._catch_up()

    def take_away(self, away: Sequence[Outage]) -> None:
        """Services are gone for a while; somewhere in that time one flow is killed and another
        is asked to end.
        """
        self._say(f"{' and '.join(outage.words for outage in away)} for {self._scale.outage:g} s")
        began = time.monotonic()
        self._account.away = True
        with ExitStack() as back:
            for outage in away:
                back.callback(outage.back)
                outage.lose()
            killed, *others = self._chance.sample(list(self._victims), len(self._victims))
            moments = sorted(self._chance.uniform(0.1, 0.6) * self._scale.outage for _ in range(2))
            _until(began + moments[0])
            self._kill(killed, "kill -9 while a service is away")
            _until(began + moments[1])
            for asked in others[:1]:
                self._ask(asked, "SIGTERM while a service is away", (0, NOT_DRAINED))
            _until(began + self._scale.outage)
        self._account.away = False
        for outage in away:
            for source in self._victims:
                self._account.suffered(source, f"{outage.words} for {self._scale.outage:g} s")
                self._account.over(outage.name, source)
        self._catch_up()

    def ask_to_end(self) -> None:
        """SIGTERM: each flow drains and is started again."""
        self._account.wait(self._due(), PATIENCE)  # what still waits for a service is not drained
        self._say("SIGTERM of each flow")
        before = {source: len(victim.endings) for source, victim in self._victims.items()}
        for source in self._victims:
            self._ask(source, "SIGTERM", (0,))
        for source, victim in self._victims.items():
            wait_until(
                partial(victim.ended_more_than, before[source]),
                what=f"{source} to end and start again",
                every=0.1,
            )
        self._catch_up()

    def fill_disks(self) -> None:
        """No byte is left on the disk with the flows' saved state, for as long as an outage."""
        if reason := no_small_disk():
            self._say(f"left out: a full recovery disk, because {reason}")
            return
        self._say(f"full recovery disk for {self._scale.outage:g} s")
        began = time.monotonic()
        self._account.away = True
        for source, disk in self._disks.items():
            self._victims[source].expect(NOT_DRAINED, FULL_DISK)
            disk.fill()
        _until(began + self._scale.outage)
        self._account.away = False
        for source, disk in self._disks.items():
            disk.make_room()
            self._account.suffered(source, f"full recovery disk for {self._scale.outage:g} s")
            self._account.over("disk", source)
        self._catch_up()

    def _kill(self, source: str, words: str) -> None:
        self._victims[source].kill()
        self._account.suffered(source, words)

    def _ask(self, source: str, words: str, statuses: tuple[int, ...]) -> None:
        self._victims[source].ask_to_end(statuses)
        self._account.suffered(source, words)

    def _catch_up(self) -> None:
        """Wait until every sink has what exists now, or the longest wait is over."""
        for source, sink in self._account.wait(self._due(), self._scale.quiet):
            if self._scale.quiet > 5:
                self._say(f"  {source} to {sink} is behind after {self._scale.quiet:g} s")


def _until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
