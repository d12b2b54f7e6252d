"""`vigie replay` as an operator uses it: each kind of history on real services, differences,
times, refusals.
"""

import gzip
import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer

from connectors.base import Health
from connectors.clickhouse.client import connect
from connectors.clickhouse.columns import EVENTS, READINGS
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.cli import main
from flows.replay.timeline_rows import marks
from operators.events import Detection, Message, Occurrence, Reading, encode_lines
from tests.bench.replay_month import check, command, counted, fill
from tests.waiting import PATIENCE

NOON = datetime.fromisoformat("2026-11-02T12:00+01:00").timestamp()
HOT = """\
vigie: 1
flow: rooms
sources:
  probes: {mqtt: {topics: [house/+]}}
streams:
  readings: {from: probes, steps: [decode: zigbee2mqtt]}
alarms:
  hot: {from: readings, only: {metric: temperature}, when: {above: 30 °C, clear: 28 °C}, priority: high, response: Cool it.}
"""


def vigie(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def replay(*arguments):
    done = vigie("replay", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def raised(found):
    return [
        (one["alarm"], one["subject"], one["raised"][11:19], one["seconds"])
        for one in found["alarms"]
    ]


def write(folder, body=HOT, name="rooms"):
    path = folder / f"{name}.yaml"
    path.write_text(body)
    return path


@pytest.fixture
def connections(tmp_path, broker, clickhouse, unique):
    """A site of this test's own, in Paris: its topics begin with `unique`, its database is
    called so.
    """
    topics = TopicConnection(brokers=[broker.address], prefix=f"{unique}.", idempotence=False)
    tables = ClickHouseConnection(url=f"{clickhouse.url}/{unique}", password=clickhouse.password)
    known = {
        "redpanda": {"brokers": [broker.address], "prefix": f"{unique}.", "idempotence": False},
        "clickhouse": {"url": tables.url, "password": clickhouse.password},
    }
    site = {"vigie": 1, "site": "test", "timezone": "Europe/Paris", "connections": known}
    (tmp_path / "site.yaml").write_text(json.dumps(site))
    return topics, tables


@pytest.fixture
def paris(tmp_path):
    (tmp_path / "site.yaml").write_text("{vigie: 1, site: test, timezone: Europe/Paris}")
    return tmp_path


def publish(connection, topic, events, pack=True, partitions=2):
    producer = Producer(connection, Health(), "test", partitions=partitions)
    producer.send_events(topic, events, pack)
    producer.flush()
    producer.close()


def keep(connection, table, layout, events):
    client = connect(connection)
    Schema(client, connection.database).migrate(Declared(table, layout.name))
    client.insert_arrow(table, layout.arrow(events))


def heat(subject="rack", start=NOON, hot=(10, 20), count=30, step=60.0):
    """A reading a minute, too hot for some of them."""
    return [
        Reading(
            id=f"{subject}{n}", time=start + n * step, subject=subject, metric="temperature",
            value=31.0 if hot[0] <= n < hot[1] else 25.0, unit="°C",
        )
        for n in range(count)
    ]  # fmt: skip


def lines(path, items):
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items))
    return path


def messages(subject="rack", hot=(10, 20), count=30):
    return [
        {
            "topic": f"house/{subject}",
            "payload": {"temperature": 31 if hot[0] <= n < hot[1] else 25},
            "time": NOON + 60 * n,
        }
        for n in range(count)
    ]


# ---------------------------------------------------------------------------
# kinds of history
def test_a_file_of_messages_as_devices_sent_them_goes_through_all_steps(paris):
    found = replay(write(paris), "--input", f"probes={lines(paris / 'h.jsonl', messages())}")
    assert raised(found) == [("hot", "rack", "12:10:00", 600.0)]
    assert found["alarms"][0]["cleared"] == "2026-11-02T12:20:00+01:00"
    assert (
        found["alarms"][0]["value"],
        found["alarms"][0]["unit"],
        found["alarms"][0]["limit"],
    ) == (31.0, "°C", 30.0)
    assert (found["from"], found["to"]) == (
        "2026-11-02T12:00:00+01:00",
        "2026-11-02T12:29:00+01:00",
    )


def test_a_file_of_events_feeds_a_stream_in_place_of_its_steps_and_may_be_packed(paris):
    path = paris / "h.jsonl.gz"
    path.write_bytes(gzip.compress(encode_lines(heat())))
    found = replay(write(paris), "--input", f"readings={path}", "--to", "2026-11-02T12:15")
    assert raised(found) == [("hot", "rack", "12:10:00", 300.0)]
    assert found["alarms"][0]["cleared"] is None
    assert found["kpi"]["standing"] == 1


def test_lines_that_are_nothing_are_left_out_and_told(paris):
    path = paris / "h.jsonl"
    path.write_bytes(encode_lines(heat()) + b'not json\n{"topic": "house/a", "time": 1}\n\n')
    found = replay(write(paris), "--input", f"readings={path}")
    assert len(found["alarms"]) == 1
    assert found["warnings"] == [
        f"{path}: 2 lines left out, the first is line 31: JSON is malformed: invalid character"
        " (byte 4)"
    ]


def test_the_topic_that_a_receiver_wrote_is_read_without_a_word(connections, tmp_path, unique):
    topics, _ = connections
    sent = [
        Message(
            id=f"m{n}",
            time=one["time"],
            topic=one["topic"],
            payload=msgspec.json.encode(one["payload"]),
        )
        for n, one in enumerate(messages())
    ]
    publish(topics, topics.topic_names.of_source("rooms", "probes"), sent, pack=False)
    found = replay(write(tmp_path), "--from", "2026-11-02", "--to", "2026-11-03")
    assert raised(found) == [("hot", "rack", "12:10:00", 600.0)]
    assert found["inputs"] == [
        {"name": "probes", "from": f"topic:{unique}.in.rooms.probes", "events": 30}
    ]
    part = replay(write(tmp_path), "--from", "2026-11-02T12:15", "--to", "2026-11-02T12:18")
    assert (part["events"], raised(part)) == (3, [("hot", "rack", "12:15:00", 180.0)])


def test_partitions_of_a_topic_are_played_in_the_order_of_time(connections, tmp_path, unique):
    topics, _ = connections
    body = HOT.replace("{mqtt: {topics: [house/+]}}", f"{{topic: [{unique}.a, {unique}.b]}}")
    names = [f"room_{n}" for n in range(6)]
    publish(topics, f"{unique}.a", [event for name in names[:5] for event in heat(name)])
    publish(topics, f"{unique}.b", heat(names[5]))
    found = replay(write(tmp_path, body), "--from", "2026-11-02", "--to", "2026-11-03")
    assert raised(found) == [("hot", name, "12:10:00", 600.0) for name in names]
    assert found["events"] == 180


def test_rows_of_a_table_are_read_once_each_with_all_that_they_hold(connections, tmp_path):
    _, tables = connections
    body = HOT.replace("priority: high", "priority: {column: urgency, default: low}").replace(
        "sources:", "tables: {rooms: [{name: rack, urgency: critical}]}\nsources:"
    )
    body += "sinks: {history: {from: readings, clickhouse: measured}}\n"
    odd = [
        Reading(
            id="odd",
            time=NOON - 60,
            subject="rack",
            metric="temperature",
            value=None,
            quality="bad",
            labels={"a": "b"},
        ),
        Reading(
            id="text",
            time=NOON - 30,
            subject="rack",
            metric="mode",
            text="auto",
            raw="AUTO",
            topic="house/rack",
        ),
    ]
    keep(tables, "measured", READINGS, [*odd, *heat()])
    keep(tables, "measured", READINGS, heat())  # what a crash wrote twice
    found = replay(
        write(tmp_path, body),
        "--input",
        "probes=none",
        "--input",
        "readings=clickhouse:measured",
        "--from",
        "2026-11-02",
        "--to",
        "2026-11-03",
    )
    assert raised(found) == [("hot", "rack", "12:10:00", 600.0)]
    assert found["events"] == 32


def test_a_source_without_a_topic_is_read_from_where_a_sink_keeps_what_a_stream_makes_of_it(
    connections, tmp_path
):
    _, tables = connections
    body = HOT.replace(
        "{mqtt: {topics: [house/+]}}",
        "{simulate: {every: 5s, signals: {a/temperature: {random: 1..2 °C}}}}",
    )
    body += "sinks: {history: {from: readings, clickhouse: measured}}\n"
    keep(tables, "measured", READINGS, heat())
    found = replay(write(tmp_path, body), "--from", "2026-11-02", "--to", "2026-11-03")
    assert found["inputs"] == [{"name": "readings", "from": "clickhouse:measured", "events": 30}]
    assert raised(found) == [("hot", "rack", "12:10:00", 600.0)]


def test_events_of_a_table_come_back_as_they_were(connections, tmp_path):
    _, tables = connections
    events = [
        Detection(
            id="d",
            time=NOON,
            subject="dock",
            class_="person",
            score=0.9,
            box=(0.1, 0.1, 0.2, 0.2),
            phase="entered",
        ),
        Occurrence(
            id="o",
            time=NOON + 600,
            subject="dock",
            type="button_pressed",
            data={"n": 1},
            labels={"area": "yard"},
        ),
    ]
    keep(tables, "seen", EVENTS, events)
    body = """\
vigie: 1
flow: yard
sources: {video: {topic: x}}
alarms:
  person: {from: video, only: {class: person}, when: {seen: 2min}, response: Look.}
  pressed: {from: video, only: {type: button_pressed, label: {area: yard}}, when: {seen: 1min}, response: Go.}
"""
    found = replay(
        write(tmp_path, body, "yard"),
        "--input",
        "video=clickhouse:seen",
        "--from",
        "2026-11-02",
        "--to",
        "2026-11-03",
    )
    assert raised(found) == [
        ("person", "dock", "12:00:00", 120.0),
        ("pressed", "dock", "12:10:00", 60.0),
    ]


def test_rules_that_people_wrote_are_taken_as_they_are_now(paris):
    definition = Path(__file__).parents[3] / "flows" / "definitions" / "alarms.yaml"
    prices = [
        Reading(
            id=f"p{n}",
            time=NOON + 10 * n,
            subject="EUR/USD",
            metric="price",
            value=1.09 if 10 <= n < 20 else 1.07,
        )
        for n in range(30)
    ]
    (paris / "p.jsonl").write_bytes(encode_lines(prices))
    rules = lines(
        paris / "rules.jsonl",
        [{"id": "r1", "page": "eur_usd", "subject": "EUR/USD", "above": 1.08, "enabled": True}],
    )
    found = replay(
        definition,
        "--site",
        paris / "site.yaml",
        "--input",
        f"quotes={paris / 'p.jsonl'}",
        "--input",
        f"rules={rules}",
    )
    assert raised(found) == [("market/r1", "EUR/USD", "12:01:40", 100.0)]


def test_a_table_that_labels_events_is_a_topic_as_it_stands_or_a_file(
    connections, tmp_path, unique
):
    body = HOT.replace(
        "sources:", f"sources:\n  places: {{topic: {{name: {unique}.places, table: true}}}}"
    )
    body = body.replace("decode: zigbee2mqtt]", "{decode: zigbee2mqtt}, {enrich: {from: places}}]")
    body = body.replace("{metric: temperature}", "{metric: temperature, label: {area: cellar}}")
    definition, history = (
        write(tmp_path, body),
        lines(tmp_path / "h.jsonl", [*messages(), *messages("hall")]),
    )
    rows = lines(
        tmp_path / "places.jsonl",
        [{"id": "rack", "area": "cellar"}, {"id": "hall", "area": "house"}],
    )
    found = replay(definition, "--input", f"probes={history}", "--input", f"places={rows}")
    assert {one["subject"] for one in found["alarms"]} == {"rack"}
    gone = vigie("replay", definition, "--input", f"probes={history}")
    assert gone.exit_code == 1
    assert (
        f"there is no topic '{unique}.places' of the table 'places'; give its rows as --input"
        " places=FILE" in gone.output
    )
    topics, _ = connections
    ensure_topic(topics, f"{unique}.places", 1, compact=True)
    producer = Producer(topics, Health(), "test")
    producer.send(f"{unique}.places", "rack", b'{"id": "rack", "area": "cellar"}\n', pack=False)
    producer.flush()
    producer.close()
    assert {
        one["subject"] for one in replay(definition, "--input", f"probes={history}")["alarms"]
    } == {"rack"}


# ---------------------------------------------------------------------------
# differences
def test_a_definition_is_compared_with_what_it_was_at_a_git_revision(paris):
    git = ["git", "-C", str(paris), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    definition = write(paris, HOT.replace("above: 30", "above: 32"))
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    write(paris)
    history = lines(paris / "h.jsonl", messages())
    common = (definition, "--input", f"probes={history}")
    found = replay(*common, "--against", "HEAD")
    assert found["against"]["definition"] == "HEAD:rooms.yaml"
    assert [len(found["against"][part]) for part in ("only_before", "only_after", "moved")] == [
        0,
        1,
        0,
    ]
    done = vigie("replay", *common, "--against", "HEAD", "--fail-on", "difference")
    assert done.exit_code == 3
    assert "raised only after" in done.output
    assert "+ hot" in done.output
    none = vigie("replay", *common, "--against", "HEAD~7")
    assert none.exit_code == 1
    assert "'HEAD~7' is neither a file nor a git revision" in none.output
    assert vigie("replay", *common, "--against", "--output=x").exit_code == 1


def test_an_input_for_what_is_new_is_not_asked_of_the_version_before(paris):
    before = write(paris, HOT, "before")
    more = HOT.replace("streams:", "  cellar: {topic: cellar}\nstreams:").replace(
        "alarms:", "alarms:\n  warm: {from: cellar, when: {above: 30 °C}, response: x}"
    )
    history = lines(paris / "h.jsonl", messages())
    (paris / "c.jsonl").write_bytes(encode_lines(heat("cellar")))
    given = ("--input", f"probes={history}", "--input", f"cellar={paris / 'c.jsonl'}")
    found = replay(write(paris, more), *given, "--against", before)["against"]
    assert [one["alarm"] for one in found["only_after"]] == ["warm"]
    assert found["same"] == 1


def test_an_alarm_that_only_moved_is_shown_as_moved_and_one_that_stayed_is_counted(paris):
    before = write(paris, HOT, "before")
    after = write(paris, HOT.replace("clear: 28 °C", "clear: 28 °C, for: 2min"))
    history = lines(paris / "h.jsonl", messages())
    common = (after, "--input", f"probes={history}", "--against", before)
    (moved,) = replay(*common)["against"]["moved"]
    assert (moved["before"]["raised"][11:16], moved["after"]["raised"][11:16]) == ("12:10", "12:12")
    assert "2min later" in vigie("replay", *common).output
    same = vigie(
        "replay",
        before,
        "--input",
        f"probes={history}",
        "--against",
        before,
        "--fail-on",
        "difference",
    )
    assert same.exit_code == 0
    assert "no difference: the same 1 alarms" in same.output


def test_an_alarm_that_only_has_another_priority_is_a_difference_of_its_own(paris):
    before = write(paris, HOT, "before")
    after = write(
        paris,
        HOT.replace(
            "priority: high", "priority: high, levels: [{priority: critical, above: 30.5 °C}]"
        ),
    )
    common = (
        after,
        "--input",
        f"probes={lines(paris / 'h.jsonl', messages())}",
        "--against",
        before,
    )
    against = replay(*common)["against"]
    ((was, now),) = [(pair["before"], pair["after"]) for pair in against["other_priority"]]
    assert (was["priority"], now["priority"], was["raised"]) == ("high", "critical", now["raised"])
    assert (against["same"], against["moved"]) == (0, [])
    shown = vigie("replay", *common, "--fail-on", "difference")
    assert shown.exit_code == 3
    assert "another priority: 1" in shown.output


def test_an_alarm_that_silence_raised_is_shown_without_a_value(paris):
    path = write(
        paris, HOT.replace("priority: high", "priority: high, expect_every: 10min, bad: raise")
    )
    common = (
        path,
        "--input",
        f"probes={lines(paris / 'h.jsonl', messages(count=5))}",
        "--to",
        "2026-11-02T13:00",
    )
    (alarm,) = replay(*common)["alarms"]
    assert alarm["reason"] == "no_data"
    assert "no data" in vigie("replay", *common).output


def test_the_difference_on_a_month_is_what_sql_counts(connections, tmp_path, clickhouse, unique):
    _, tables = connections
    Schema(connect(tables), tables.database).migrate(Declared("readings", "readings"))
    fill(clickhouse.query, f"{unique}.readings", 200_000)
    month = counted(clickhouse.query, f"{unique}.readings")
    assert len(month.before) > 1000
    assert month.difference[1] > 100
    words = command(tmp_path, tmp_path / "site.yaml", "readings")[3:]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    check(json.loads(done.stdout), month)


# ---------------------------------------------------------------------------
# lint
def test_lint_finds_a_rule_that_is_too_often_raised_and_one_that_stands_too_long(paris):
    body = (
        HOT
        + "  warm: {from: readings, when: {above: 20 °C}, response: x}\n"
        + "  cold: {from: readings, when: {below: 0 °C}, response: x}\n"
    )
    items = [
        {"topic": "house/rack", "payload": {"temperature": 25}, "time": NOON + 300 * n}
        for n in range(12 * 26)
    ]
    common = (write(paris, body), "--input", f"probes={lines(paris / 'h.jsonl', items)}")
    found = replay(*common)
    assert {(one["code"], one["alarm"]) for one in found["lint"]} == {("standing", "warm")}
    items = [
        {
            "topic": "house/rack",
            "payload": {"temperature": 31 if n % 2 else 20},
            "time": NOON + 10 * n,
        }
        for n in range(720)
    ]
    common = (common[0], "--input", f"probes={lines(paris / 'h.jsonl', items)}")
    found = replay(*common)
    codes = {(one["code"], one["alarm"]) for one in found["lint"]}
    assert codes >= {("rate", "hot"), ("chattering", "hot"), ("flood", "")}
    assert [(one["code"], one["alarm"]) for one in found["notes"]] == [("silent_rule", "cold")]
    done = vigie("replay", *common, "--fail-on", "lint")
    assert done.exit_code == 4
    assert "hot: this rule alone exceeds one alarm per ten minutes: 30.0" in done.output


# ---------------------------------------------------------------------------
# times
def test_times_are_the_sites_also_where_clocks_change(paris):
    night = datetime.fromisoformat("2026-10-25T00:00+02:00").timestamp()
    events = heat(start=night, hot=(150, 210), count=300)  # 02:30 summer time to 02:30 winter time
    (paris / "h.jsonl").write_bytes(encode_lines(events))
    common = (write(paris), "--input", f"readings={paris / 'h.jsonl'}")
    found = replay(*common, "--from", "2026-10-25", "--to", "2026-10-26")
    (one,) = found["alarms"]
    assert (one["raised"], one["cleared"]) == (
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
    )
    assert one["seconds"] == 3600
    assert found["to"] == "2026-10-26T00:00:00+01:00"
    assert (
        "2026-10-25 02:30:00+02:00"
        in vigie("replay", *common, "--from", "2026-10-25", "--to", "2026-10-26").output
    )
    late = replay(*common, "--from", "2026-10-25T03:00", "--to", "2026-10-25T02:20Z")
    assert late["from"] == "2026-10-25T03:00:00+01:00"
    assert late["alarms"] == []


def test_a_warm_up_knows_what_stood_before_and_counts_it_no_second_time(paris):
    (paris / "h.jsonl").write_bytes(
        encode_lines(heat(hot=(10, 20), count=60) + heat("hall", hot=(2, 5), count=60))
    )
    common = (
        write(paris),
        "--input",
        f"readings={paris / 'h.jsonl'}",
        "--from",
        "2026-11-02T12:15",
        "--to",
        "2026-11-02T13:00",
    )
    assert raised(replay(*common)) == [("hot", "rack", "12:15:00", 300.0)]
    warm = replay(*common, "--warm-up", "15min")
    assert raised(warm) == [("hot", "rack", "12:10:00", 600.0)]
    assert warm["from"] == "2026-11-02T12:15:00+01:00"


def test_an_axis_has_round_local_times_also_where_clocks_change():
    zone = ZoneInfo("Europe/Paris")
    start, end = (
        datetime.fromisoformat(f"2026-10-{day}T00:00").replace(tzinfo=zone).timestamp()
        for day in (24, 27)
    )
    texts = [text for _, text in marks(start, end, zone, 7)]
    assert texts == [f"{day} Oct {hour}:00" for day in (24, 25, 26) for hour in ("00", "12")] + [
        "27 Oct 00:00"
    ]
    assert [text for _, text in marks(start, end, zone, 4)] == [
        "24 Oct",
        "25 Oct",
        "26 Oct",
        "27 Oct",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "yesterdayish"], "'yesterdayish' is no time; write a date"),
        (["--from", "-30"], "30 has no unit; write 30s, 30min or 30h"),
        (
            ["--from", "2026-11-03", "--to", "2026-11-02"],
            "--from 2026-11-03 is not before --to 2026-11-02",
        ),
        (
            ["--input", "probs=FILE"],
            "the flow 'rooms' has no source or stream 'probs' (did you mean 'probes'?)",
        ),
        (["--input", "probes"], "'probes' is not an input; write NAME=clickhouse:TABLE"),
        (["--input", "probes=none.jsonl"], "there is no file 'none.jsonl' for 'probes'"),
        (["--input", "probes=clickhose:x"], "did you mean 'clickhouse'?"),
        (["--fail-on", "difference"], "--fail-on difference needs --against"),
        (
            ["--input", "probes=FILE", "--against", "older.yaml"],
            "there is no file 'older.yaml' to compare with",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_remedy(paris, options, said):
    lines(paris / "FILE", [])
    options = [option.replace("FILE", str(paris / "FILE")) for option in options]
    done = vigie("replay", write(paris), *options)
    assert done.exit_code in (1, 2)
    assert said in done.output.replace("\n", " ")


# ---------------------------------------------------------------------------
# what is not there
def test_a_replay_without_history_says_so(paris):
    empty = lines(paris / "h.jsonl", [])
    done = vigie(
        "replay",
        write(paris),
        "--input",
        f"probes={empty}",
        "--from",
        "2026-11-02",
        "--to",
        "2026-11-03",
    )
    assert done.exit_code == 0
    assert "there is no history in this time" in done.output
    assert "no alarm would have been raised" in done.output


def test_a_definition_with_mistakes_is_shown_with_its_lines(paris):
    done = vigie("replay", write(paris, HOT.replace("above", "abov")), "--from", "-1d")
    assert done.exit_code == 1
    assert "unknown key 'abov'" in done.output
    assert "rooms.yaml:8:" in done.output


def test_a_topic_or_table_that_is_not_there_is_named(connections, tmp_path, unique):
    _, tables = connections
    keep(tables, "readings", READINGS, heat())
    done = vigie("replay", write(tmp_path), "--from", "2026-11-02", "--to", "2026-11-03")
    assert done.exit_code == 1
    assert f"there is no topic '{unique}.in.rooms.probes'" in done.output
    done = vigie(
        "replay", write(tmp_path), "--from", "-1d", "--input", "readings=clickhouse:reading"
    )
    assert done.exit_code == 1
    assert (
        f"there is no table 'reading' of the database '{unique}' (did you mean 'readings'?)"
        in done.output
    )


class Trimmed(KafkaConsumer):
    """A consumer of a topic whose first ten records the broker has removed."""

    def beginning_offsets(self, places, **options):
        return dict.fromkeys(places, 10)

    def offsets_for_times(self, times, **options):
        found = super().offsets_for_times(times, **options)
        return {place: one._replace(offset=max(one.offset, 10)) for place, one in found.items()}


def test_a_topic_that_no_longer_has_the_beginning_is_told_and_one_that_has_nothing_is_refused(
    connections, tmp_path, unique, monkeypatch
):
    topics, _ = connections
    monkeypatch.setattr("connectors.kafka.open_consumer.KafkaConsumer", Trimmed)
    publish(topics, f"{unique}.in", heat(), pack=False, partitions=1)
    body = HOT.replace("{mqtt: {topics: [house/+]}}", f"{{topic: {unique}.in}}")
    today = datetime.now(ZoneInfo("Europe/Paris")).date()
    done = vigie("replay", write(tmp_path, body), "--from", "-1h", "--to", "now")
    assert f"warning: the topic '{unique}.in' begins at {today}" in done.output
    assert "what came before is no longer there" in done.output
    done = vigie("replay", write(tmp_path, body), "--from", "-3d", "--to", "-2d")
    assert done.exit_code == 1
    assert f"the topic '{unique}.in' has nothing left from before" in done.output
    assert "(--input NAME=clickhouse:TABLE)" in done.output


def test_a_service_that_does_not_answer_is_told_from_a_mistake(tmp_path):
    known = {
        "redpanda": {"brokers": ["127.0.0.1:1"]},
        "clickhouse": {"url": "http://127.0.0.1:1/x"},
    }
    (tmp_path / "site.yaml").write_text(json.dumps({"vigie": 1, "site": "t", "connections": known}))
    done = vigie(
        "replay", write(tmp_path), "--from", "-1d", "--input", "readings=clickhouse:readings"
    )
    assert done.exit_code == 75
    assert "ClickHouse at http://127.0.0.1:1/x does not answer" in done.output


def test_a_source_that_keeps_nothing_asks_for_its_history(paris):
    body = HOT.replace(
        "{mqtt: {topics: [house/+]}}",
        "{simulate: {every: 5s, signals: {a/temperature: {random: 1..2 °C}}}}",
    )
    done = vigie("replay", write(paris, body), "--from", "-1d")
    assert done.exit_code == 1
    assert "the source 'probes' (simulate) keeps no history" in done.output
    assert "--input readings=clickhouse:TABLE" in done.output


def test_a_definition_with_profiles_asks_for_one(paris):
    definition = Path(__file__).parents[3] / "flows" / "definitions" / "energy.yaml"
    items = [
        {"topic": "zigbee2mqtt/mains", "payload": {"power": 6200}, "time": NOON + 5 * n}
        for n in range(20)
    ]
    common = (
        definition,
        "--site",
        paris / "site.yaml",
        "--input",
        f"meters={lines(paris / 'h.jsonl', items)}",
    )
    none = vigie("replay", *common)
    assert none.exit_code == 1
    assert "no source is active; choose a profile: --profile hardware or simulation" in none.output
    assert raised(replay(*common, "--profile", "hardware")) == [
        ("overload", "mains", "12:00:30", 65.0)
    ]


def interrupted(process):
    """Press Ctrl-C, and again if nothing came of it: a signal that arrives just before a thread
    begins to wait for the system does not wake it.
    """
    for _ in range(6):
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=PATIENCE / 6)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.communicate()
    pytest.fail("Ctrl-C did not end it")


def test_ctrl_c_ends_it_without_a_trace_of_the_program(paris):
    slow = paris / "h.jsonl"
    os.mkfifo(slow)
    words = [
        sys.executable,
        "-m",
        "flows.cli",
        "replay",
        str(write(paris)),
        "--input",
        f"probes={slow}",
    ]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with slow.open("wb") as pipe:  # opens once the replay reads
        pipe.write(encode_lines(heat()))
        pipe.flush()
        out, error = interrupted(process)
    assert process.returncode == 130
    assert (out, error.strip()) == ("", "broken off; nothing was written")


# ---------------------------------------------------------------------------
# the picture
def test_the_picture_is_one_file_that_needs_nothing_else(paris):
    before = write(paris, HOT.replace("above: 30", "above: 40"), "before")
    history = lines(paris / "h.jsonl", messages("rack <&> 1"))
    out = paris / "out.svg"
    done = vigie(
        "replay", write(paris), "--input", f"probes={history}", "--against", before, "--svg", out
    )
    assert done.exit_code == 0, done.output
    text = out.read_text()
    from xml.etree import ElementTree

    root = ElementTree.fromstring(text)
    titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any(
        t.startswith(
            "after: hot rack <&> 1, high, 2026-11-02 12:10:00 to 2026-11-02 12:20:00 (10min)"
        )
        for t in titles
    )
    assert "<script" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "▀" in done.output
