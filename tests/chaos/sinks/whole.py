"""The whole run, and the account at its end: what is lost, and what is there twice."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.chaos.sinks.run import LONG, SinksRun
from tests.chaos.sinks.table import Sufferance
from tests.waiting import wait_until

STORES = ("clickhouse", "influxdb", "objects")
"""Sinks whose far ends show at the end what is there; a delivery that comes again to another is
told by its id, and counted as `repeated`.
"""


def run(
    sinks: Sequence[str], seconds: float, rate: float, say: Callable[[str], None]
) -> list[Sufferance]:
    """Every trouble of these sinks, one after the other."""
    rows = []
    with SinksRun(rate) as world:
        for trouble in world.troubles(sinks):
            say(f"{trouble.sink}: {trouble.words} for {seconds:g} s")
            row = world.suffer(trouble, seconds)
            say(
                f"  raised {row.raised}, WebSocket p99 {row.push_p99:.2f} s, slowest {row.slowest}"
                f" p99 {row.slowest_p99:.2f} s, caught up after {row.recovery:g} s,"
                f" {row.repeated} again, {row.dead_letters} dead letters, {row.cpu:g} cores"
            )
            rows.append(row)
        say("the devices stop; counting")
        world.sender.end()
        world.wait_all()
        lost, doubled = _account(world, say)
        for letter in world.letters[:5]:
            say(f"  dead letter of {letter['step']}: {letter['reason']}: {letter['detail'][:200]}")
        if (status := world.flow.stop()) != 0:
            say(f"the flow ended with {status}; expected 0")
            lost += 1
    return [replace(row, lost=lost, doubled=doubled) for row in rows]


def _account(world: SinksRun, say: Callable[[str], None]) -> tuple[int, int]:
    """What is lost and what is doubled, of alarm changes and of readings, at every far end."""
    sent = len(world.sender.sent)
    names = {"clickhouse": "history", "influxdb": "series", "objects": "archive"}

    def complete() -> bool:
        found = world.ends.readings()
        return all(found[store][0] + len(world.set_aside(names[store])) >= sent for store in STORES)

    try:
        wait_until(complete, LONG, "all readings in the stores", 1.0)
    except AssertionError:
        say(f"readings: {sent} sent, the stores have {world.ends.readings()}")
    lost = doubled = 0
    for store, (stored, twice) in world.ends.readings().items():
        lost += max(0, sent - stored - len(world.set_aside(names[store])))
        doubled += twice
    for place, arrivals in world.places().items():
        gone = world.changes.first.keys() - arrivals.first.keys() - world.set_aside(place)
        lost += len(gone)
        if place in STORES:
            doubled += arrivals.repeated
        if gone:
            say(f"{place} lacks {len(gone)} alarm changes, such as {sorted(gone)[0]}")
    return lost, doubled
