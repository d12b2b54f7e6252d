"""The figures of the alarm system as a scrape sees them, and across a restart."""

from prometheus_client import CollectorRegistry

from flows.runtime.alarm_metrics import ALL, AlarmFigures, CountingWriter
from operators.events import AlarmTransition, Event
from operators.model.saved_state import decode, encode

HOUR = 3600.0


class Kept:
    """A writer that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, events: list[Event]) -> None:
        self.events += events

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def raised(n: int, time: float, page: str | None = None, annunciate: bool = True) -> Event:
    return AlarmTransition(
        id=str(n), time=time, recorded=time, rule="f/hot", alarm="hot", subject=f"s{n}", occ=1,
        seq=1, event="activated",
        change="raised", state="unacked", isa="B", flags=["active", "unacked"],
        annunciate=annunciate, page=page,
        priority="high",
    )  # fmt: skip


def seen(figures: AlarmFigures) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(figures)
    return registry


def test_a_scrape_shows_the_figures_of_all_alarms_and_of_each_page() -> None:
    figures = AlarmFigures("f", clock=lambda: 2 * HOUR)
    figures.count([raised(n, HOUR + n, "hall" if n < 3 else None) for n in range(12)])
    registry = seen(figures)
    labels = {"flow": "f", "page": ALL}
    assert registry.get_sample_value("vigie_alarm_annunciated", labels) == 12
    assert registry.get_sample_value("vigie_alarm_rate", labels) == 2
    assert registry.get_sample_value("vigie_alarm_floods", labels) == 1
    assert registry.get_sample_value("vigie_alarm_annunciated", {"flow": "f", "page": "hall"}) == 3
    assert registry.get_sample_value("vigie_alarm_top_rule", {**labels, "rule": "f/hot"}) == 12
    assert registry.get_sample_value("vigie_alarm_priority", {**labels, "priority": "high"}) == 12
    assert registry.get_sample_value("vigie_alarm_ack_seconds_median", labels) is None


def test_before_the_first_alarm_there_is_nothing_to_divide_by() -> None:
    registry = seen(AlarmFigures("f", clock=lambda: HOUR))
    assert registry.get_sample_value("vigie_alarm_standing", {"flow": "f", "page": ""}) == 0
    assert registry.get_sample_value("vigie_alarm_rate", {"flow": "f", "page": ""}) is None


def test_what_is_written_is_seen_and_kept_with_the_epoch() -> None:
    recorder, figures = Kept(), AlarmFigures("f", clock=lambda: HOUR)
    CountingWriter(recorder, figures).write([raised(1, 10.0)])
    assert len(recorder.events) == 1
    again = AlarmFigures("f", clock=lambda: HOUR)
    CountingWriter(Kept(), again).restore(decode(encode(figures.snapshot())))
    assert again.figures() == figures.figures()


def test_the_figures_of_a_shard_move_to_another_process_without_those_of_the_others() -> None:
    one = AlarmFigures("f", clock=lambda: HOUR, shard_of=lambda subject: str(int(subject[1:]) % 2))
    one.count([raised(n, 60.0 * n, "hall") for n in range(9)])
    other = AlarmFigures("f", clock=lambda: HOUR)
    other.restore_shard("1", one.snapshot()["shards"]["1"])
    assert (one.figures()[ALL].annunciated, one.figures()["hall"].standing) == (9, 9)
    assert (other.figures()[ALL].annunciated, other.figures()["hall"].standing) == (4, 4)
    other.restore_shard("0", one.snapshot()["shards"]["0"])
    assert other.figures() == one.figures()
