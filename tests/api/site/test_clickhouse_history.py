import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest

from api.settings import Settings
from connectors.clickhouse.columns import ALARMS, READINGS
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from infra.embedded.clickhouse import ClickHouse
from tests.api.conftest import Start
from tests.api.events import alarm, reading
from tests.api.running import Api
from tests.waiting import wait_until

T0 = 1_767_600_000
Database = Callable[[], Any]


@pytest.fixture
def api(start: Start, tmp: Path, database: Database, clickhouse: ClickHouse) -> Api:
    """A server with ClickHouse and no broker, whose tables hold an hour of one signal."""
    client = database()
    Schema(client, "").migrate(Declared("readings", "readings"))
    hour = [reading(T0 + n, 20 + math.sin(n / 600)) for n in range(3600)]
    words = [reading(T0 + n, None, metric="mode", unit=None, text=f"word {n}") for n in (10, 20)]
    spoilt = [reading(T0 + 5000, None, quality="bad")]
    for batch in (hour, hour[:100], words, spoilt):
        client.insert_arrow("readings", READINGS.arrow(batch))
    settings = Settings(
        data=tmp / "data", port=0, clickhouse=database, clickhouse_address=clickhouse.url
    )
    return start(settings)


def course(api: Api, **query: Any) -> dict[str, Any]:
    answer = api.get(
        "/api/history", api.login(), **{"subject": "rack", "metric": "temperature"} | query
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_course_of_a_signal_is_thinned_out_to_the_points_asked_for(api: Api) -> None:
    answer = course(api, **{"from": T0, "to": T0 + 3600, "points": 60})
    assert answer["unit"] == "°C"
    assert answer["step"] == 60
    assert len(answer["points"]) == 60
    assert sum(point[4] for point in answer["points"]) == 3600, (
        "rows that were written twice count once"
    )
    for at, mean, low, high, _ in answer["points"]:
        assert low <= mean <= high
        assert mean == pytest.approx(20 + math.sin((at - T0 - 29.5) / 600), abs=0.01)


def test_only_the_span_that_was_asked_for_is_answered(api: Api) -> None:
    answer = course(api, **{"from": T0 + 10, "to": T0 + 13, "points": 2000})
    assert [point[0] for point in answer["points"]] == [T0 + 10, T0 + 11, T0 + 12]


def test_texts_are_answered_as_texts_and_bad_readings_not_at_all(api: Api) -> None:
    answer = course(api, metric="mode", **{"from": T0, "to": T0 + 100})
    assert (answer["points"], answer["texts"]) == ([], [[T0 + 10, "word 10"], [T0 + 20, "word 20"]])
    assert course(api, **{"from": T0 + 4000, "to": T0 + 6000})["points"] == []


@pytest.mark.parametrize(
    "subject", ["' OR 1=1 --", "rack' UNION ALL SELECT 1", "{subject:String}", "\\", "r\nack", "%"]
)
def test_what_a_client_writes_is_never_part_of_the_statement(api: Api, subject: str) -> None:
    assert course(api, subject=subject, **{"from": T0, "to": T0 + 3600})["points"] == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"subject": ""}, "subject is needed"),
        ({"from": "yesterday"}, "from is 'yesterday': expected `float"),
        ({"from": "nan"}, "from is 'nan': expected `float"),
        ({"from": 10, "to": 5}, "from (10) must be before to (5)"),
        ({"points": 0}, "points is '0': expected `int` >= 1"),
        ({"points": 1e9}, "points is '1000000000.0': expected `int"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_wrong(
    api: Api, query: dict[str, Any], words: str
) -> None:
    answer = api.get(
        "/api/history", api.login(), **{"subject": "rack", "metric": "temperature"} | query
    )
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_a_table_that_is_not_there_yet_is_said(start: Start, tmp: Path, database: Database) -> None:
    api = start(Settings(data=tmp / "data", port=0, clickhouse=database))
    answer = api.get("/api/history", api.login(), subject="rack", metric="temperature")
    assert answer.status_code == 503
    assert "the table is not there yet" in answer.json()["error"]
    up = {"up": True, "detail": ""}
    wait_until(lambda: api.health()["clickhouse"] == up, what="a ClickHouse that answers in time")


def test_alarms_that_stood_before_a_restart_are_known_from_clickhouse(
    start: Start, tmp: Path, database: Database, settings: Settings
) -> None:
    now = time.time()
    life = [
        alarm(
            1, "B", time=now - 60, recorded=now - 60, annunciate=True, flags=["active", "unacked"]
        ),
        alarm(
            2,
            "C",
            event="acked",
            time=now - 30,
            recorded=now - 30,
            flags=["active"],
            labels={"room": "1"},
            evidence={"ids": ["r1"]},
        ),
        alarm(
            3,
            "E",
            event="shelved",
            time=now - 25,
            recorded=now - 25,
            until=now + 3600,
            user="ada",
            comment="new pump",
            flags=["active", "shelved:timed"],
        ),
        alarm(
            4,
            "E",
            event="commented",
            time=now - 20,
            recorded=now - 20,
            value=33.0,
            user="bob",
            comment="seen",
            flags=["active", "shelved:timed"],
            labels={"room": "1"},
            evidence={"ids": ["r1"]},
        ),
        alarm(1, "B", subject="gone", time=now - 60, recorded=now - 60),
        alarm(2, "A", subject="gone", time=now - 50, recorded=now - 50, value="open"),
    ]
    client = database()
    Schema(client, "").migrate(Declared("alarm_events", "alarms"))
    client.insert_arrow("alarm_events", ALARMS.arrow(life))
    api = start(replace(settings, clickhouse=database))
    token = api.login()
    (standing,) = wait_until(
        lambda: api.get("/api/alarms", token).json()["alarms"], what="the alarm that stood"
    )
    assert standing["state"] == "shelved"
    assert (standing["value"], standing["first_value"]) == (33.0, 31.0)
    assert standing["since"] == pytest.approx(now - 60, abs=1e-5)
    assert standing["until"] == pytest.approx(now + 3600, abs=1e-5)
    assert standing["lasting"]["shelved"]["comment"] == "new pump"
    assert standing["lasting"]["commented"]["user"] == "bob"
    assert standing["limit"] == 30.0
    assert standing["labels"] == {"room": "1"}
    assert standing["evidence"] == {"ids": ["r1"]}
    assert standing["time"] == pytest.approx(now - 20, abs=1e-5)
    everything = api.get("/api/alarms?all=1", token).json()["alarms"]
    assert [(a["subject"], a["value"]) for a in everything] == [("rack", 33.0), ("gone", "open")]


def test_clickhouse_that_goes_and_comes_back_is_seen_in_the_health(
    start: Start, tmp: Path, own: Callable[[ClickHouse], ClickHouse]
) -> None:
    server = own(ClickHouse(tmp / "clickhouse"))

    def connect() -> Any:
        options = server.client_options() | {
            "connect_timeout": 2,
            "query_retries": 0,
            "autogenerate_session_id": False,
        }
        return clickhouse_connect.get_client(**options)

    api = start(
        Settings(data=tmp / "data", port=0, clickhouse=connect, clickhouse_address=server.url)
    )
    token = api.login()
    up = {"up": True, "detail": ""}
    wait_until(lambda: api.health()["clickhouse"] == up, what="a ClickHouse that answers in time")
    server.kill()
    wait_until(
        lambda: not api.health()["clickhouse"]["up"], what="the loss of ClickHouse in /health"
    )
    answer = api.get("/api/history", token, subject="rack", metric="temperature")
    assert answer.status_code == 503
    assert server.url in answer.json()["error"]
    server.restart()
    wait_until(lambda: api.health()["clickhouse"]["up"], what="ClickHouse to be found again")


def test_a_clickhouse_that_hangs_keeps_nobody_waiting_who_asks_how_the_api_is(
    start: Start, tmp: Path, own: Callable[[ClickHouse], ClickHouse]
) -> None:
    server = own(ClickHouse(tmp / "clickhouse"))

    def connect() -> Any:
        return clickhouse_connect.get_client(
            **server.client_options(), send_receive_timeout=600, query_retries=0
        )

    api = start(
        Settings(data=tmp / "data", port=0, clickhouse=connect, clickhouse_address=server.url)
    )
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: "within 1 s" in api.health()["clickhouse"]["detail"], what="no answer")
        clickhouse = api.get("/ready").json()["dependencies"]["clickhouse"]
        assert (clickhouse["up"], clickhouse["needed"]) == (False, False)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    wait_until(lambda: api.health()["clickhouse"]["up"], what="ClickHouse to answer again")
