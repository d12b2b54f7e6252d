"""The ClickHouse sink on a real engine: what is written twice is there once, whatever the month."""

import random
from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.base import ConnectorError
from connectors.clickhouse.client import connect, open_client
from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.clickhouse.writer import Inserter
from connectors.runtime import batch_writer
from connectors.runtime.threaded_writer import Retry
from infra.embedded import clickhouse
from operators.alarms.kpi import Kpis
from operators.events import AlarmTransition, DeadLetter, Event, Occurrence, Reading, Summary
from tests.chaos.ends.relay import Relay
from tests.chaos.sinks import refusals
from tests.connectors.recorder import Recorder, reading

DAY = 86400.0
JANUARY = 1767225600.0  # 2026-01-01 UTC


@pytest.fixture
def connection(clickhouse: clickhouse.ClickHouse, unique: str) -> ClickHouseConnection:
    return ClickHouseConnection(url=f"{clickhouse.url}/{unique}", password=clickhouse.password)


def inserter(
    recorder: Recorder,
    connection: ClickHouseConnection,
    zone: ZoneInfo | None = None,
    **settings: object,
) -> Inserter:
    sink = ClickHouse.model_validate({"table": "kept", **settings})
    context = recorder.context("history", connection, timezone=zone or ZoneInfo("UTC"))
    return Inserter(context, sink.declared())


def test_events_of_another_kind_are_refused_once_however_often_the_insert_is_tried(
    connection: ClickHouseConnection, recorder: Recorder
) -> None:
    nowhere = ClickHouseConnection(url="http://127.0.0.1:1/x")
    press = Occurrence(id="o1", time=1.0, subject="door", type="press")
    failing = inserter(recorder, nowhere)
    for _ in range(3):
        with pytest.raises(
            Retry, match=r"does not answer \(Connection refused\); is it running there"
        ):
            failing.insert([reading(1), press])
    assert recorder.letters == []

    inserter(recorder, connection).insert([reading(1), press])

    assert [letter.reason for letter in recorder.letters] == ["other_kind"]
    assert recorder.counts == {"other_kind": 1}


def month_of_readings(rows: int = 40_000) -> list[Event]:
    """Five weeks over a month's end, some at the same instant, with values of every sort."""
    return [
        Reading(
            id=f"r{n}",
            time=JANUARY + 10 * DAY + (n // 2) * 35 * DAY / rows * 2,
            subject=f"s{n % 7}",
            metric="temperature",
            value=None if n % 11 == 0 else n / 4,
            text="open" if n % 11 == 0 else None,
            unit="°C",
            labels={"room": str(n % 3)},
        )
        for n in range(rows)
    ]


def test_a_month_that_is_replayed_changes_nothing(
    connection: ClickHouseConnection, recorder: Recorder
) -> None:
    rows = month_of_readings()
    sums = (
        "SELECT toYYYYMM(time) AS month, count(), uniqExact(id), sum(value),"
        " sum(cityHash64(toString(tuple(*)))) FROM kept FINAL GROUP BY month ORDER BY month"
    )
    first = inserter(recorder, connection)
    for start in range(0, len(rows), 10_000):
        first.insert(rows[start : start + 10_000])
    client = open_client(connection)
    before = client.query(sums).result_rows

    again = inserter(recorder, connection)
    for start in range(0, len(rows), 7_777):  # other batches, newest first
        again.insert(rows[start : start + 7_777][::-1])

    assert client.query(sums).result_rows == before
    assert [row[:3] for row in before] == [(202601, 24000, 24000), (202602, 16000, 16000)]
    client.command("OPTIMIZE TABLE kept FINAL")
    assert client.query(sums.replace(" FINAL", "")).result_rows == before
    assert recorder.letters == []


def test_every_sort_of_event_has_a_row(
    connection: ClickHouseConnection, recorder: Recorder
) -> None:
    letter = DeadLetter(
        id="d",
        time=JANUARY,
        flow="f",
        step="s",
        reason="bad_json",
        detail="no",
        origin="a/b",
        payload=b"\xff",
    )
    events: list[Event] = [
        Occurrence(id="o", time=JANUARY, subject="door", type="press", data={"n": 1}),
        Summary(
            id="s",
            time=JANUARY,
            start=JANUARY - 60,
            subject="rack",
            metric="temperature",
            values={"mean": 1.5},
        ),
        letter,
    ]
    inserter(recorder, connection).insert(events)
    rows = (
        open_client(connection)
        .query("SELECT kind, subject, type FROM kept FINAL ORDER BY kind")
        .result_rows
    )
    assert rows == [
        ("dead_letter", "a/b", "bad_json"),
        ("occurrence", "door", "press"),
        ("summary", "rack", "temperature"),
    ]


def transition(n: int, event: str, time: float, **fields: object) -> AlarmTransition:
    known = {
        "rule": "f/hot",
        "alarm": "hot",
        "subject": "rack",
        "occ": 1,
        "change": event,
        "state": event,
        "isa": "B",
    }
    made = {**known, "recorded": time, **fields}
    name = f"{made['rule']}/{made['subject']}/{made['occ']}/{n}"
    return AlarmTransition(id=name, time=time, seq=n, event=event, **made)  # type: ignore[arg-type]


def test_the_state_of_each_alarm_is_its_last_change(
    connection: ClickHouseConnection, recorder: Recorder
) -> None:
    life: list[Event] = [
        transition(1, "activated", JANUARY + 1, annunciate=True),
        transition(2, "acked", JANUARY + 2, isa="C"),
        transition(3, "returned", JANUARY + 40 * DAY, isa="A"),
        transition(1, "activated", JANUARY + 5, subject="room"),
    ]
    inserter(recorder, connection).insert(life)
    inserter(recorder, connection).insert(life[:1])  # an old one, written again
    rows = (
        open_client(connection)
        .query("SELECT subject, event, isa FROM kept_current ORDER BY subject")
        .result_rows
    )
    assert rows == [("rack", "returned", "A"), ("room", "activated", "B")]


def test_a_user_that_may_not_make_the_table_is_told_who_may(
    connection: ClickHouseConnection, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clickhouse_connect.driver.exceptions import DatabaseError

    def refuse(self: Schema, declared: object) -> None:
        raise DatabaseError(
            "Code: 497. DB::Exception: flow: Not enough privileges. (ACCESS_DENIED)"
        )

    monkeypatch.setattr(Schema, "migrate", refuse)
    with pytest.raises(Retry, match="a user with CREATE TABLE run `vigie migrate`"):
        inserter(recorder, connection).insert([reading(1)])


def test_a_table_of_another_version_ends_the_sink_with_the_command(
    connection: ClickHouseConnection, recorder: Recorder, number: Callable[[str, int], None]
) -> None:
    inserter(recorder, connection).insert([reading(1)])
    number("readings", 2)
    with pytest.raises(
        ConnectorError, match="made by a newer Vigie; this one knows version 1: update this program"
    ):
        inserter(recorder, connection).insert([reading(2)])


@pytest.fixture
def number(connection: ClickHouseConnection) -> Callable[[str, int], None]:
    """Let the table `kept` say that a migration was applied to it."""

    def record(kind: str, version: int) -> None:
        open_client(connection).command(
            f"ALTER TABLE kept MODIFY COMMENT 'Vigie: {kind}, version {version}'"
        )

    return record


def test_a_changed_time_to_keep_is_reported_and_rows_are_written_all_the_same(
    connection: ClickHouseConnection, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    inserter(recorder, connection, keep="30d").insert([reading(1)])
    inserter(recorder, connection, keep="90d").insert([reading(2)])
    assert (
        "keeps rows 30 days, the definition says 90 days: `vigie migrate` changes it" in caplog.text
    )
    # rows of 1970 are past their time
    assert open_client(connection).command("SELECT count() FROM kept FINAL") in (0, 2)


def test_a_connection_that_migrates_brings_the_table_up_to_date_by_itself(
    connection: ClickHouseConnection, recorder: Recorder
) -> None:
    inserter(recorder, connection, keep="30d").insert([reading(1)])
    willing = connection.model_copy(update={"migrate": True})
    inserter(recorder, willing, keep="90d").insert([reading(2)])
    found = Schema(connect(connection), "").look("kept")
    assert found is not None
    assert found.keep_days == 90
    assert ClickHouse(table="kept").declared("readings").keep_days is None


def life(
    rule: str, subject: str, *steps: tuple[str, float, bool], severity: str = "warning"
) -> list[Event]:
    """Transitions of one alarm: (event, seconds after the start of January, annunciated)."""
    made: list[Event] = []
    occ, flags = 0, set[str]()
    for seq, (event, at, annunciate) in enumerate(steps, 1):
        occ += event == "activated"
        flags = (
            flags | {"active", "unacked"}
            if event == "activated"
            else flags - {"acked": {"unacked"}, "returned": {"active"}}[event]
        )
        made.append(
            transition(
                seq, event, JANUARY + at, rule=rule, subject=subject, occ=occ, flags=sorted(flags),
                annunciate=annunciate,
                severity=severity,
            )
        )  # fmt: skip
    return made


def test_figures_of_the_alarm_system_are_those_of_eemua_191(
    connection: ClickHouseConnection, recorder: Recorder
) -> None:
    events: list[Event] = []
    for number, at in enumerate(
        [*range(12), *range(600, 606), 1200, 1201]
    ):  # 12 in the first ten minutes, then 6, then 2
        away = 5 if at % 600 == 0 else 60
        events += life(
            "f/many",
            f"s{number}",
            ("activated", at, True),
            ("acked", at + 20, False),
            ("returned", at + 20 + away, False),
        )
    again = [
        (event, 36000 + 20 * n + late, n == 0 and late == 0)
        for n in range(3)
        for event, late in (("activated", 0), ("returned", 4))
    ]
    events += life("f/chatters", "x", *again, severity="critical")
    events += life(
        "f/stays",
        "y",
        ("activated", 3600, True),
        ("returned", 3 * DAY + 7200, False),
        severity="info",
    )
    inserter(recorder, connection).insert(events)
    client = open_client(connection)

    bins = client.query("SELECT annunciated, flood FROM kept_rate LIMIT 4").result_rows
    assert bins == [(12, 1), (6, 1), (2, 0), (0, 0)]  # opens above 10, stays open until below 5
    rows = client.query("SELECT toString(day), kpi, value, target FROM kept_kpi").result_rows
    first = {kpi: value for day, kpi, value, _ in rows if day == "2026-01-01"}
    assert first == pytest.approx(
        {
            "rate10": 22 / 144, "daily": 22, "peak10": 12, "overloaded": 1 / 144,
            "in_flood": 2 / 144, "masked": 2,
            "chattering": 1, "fleeting": 1 / 22, "top10": 1, "ack_p50": 20, "ack_p95": 20,
            "never_acked": 1, "standing": 1,
            "share_low": 1 / 22, "share_medium": 20 / 22, "share_critical": 1 / 22,
        }
    )  # fmt: skip
    later = {(day, kpi): value for day, kpi, value, _ in rows if day != "2026-01-01"}
    days = ("2026-01-02", "2026-01-03")
    returned = {("2026-01-04", "never_acked"): 1}
    assert later == {(day, kpi): 1 for day in days for kpi in ("standing", "stale")} | returned
    assert {kpi: target for _, kpi, _, target in rows}["stale"] == 5


@pytest.mark.parametrize(
    ("seed", "place"),
    [(0, "UTC"), (1, "Europe/Paris"), (2, "America/New_York"), (3, "Australia/Lord_Howe")],
)
def test_the_figures_of_the_view_are_those_of_the_flow(
    connection: ClickHouseConnection, recorder: Recorder, seed: int, place: str
) -> None:
    zone = ZoneInfo(place)
    chance = random.Random(seed)
    made: list[AlarmTransition] = []
    for subject in "abcdef":
        at, occ, flags = JANUARY + chance.randrange(7200), 0, set[str]()
        for seq in range(1, 200):
            choices = (
                ["annunciated", "acked", "returned"]
                if "active" in flags
                else ["activated", "activated", "acked"]
            )
            event = chance.choice(choices if occ else ["activated"])
            at += chance.choice([0, 5, 20, 30, 30, 900, 4000])
            occ += event == "activated"
            if event == "activated":
                flags = {"active"} | ({"unacked"} if chance.random() < 0.8 else set())
            flags -= {"acked": {"unacked"}, "returned": {"active"}}.get(event, set())
            annunciated = event in ("activated", "annunciated") and chance.random() < 0.7
            late = chance.choice([0.0, 0.25, 2.0])
            item = transition(
                seq, event, at, rule="f/r", subject=subject, occ=occ, flags=sorted(flags),
                annunciate=annunciated,
                recorded=max(at + late, made[-1].recorded if seq > 1 else 0.0),
            )  # fmt: skip
            made.append(item)
    kpis = Kpis()
    for item in made:
        kpis.see(item)
    inserter(recorder, connection, zone).insert(list(made))
    rows = open_client(connection).query("SELECT day, kpi, value FROM kept_kpi").result_rows
    view = {(day, kpi): value for day, kpi, value in rows}
    first, last = (
        datetime.fromtimestamp(end(item.recorded for item in made), zone).date()
        for end in (min, max)
    )
    for day in (first + timedelta(n) for n in range((last - first).days + 1)):
        start, end = (
            datetime.combine(one, time(), zone).timestamp() for one in (day, day + timedelta(1))
        )
        figures = kpis.figures(start, end)
        assert view.get((day, "ack_p50")) == figures.ack_median
        assert view.get((day, "ack_p95")) == figures.ack_95
        assert view.get((day, "never_acked"), 0) == figures.censored
        assert view.get((day, "chattering"), 0) == len(figures.chattering)
        assert view.get((day, "daily"), 0) == figures.annunciated
        assert view.get((day, "masked"), 0) == figures.masked


def test_the_days_of_figures_follow_the_site_when_its_zone_changes(
    connection: ClickHouseConnection, recorder: Recorder
) -> None:
    late = JANUARY + 86_400 - 1800  # half an hour before midnight in UTC
    alarm = transition(1, "activated", late, rule="f/r", subject="x", annunciate=True)
    inserter(recorder, connection, ZoneInfo("UTC")).insert([alarm])
    client = open_client(connection)

    def days() -> set[str]:
        rows = client.query("SELECT toString(day) FROM kept_kpi WHERE kpi = 'daily'").result_rows
        return {day for (day,) in rows}

    before = days()
    schema = Schema(connect(connection), "")
    changes = schema.migrate(Declared("kept", "alarms", zone="Europe/Paris"))

    assert [change.words for change in changes] == [
        "kept: figures have the days of Europe/Paris, had those of UTC"
    ]
    assert (before, days()) == ({"2026-01-01"}, {"2026-01-02"})
    assert schema.migrate(Declared("kept", "alarms")) == []


def test_a_batch_of_many_days_and_of_clocks_gone_wrong_is_taken(
    connection: ClickHouseConnection, recorder: Recorder
) -> None:
    times = [JANUARY - 86400 * n for n in range(150)] + [0.0, -62_135_596_800.0, 253_402_300_799.0]
    events: list[Event] = [
        Reading(id=f"r{n}", time=at, subject="s", metric="m", value=1.0)
        for n, at in enumerate(times)
    ]
    inserter(recorder, connection, partition="day").insert(events)
    inserter(recorder, connection, partition="day").insert(events)
    assert open_client(connection).query(
        "SELECT count(), uniqExact(id) FROM kept FINAL"
    ).result_rows == [(153, 153)]


LOGGED_OUT = {
    "a redirect": b"HTTP/1.1 303 See Other\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
    "a page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nLog in",
}


@pytest.mark.parametrize("answer", LOGGED_OUT)
def test_a_page_for_logging_in_is_no_store(
    clickhouse: clickhouse.ClickHouse, recorder: Recorder, unique: str, answer: str
) -> None:
    relay = Relay(clickhouse.port)
    connection = ClickHouseConnection(
        url=f"http://{relay.address}/{unique}", password=clickhouse.password
    )
    sink = inserter(recorder, connection)
    sink.insert([reading(1)])
    relay.refuse = refusals.answer(LOGGED_OUT[answer])
    with pytest.raises(Retry, match="answers, but not as ClickHouse does"):
        sink.insert([reading(2)])
    relay.refuse = None
    sink.insert([reading(2)])
    rows = connect(connection).query("SELECT id FROM kept FINAL ORDER BY id").result_rows
    assert [row[0] for row in rows] == ["r1", "r2"]
    relay.cut()


ALTERED = {
    "dropped": ("DROP TABLE kept SYNC", None),
    "a column renamed": (
        "ALTER TABLE kept RENAME COLUMN value TO mine",
        "ALTER TABLE kept RENAME COLUMN mine TO value",
    ),
    "a column computed": (
        "ALTER TABLE kept MODIFY COLUMN text Nullable(String) MATERIALIZED 'x'",
        "ALTER TABLE kept MODIFY COLUMN text REMOVE MATERIALIZED",
    ),
    "no room for parts": (
        "ALTER TABLE kept MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1",
        "ALTER TABLE kept RESET SETTING parts_to_throw_insert, parts_to_delay_insert",
    ),
    "another table": (
        "RENAME TABLE kept TO put_away; CREATE VIEW kept AS SELECT * FROM put_away",
        "DROP VIEW kept; RENAME TABLE put_away TO kept",
    ),
}


@pytest.mark.parametrize("how", ALTERED)
def test_a_table_that_is_altered_by_hand_costs_no_row_and_ends_no_flow(
    connection: ClickHouseConnection, recorder: Recorder, how: str
) -> None:
    harm, mend = ALTERED[how]
    sink = inserter(recorder, connection)
    sink.insert([reading(1)])
    client = connect(connection)
    for statement in harm.split("; "):
        client.command(statement)
    for _ in range(3) if mend else ():
        with pytest.raises(Retry):
            sink.insert([reading(2)])
        assert not sink.takes(), "it is no row's fault"
    for statement in mend.split("; ") if mend else ():
        client.command(statement)
    if mend is None:
        with pytest.raises(Retry, match="is gone and is made again"):
            sink.insert([reading(2)])
    sink.insert([reading(2)])
    rows = connect(connection).query("SELECT id FROM kept FINAL ORDER BY id").result_rows
    assert [row[0] for row in rows] == (["r1", "r2"] if mend else ["r2"])


def test_rows_that_a_table_never_takes_hold_up_no_others_however_many_they_are(
    connection: ClickHouseConnection, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(batch_writer, "LONGEST_BACKOFF", 0.001)
    sink = ClickHouse.model_validate({"table": "kept"}).open(
        recorder.context("history", connection)
    )
    sink.write([reading(0)])
    sink.flush()
    client = connect(connection)
    client.command("ALTER TABLE kept ADD CONSTRAINT poisoned CHECK subject != 'poison'")
    poisoned = {3, *range(5, 20), 22}
    sink.write([reading(n, "poison" if n in poisoned else "rack") for n in range(1, 25)])
    sink.flush()
    sink.close()
    assert {letter.id for letter in recorder.letters} == {f"r{n}/history" for n in poisoned}
    found = client.query("SELECT id FROM kept FINAL").result_rows
    assert {row[0] for row in found} == {f"r{n}" for n in range(25) if n not in poisoned}


def test_a_server_that_takes_no_row_at_all_is_told_from_one_that_refuses_a_row(
    connection: ClickHouseConnection, recorder: Recorder
) -> None:
    sink = inserter(recorder, connection)
    sink.insert([reading(1)])
    assert sink.takes()
    connect(connection).command("RENAME TABLE kept TO put_away")
    assert not sink.takes()
