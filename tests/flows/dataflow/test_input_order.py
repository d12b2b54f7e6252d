from connectors.base import Batch
from flows.dataflow.input_order import Arrival, Arrivals
from operators.events import Occurrence, Reading, Row

DATA, TABLE, COMMANDS = "in:t/0", "rules:r/0", "vigie_commands:c/0"


def data(n: int, wall: float, live: bool = False) -> Arrival:
    event = Reading(id=f"r{n}", time=wall, subject="rack", metric="t", value=1.0)
    return Arrival(DATA, "in", Batch([event], wall, live))


def caught_up(wall: float) -> Arrival:
    return Arrival(DATA, "in", Batch([], wall, True))


def command(n: int, wall: float) -> Arrival:
    event = Occurrence(id=f"c{n}", time=wall, subject="rack", type="alarm_command")
    return Arrival(COMMANDS, "vigie_commands", Batch([event], wall, True, next_offset=n))


def table(*rows: tuple[str, int], whole: bool = True) -> Arrival:
    events = [
        Row(
            id=f"{key}{above}", time=5.0, table="r", op="update", values={"id": key, "above": above}
        )
        for key, above in rows
    ]
    return Arrival(TABLE, "rules", Batch([*events], 5.0, True, whole))


class Shard:
    def __init__(self, saved: object = None) -> None:
        self.arrivals = Arrivals({DATA}, {TABLE})
        if saved is not None:
            self.arrivals.restore(saved)  # type: ignore[arg-type]

    def take(self, arrival: Arrival) -> list[str]:
        ready = self.arrivals.take(arrival, side=not arrival.part.startswith("in:"))
        return [event.id for item in ready for event in item.batch.events]


def test_data_wait_until_the_table_has_been_read_whole() -> None:
    shard = Shard()
    assert shard.take(data(1, 10)) == []
    assert shard.take(table(("a", 1))) == ["a1", "r1"]
    assert shard.take(data(2, 11)) == ["r2"]


def test_a_command_waits_for_the_data_that_are_older_while_the_flow_catches_up() -> None:
    shard = Shard()
    shard.take(table())
    assert shard.take(command(1, wall=20)) == []
    assert shard.take(data(1, 19)) == ["r1"]
    assert shard.take(data(2, 21)) == ["r2", "c1"]
    assert shard.take(command(2, wall=30)) == []
    assert shard.take(caught_up(25)) == ["c2"]
    assert shard.take(command(3, wall=99)) == ["c3"]


def test_what_waits_and_what_was_seen_survive_a_restart() -> None:
    shard = Shard()
    shard.take(table(("a", 1)))
    shard.take(command(1, wall=20))
    again = Shard(shard.arrivals.snapshot())
    assert again.take(command(1, wall=20)) == []
    assert again.take(data(1, 21)) == []
    assert again.take(table(("a", 1))) == ["r1", "c1"]
    assert again.take(data(2, 22)) == ["r2"]


def test_of_a_table_only_changes_go_on_and_rows_that_vanished_are_deleted() -> None:
    shard = Shard()
    shard.take(table(("a", 1), ("b", 1)))
    assert shard.take(table(("a", 2), ("b", 1), whole=False)) == ["a2"]

    again = Shard(shard.arrivals.snapshot())
    assert again.take(table(("a", 2), ("c", 1))) == ["c1", "r/0/gone/b"]


def test_the_clocks_stand_until_tables_and_data_are_read() -> None:
    shard = Shard()
    assert shard.arrivals.is_waiting()
    shard.take(caught_up(1))
    assert shard.arrivals.is_waiting()
    shard.take(table())
    assert not shard.arrivals.is_waiting()


def test_commands_in_a_topic_that_was_made_anew_are_new_although_their_places_are_old() -> None:
    shard = Shard()
    shard.take(table())
    shard.take(caught_up(5))
    assert shard.take(command(7, wall=6)) == ["c7"]
    again = command(1, wall=9)
    assert shard.take(again._replace(batch=again.batch._replace(recreated=True))) == ["c1"]
    assert shard.take(command(1, wall=9)) == []
    assert shard.take(command(2, wall=10)) == ["c2"]
