"""Line protocol by itself, and the sink against VictoriaMetrics and a stand-in that answers as
InfluxDB does.
"""

import http.server
import json
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Stopped
from connectors.influxdb.components import InfluxDB
from connectors.influxdb.connection import InfluxConnection
from connectors.influxdb.line_protocol import Lines, measurement_name, writable
from connectors.runtime import batch_writer
from infra.embedded.ports import free_port
from infra.embedded.victoria import Victoria
from operators.events import AlarmTransition, Event, Message, Occurrence, Reading, Summary
from tests.connectors.recorder import Recorder, reading
from tests.line_protocol import parse
from tests.waiting import wait_until

T = 1_795_000_000.25


def a_reading(**fields: Any) -> Reading:
    return Reading(
        **{
            "id": "r",
            "time": T,
            "subject": "rack",
            "metric": "temperature",
            "value": 21.5,
            **fields,
        }
    )


@pytest.mark.parametrize("name", ["value", "text", "quality", "time", "_field", "_measurement"])
def test_a_label_that_is_called_as_a_field_is_a_tag_of_another_name(name: str) -> None:
    line = Lines().line(a_reading(labels={name: "x", "room": "attic"}))
    assert line is not None
    measurement_and_tags = line.split(" ")[0]
    assert f",{name}_tag=x" in measurement_and_tags
    assert f",{name}=" not in measurement_and_tags
    assert ",room=attic" in measurement_and_tags


def test_a_label_has_one_name_whatever_the_fields_of_the_single_point() -> None:
    lines = Lines()
    labels = {"value": "x", "text": "y"}
    for value in (31.0, "open", None):
        line = lines.line(
            AlarmTransition(
                id="a", time=T, recorded=T, rule="f/hot", alarm="hot", subject="r", occ=1, seq=1,
                event="activated", change="raised", state="unacked", isa="B", severity="major",
                value=value, labels=labels,
            )
        )  # fmt: skip
        assert line is not None and ",text_tag=y,value_tag=x " in line


def test_no_field_is_called_as_the_time_of_influxdb() -> None:
    assert Lines(field="time").line(a_reading()) == (
        "temperature,subject=rack time_field=21.5 1795000000250"
    )
    shaped = Lines(shape=lambda event: {"time": 1, "v": 2}).line(a_reading())
    assert shaped == "temperature,subject=rack time_field=1.0,v=2.0 1795000000250"


def test_a_reading_is_one_field_with_its_subject_and_labels_as_tags() -> None:
    line = Lines().line(a_reading(labels={"area": "hall", "floor": "1"}))
    assert line == "temperature,area=hall,floor=1,subject=rack value=21.5 1795000000250"


def test_the_measurement_the_tags_and_the_field_follow_the_definition() -> None:
    lines = Lines(
        "site_{metric}", tags=["subject", "area", "unit"], labels=False, field="v", precision="ns"
    )
    event = a_reading(unit="°C", labels={"area": "hall", "floor": "1"})
    assert (
        lines.line(event)
        == "site_temperature,area=hall,subject=rack,unit=°C v=21.5 1795000000250000000"
    )


def test_a_text_is_a_text_field_and_a_doubtful_quality_shows() -> None:
    lines = Lines()
    assert (
        lines.line(a_reading(value=None, text='say "hi"'))
        == 'temperature,subject=rack text="say \\"hi\\"" 1795000000250'
    )
    assert (
        lines.line(a_reading(quality="bad"))
        == 'temperature,subject=rack value=21.5,quality="bad" 1795000000250'
    )


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_has_no_number_and_no_text_has_no_line(value: float | None) -> None:
    assert Lines().line(a_reading(value=value)) is None


def test_summaries_alarms_and_occurrences_have_fields_of_their_own() -> None:
    lines = Lines()
    summary = Summary(
        id="s", time=T, start=T - 60, subject="r", metric="power", values={"mean": 2.0, "max": 3.0}
    )
    assert lines.line(summary) == "power,subject=r mean=2.0,max=3.0 1795000000250"
    occurrence = Occurrence(
        id="o", time=T, subject="mat", type="button_pressed", data={"pressure": "high"}
    )
    assert (
        lines.line(occurrence)
        == "occurrence,subject=mat,type=button_pressed count=1.0 1795000000250"
    )
    change = AlarmTransition(
        id="a", time=T, recorded=T, rule="f/too_hot", alarm="too_hot", subject="r", occ=1, seq=1,
        event="activated",
        change="raised", state="unacked", isa="B", severity="major", value=31.0,
        metric="temperature",
    )  # fmt: skip
    assert (
        lines.line(change) == "temperature,alarm=too_hot,subject=r"
        ' state="unacked",change="raised",severity="major",value=31.0 1795000000250'
    )
    word = lines.line(msgspec.structs.replace(change, value="open"))
    assert word is not None
    assert 'text="open"' in word
    assert "value=" not in word
    assert lines.line(Message(id="m", time=T, topic="t")) is None


def test_a_shape_chooses_the_fields_and_whole_numbers_stay_floats() -> None:
    shape: dict[str, Any] = {
        "v": 31,
        "ok": True,
        "none": None,
        "who": "paul",
        "in": {"side": 1.5, "list": [1, 2]},
    }
    line = Lines(shape=lambda event: shape).line(a_reading())
    assert (
        line == 'temperature,subject=rack v=31.0,ok=true,who="paul",in.side=1.5,in.list="[1, 2]"'
        " 1795000000250"
    )


@pytest.mark.parametrize(
    ("name", "read_back"),
    [
        ("a b,c=d", "a b,c=d"),
        ("été °C 🔥", "été °C 🔥"),
        ("two\nlines\tand\0nul", "two lines and nul"),
        (r"DOMAIN\user", r"DOMAIN\user"),
        ("end\\", "end/"),
        ("back\\,comma", "back/,comma"),
        ("double\\\\slash", r"double/\slash"),
        ('quote"quote', 'quote"quote'),
    ],
)
def test_names_and_tags_are_read_back_as_written_except_what_line_protocol_cannot_carry(
    name: str, read_back: str
) -> None:
    assert writable(name) == read_back
    found = parse(Lines().line(a_reading(subject=name, metric=name, labels={name: name})) or "")
    assert found == (
        read_back,
        {"subject": read_back, read_back: read_back},
        {"value": 21.5},
        1795000000250,
    )


def test_a_measurement_is_never_a_comment_and_never_empty() -> None:
    assert str(Lines().line(a_reading(metric="#1"))).startswith("_1,")
    assert str(Lines().line(a_reading(metric=""))).startswith("reading,")


def test_a_name_that_line_protocol_leaves_blank_is_none() -> None:
    assert str(Lines().line(a_reading(metric="\0"))).startswith("reading,")


def test_an_integer_too_big_for_a_float_has_no_field() -> None:
    lines = Lines(shape=lambda event: {"n": 10**400, "m": 2})
    assert lines.line(a_reading()) == "temperature,subject=rack m=2.0 1795000000250"


def test_empty_tags_are_left_out() -> None:
    assert (
        Lines().line(a_reading(subject="", labels={"": "x", "a": ""}))
        == "temperature value=21.5 1795000000250"
    )


@given(
    st.text(min_size=1),
    st.text(),
    st.text(min_size=1),
    st.text(),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_text_makes_one_line_that_reads_back(
    subject: str, label: str, metric: str, said: str, value: float
) -> None:
    event = a_reading(
        subject=subject, metric=metric, labels={"label": label}, value=value, text=said
    )
    line = Lines().line(event)
    assert line is not None
    assert "\n" not in line
    name, tags, fields, time = parse(line)
    assert name == (measurement_name(metric) if writable(metric).strip() else "reading")
    assert tags == {k: writable(v) for k, v in {"subject": subject, "label": label}.items() if v}
    assert fields["value"] == value
    assert fields["text"] == said.replace("\r\n", "\n").replace("\r", "\n").replace(
        "\n", "\\n"
    ).replace("\0", " ")
    assert time == 1795000000250


def test_a_changed_label_is_another_series() -> None:
    lines = Lines()
    first = lines.line(a_reading(labels={"area": "hall"}))
    assert first != lines.line(a_reading(labels={"area": "yard"}))
    assert first == lines.line(a_reading(labels={"area": "hall"}))


# The sink


def connect(victoria: Victoria) -> InfluxConnection:
    return InfluxConnection.model_validate(
        {"url": victoria.url, "token": victoria.token, "org": victoria.ORG}
    )


def test_points_are_found_again_with_every_character(
    recorder: Recorder, victoria: Victoria, unique: str
) -> None:
    names = [
        "a b",
        "a,b",
        "a=b",
        'a"b',
        "a'b",
        "é",
        "🔥",
        "a\\b",
        "a\\",
        "a\\,b",
        "a\\\\b",
        "x\ny",
        "{a}",
        "a;b|c",
        "%41",
        "/",
    ]
    sink = InfluxDB(bucket="b", measurement=unique).open(
        recorder.context("series", connect(victoria))
    )
    events: list[Event] = [
        a_reading(id=str(n), subject=name, value=float(n), labels={"label": name})
        for n, name in enumerate(names)
    ]
    sink.write(events)
    sink.flush()
    sink.close()
    found = {
        (s["metric"]["subject"], s["metric"]["label"]): s["values"]
        for s in export(victoria, unique, len(names))
    }
    assert found == {(writable(name), writable(name)): [n] for n, name in enumerate(names)}


def export(victoria: Victoria, measurement: str, count: int) -> list[dict[str, Any]]:
    match = f'{{__name__="{measurement}_value"}}'
    wait_until(lambda: len(victoria.export(match)) >= count, what=f"{count} series")
    return victoria.export(match)


def test_a_second_delivery_does_not_show(
    recorder: Recorder, victoria: Victoria, unique: str
) -> None:
    sink = InfluxDB(bucket="b", measurement=unique).open(
        recorder.context("series", connect(victoria))
    )
    for _ in range(3):
        sink.write([reading(n) for n in range(100)])
        sink.flush()
    sink.close()
    (series,) = export(victoria, unique, 1)
    assert series["values"] == [float(n) for n in range(100)]
    assert series["timestamps"] == [1_795_000_000_000 + n * 1000 for n in range(100)]


def test_events_without_a_number_are_counted(
    recorder: Recorder, victoria: Victoria, unique: str
) -> None:
    sink = InfluxDB(bucket="b", measurement=unique).open(
        recorder.context("series", connect(victoria))
    )
    sink.write([a_reading(value=None), a_reading(value=math.nan), a_reading()])
    sink.flush()
    sink.close()
    assert recorder.counts["without_value"] == 2


def test_points_wait_for_a_server_that_is_killed_and_comes_back(
    recorder: Recorder, own: Callable[[Victoria], Victoria], tmp: Path
) -> None:
    victoria = own(Victoria(tmp / "victoria"))
    sink = InfluxDB(bucket="b", measurement="m").open(recorder.context("series", connect(victoria)))
    sink.write([reading(1)])
    sink.flush()
    export(victoria, "m", 1)
    victoria.kill()
    sink.write([reading(n) for n in range(1, 5000)])
    wait_until(lambda: "series" in recorder.health.down, what="the sink to be degraded")
    assert recorder.health.down["series"].startswith(f"no InfluxDB answers at {victoria.url}")
    victoria.start().wait_ready()
    sink.flush()
    wait_until(lambda: not recorder.health.down, what="the sink to be up")
    wait_until(lambda: len(export(victoria, "m", 1)[0]["values"]) == 4999, what="all points")
    sink.close()


def test_a_stop_while_no_server_answers_ends_the_flush(recorder: Recorder) -> None:
    connection = InfluxConnection(url=f"http://127.0.0.1:{free_port()}")
    sink = InfluxDB(bucket="b").open(recorder.context("series", connection))
    sink.write([reading(1)])
    wait_until(lambda: recorder.health.down, what="the sink to be degraded")
    recorder.stopping.set()
    with pytest.raises(Stopped, match="no InfluxDB answers"):
        sink.flush()
    sink.close()


class Influx(http.server.ThreadingHTTPServer):
    """Answers as InfluxDB 2 does where VictoriaMetrics does not: it refuses requests with a bad
    line, and wrong tokens.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _InfluxAnswers)
        self.lines: list[str] = []
        self.token = "right-token"
        self.bad = "no_such"
        self.busy = 0
        self.sick = 0
        self.logged_out: tuple[int, Any] | None = None
        self.requests = 0


class _InfluxAnswers(http.server.BaseHTTPRequestHandler):
    server: Influx

    def do_POST(self) -> None:
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode().split("\n")
        self.server.requests += 1
        if self.server.logged_out:
            self._answer(*self.server.logged_out)
        elif self.server.busy:
            self.server.busy -= 1
            self._answer(429, {"code": "too many requests", "message": "slow down"}, "0")
        elif self.server.sick:
            self.server.sick -= 1
            self._answer(500, {"code": "internal error", "message": "no space left on device"})
        elif self.headers["Authorization"] != f"Token {self.server.token}":
            self._answer(401, {"code": "unauthorized", "message": "unauthorized access"})
        elif any(self.server.bad in line for line in lines):
            self._answer(422, {"code": "unprocessable entity", "message": "field type conflict"})
        else:
            self.server.lines += lines
            self.send_response(204)
            self.end_headers()

    def _answer(self, status: int, body: Any, retry_after: str | None = None) -> None:
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def influx() -> Iterator[Influx]:
    with Influx() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_refused_lines_are_found_and_set_aside_and_the_others_are_written(
    recorder: Recorder, influx: Influx
) -> None:
    connection = InfluxConnection.model_validate(
        {"url": f"http://127.0.0.1:{influx.server_port}", "token": influx.token}
    )
    sink = InfluxDB(bucket="b").open(recorder.context("series", connection))
    sink.write([reading(n, metric="no_such" if n in (17, 400) else "power") for n in range(1000)])
    sink.flush()
    sink.close()
    assert len(influx.lines) == 998
    assert [letter.id for letter in recorder.letters] == ["r17/series", "r400/series"]
    assert "field type conflict" in recorder.letters[0].detail
    assert recorder.letters[0].reason == "refused"
    assert influx.requests < 50


def test_what_influxdb_3_says_of_a_line_is_in_its_dead_letter(
    recorder: Recorder, influx: Influx
) -> None:
    """As its write API answers a partial write (docs.influxdata.com/influxdb3/core/write-data)."""
    line = {"original_line": "b", "line_number": 1, "error_message": "invalid column type"}
    influx.logged_out = (400, {"error": "partial write of line protocol occurred", "data": [line]})
    connection = InfluxConnection(url=f"http://127.0.0.1:{influx.server_port}")
    sink = InfluxDB(bucket="b").open(recorder.context("series", connection))
    sink.write([reading(1)])
    sink.flush()
    sink.close()
    (letter,) = recorder.letters
    assert "partial write of line protocol occurred: invalid column type" in letter.detail


def test_a_busy_server_gets_the_lines_when_it_asks_for_them(
    recorder: Recorder, influx: Influx
) -> None:
    """Forty random pauses would take minutes."""
    influx.busy = 40
    connection = InfluxConnection.model_validate(
        {"url": f"http://127.0.0.1:{influx.server_port}", "token": influx.token}
    )
    sink = InfluxDB(bucket="b").open(recorder.context("series", connection))
    sink.write([reading(1)])
    wait_until(lambda: len(influx.lines) == 1, what="the line after forty refusals")
    sink.close()


def test_a_server_that_fails_at_everything_costs_no_event_however_long(
    recorder: Recorder, influx: Influx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(batch_writer, "LONGEST_BACKOFF", 0.001)
    influx.sick = 200
    connection = InfluxConnection.model_validate(
        {"url": f"http://127.0.0.1:{influx.server_port}", "token": influx.token}
    )
    sink = InfluxDB(bucket="b").open(recorder.context("series", connection))
    sink.write([reading(n) for n in range(3)])
    sink.flush()
    sink.close()
    assert (len(influx.lines), recorder.letters) == (3, [])


PAGES = {
    "a login": ((200, {"page": "Log in"}), "answers 200: not what InfluxDB says"),
    "a proxy": (
        (400, "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>"),
        "answers 400 with a page, not as InfluxDB does; check url",
    ),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_what_stands_before_the_server_is_no_store(
    recorder: Recorder, influx: Influx, page: str
) -> None:
    influx.logged_out, words = PAGES[page]
    connection = InfluxConnection.model_validate(
        {"url": f"http://127.0.0.1:{influx.server_port}", "token": influx.token}
    )
    sink = InfluxDB(bucket="b").open(recorder.context("series", connection))
    sink.write([reading(1)])
    wait_until(
        lambda: words in recorder.health.down.get("series", ""),
        what="the sink to be degraded",
    )
    influx.logged_out = None
    sink.flush()
    sink.close()
    assert (len(influx.lines), recorder.letters) == (1, [])


def test_a_wrong_token_degrades_with_the_remedy_and_loses_nothing(
    recorder: Recorder, influx: Influx
) -> None:
    connection = InfluxConnection.model_validate(
        {"url": f"http://127.0.0.1:{influx.server_port}", "token": "wr0ng"}
    )
    sink = InfluxDB(bucket="energy").open(recorder.context("series", connection))
    sink.write([reading(1)])
    wait_until(lambda: recorder.health.down, what="the sink to be degraded")
    detail = recorder.health.down["series"]
    assert "check the token of the connection 'influxdb'" in detail
    assert "'energy'" in detail
    assert "wr0ng" not in detail + repr(connection)
    influx.token = "wr0ng"
    sink.flush()
    assert len(influx.lines) == 1
    sink.close()
