"""What reading makes of a definition: included files, recipes, profiles, and the identity of
saved state.
"""

import pytest

from flows.checks.context import Scope, read_csv
from flows.language.lock import (
    Lock,
    LockError,
    born,
    identities,
    lock_path,
    next_lock,
    read_lock,
)
from flows.language.profiles import for_profile, profiles
from flows.loader import load

HEAD = "vigie: 1\nflow: store\n"
SOURCE = "sources:\n  probes:\n    mqtt: {topics: [cold/#]}\n"


def flow_of(tmp_path, text, name="flow.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    document, flow = load(path)
    assert flow is not None, document.report()
    return flow


def report_of(tmp_path, text):
    (tmp_path / "flow.yaml").write_text(text, encoding="utf-8")
    return load(tmp_path / "flow.yaml")[0].report()


def kinds(flow, stream):
    return [step.kind for step in flow.streams[stream].steps]


def test_included_tables_pages_and_recipes_are_there_as_if_written_here(tmp_path):
    (tmp_path / "plant").mkdir()
    (tmp_path / "plant" / "rooms.csv").write_text("subject,floor\na,1\nb,2\n")
    (tmp_path / "plant" / "shared.yaml").write_text(
        "tables: {rooms: rooms.csv}\npages: {cold: {title: Cold, owner: user/anna}}\nrecipes:"
        " {clean: [{decode: json}, {lookup: rooms}]}\nconnections: {mqtt: {url: mqtt://a}}\n"
    )
    text = (
        HEAD
        + "include: [plant/shared.yaml]\n"
        + SOURCE
        + "streams: {readings: {from: probes, steps: [use: clean]}}\n"
    )
    text += "alarms: {warm: {from: readings, when: {above: 8}, response: Look., page: cold}}\n"
    flow = flow_of(tmp_path, text)
    assert kinds(flow, "readings") == ["decode", "lookup"]
    document, _ = load(tmp_path / "flow.yaml")
    assert Scope(document, flow).tables == {
        "rooms": [{"subject": "a", "floor": "1"}, {"subject": "b", "floor": "2"}]
    }


def test_an_error_in_an_included_file_is_shown_there(tmp_path):
    (tmp_path / "shared.yaml").write_text("pages:\n  cold: {title: Cold}\n")
    report = report_of(
        tmp_path,
        HEAD + "include: [shared.yaml]\n" + SOURCE + "sinks: {log: {from: probes, topic: log}}\n",
    )
    assert report.startswith(f"{tmp_path}/shared.yaml:2:3: error: pages.cold needs 'owner'")


def test_recipes_are_put_in_place_and_may_use_each_other(tmp_path):
    text = HEAD + SOURCE + (
        "recipes:\n  clean:\n    - decode: json\n    - use: steady\n  steady:\n    - deduplicate: 10s\n    - debounce: 5s\n"
        "streams:\n  a: {from: probes, steps: [use: clean]}\n"
        "  b:\n    from: a\n    steps:\n      - use: steady\n      - {use: steady, id: again}\n"
    )  # fmt: skip
    flow = flow_of(tmp_path, text)
    assert kinds(flow, "a") == ["decode", "deduplicate", "debounce"]
    assert [step.id for step in flow.streams["b"].steps] == [None, None, "again", "again"]
    assert {identity for identity in identities(flow) if "/b/" in identity} == {
        "store/b/deduplicate", "store/b/debounce", "store/b/deduplicate:again",
        "store/b/debounce:again",
    }  # fmt: skip


def test_an_error_in_a_recipe_is_told_once_however_often_it_is_used(tmp_path):
    text = HEAD + SOURCE + (
        "recipes:\n  clean:\n    - deduplicate: 10\nstreams:\n"
        "  a: {from: probes, steps: [use: clean]}\n  b: {from: probes, steps: [use: clean]}\n"
    )  # fmt: skip
    assert report_of(tmp_path, text).count(" error: ") == 1


PROFILES = (
    HEAD
    + """\
sources:
  meters: {profile: hardware, mqtt: {topics: [meter/#]}}
  fake: {profile: simulation, simulate: {every: 5s, signals: {mains/power: {random: 0..10 W}}}}
streams:
  readings: {from: [meters, fake], steps: [decode: zigbee2mqtt]}
  raw: {from: meters, steps: [drop: {quality: bad}]}
  sum: {from: {a: readings, b: raw}, steps: [combine: {subject: s, metric: m, plus: [a], minus: [b], max_age: 1min}]}
alarms:
  odd: {from: raw, when: {above: 1}, response: Look.}
sinks:
  log: {from: [readings, raw], topic: log}
  raw_log: {from: raw.errors, topic: raw}
  alarm_log: {from: alarms, topic: alarms}
  screen: {from: sum, profile: simulation, websocket: {channel: c}}
"""
)


def test_a_profile_keeps_its_own_and_all_that_has_none(tmp_path):
    flow = flow_of(tmp_path, PROFILES)
    assert profiles(flow) == {"hardware", "simulation"}
    simulated = for_profile(flow, "simulation")
    assert set(simulated.sources) == {"fake"}
    assert simulated.streams["readings"].from_ == ["fake"]
    assert simulated.streams["sum"].from_ == {"a": "readings"}
    assert set(simulated.streams) == {"readings", "sum"}
    assert simulated.alarms == {}
    assert set(simulated.sinks) == {"log", "screen"}
    assert simulated.sinks["log"].from_ == ["readings"]
    hardware = for_profile(flow, ["hardware"])
    assert set(hardware.sources) == {"meters"}
    assert set(hardware.sinks) == {"log", "raw_log", "alarm_log"}
    assert for_profile(flow, "hardware,simulation") == flow
    assert for_profile(flow, None).sources == {}
    assert for_profile(flow, None).streams == {}


DOORS = HEAD + SOURCE + "streams:\n  motion:\n    from: probes\n    steps:\n      - debounce: 30s\n"
DOORS += "alarms:\n  inside: {from: motion, when: {is: on}, response: Look.}\n"


def deploy(tmp_path, text, dropped=()):
    flow = flow_of(tmp_path, text)
    path = lock_path(tmp_path / "flow.yaml", flow)
    old = read_lock(path)
    names = born(flow, old)
    path.write_text(next_lock(flow, old, dropped).dumps(), encoding="utf-8")
    return names


def test_a_renamed_stream_keeps_its_state_through_several_deployments(tmp_path):
    assert deploy(tmp_path, DOORS) == {
        "store/motion/debounce": "store/motion/debounce", "store/inside": "store/inside",
    }  # fmt: skip
    renamed = DOORS.replace("  motion:", "  presence:\n    was: motion").replace(
        "from: motion", "from: presence"
    )
    expected = {"store/presence/debounce": "store/motion/debounce", "store/inside": "store/inside"}
    assert deploy(tmp_path, renamed) == expected
    assert deploy(tmp_path, renamed) == expected
    without_was = renamed.replace("    was: motion\n", "")
    assert deploy(tmp_path, without_was) == expected
    again = without_was.replace("  presence:", "  people:\n    was: presence").replace(
        "from: presence", "from: people"
    )
    assert deploy(tmp_path, again)["store/people/debounce"] == "store/motion/debounce"


def test_a_step_that_gets_an_id_keeps_its_state_with_was(tmp_path):
    deploy(tmp_path, DOORS)
    two = DOORS.replace(
        "      - debounce: 30s\n",
        "      - debounce: 30s\n        id: short\n        was: debounce\n"
        "      - debounce: 5min\n        id: long\n",
    )  # fmt: skip
    assert deploy(tmp_path, two) == {
        "store/motion/debounce:short": "store/motion/debounce",
        "store/motion/debounce:long": "store/motion/debounce:long",
        "store/inside": "store/inside",
    }
    other = two.replace(
        "        id: short\n        was: debounce\n", "        id: brief\n        was: short\n"
    )
    assert deploy(tmp_path, other)["store/motion/debounce:brief"] == "store/motion/debounce"


def test_state_that_vanishes_is_an_error_that_names_the_remedy(tmp_path):
    deploy(tmp_path, DOORS)
    report = report_of(
        tmp_path, DOORS.replace("      - debounce: 30s", "      - drop: {value: off}")
    )
    assert "error: deployed state 'store/motion/debounce' has no step any more" in report
    assert "deploy --drop store/motion/debounce" in report
    report = report_of(tmp_path, DOORS.replace("debounce: 30s", "debounce: 30s\n        id: slow"))
    assert "is 'slow' its new name?" in report
    assert "add  was: debounce  to keep it" in report
    report = report_of(tmp_path, DOORS.replace("  inside:", "  somebody:"))
    assert "is 'somebody' its new name?" in report
    assert "add  was: inside  to keep it" in report


def test_dropped_state_is_recorded(tmp_path):
    deploy(tmp_path, DOORS)
    flow = flow_of(tmp_path, DOORS)
    assert next_lock(flow, read_lock(tmp_path / "store.lock"), ("store/old",)).dropped == (
        "store/old",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"), ("[]", "is not a lock file"), ('{"flow": 1}',
        "is not a lock file"),
        ('{"flow": "store", "state": [1]}', "is not a lock file"), ('{"flow": "store", "more": 1}',
        "is not a lock file"),
        ('{"flow": "other", "state": []}', "is the lock of the flow 'other'"),
    ],
)  # fmt: skip
def test_a_lock_that_is_none_is_an_error(tmp_path, text, message):
    (tmp_path / "store.lock").write_text(text)
    report = report_of(tmp_path, DOORS)
    assert "error" in report
    assert message in report


def test_a_lock_survives_writing_and_reading(tmp_path):
    lock = Lock("store", ("store/a", "store/b/window:ä"), {"store/a": "store/old"}, ("store/gone",))
    (tmp_path / "store.lock").write_text(lock.dumps(), encoding="utf-8")
    assert read_lock(tmp_path / "store.lock") == lock
    assert read_lock(tmp_path / "none.lock") is None
    with pytest.raises(LockError):
        read_lock(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\n1,2,3\n", "line 2 has not as many values as there are columns"),
        (b"a,b\n1\n", "line 2 has not as many values"),
        (b"a,b\n\xff,2\n", "it is not UTF-8 text"),
        (b'a,b\n"1,2\n', "unexpected end of data"),
    ],
)
def test_a_table_file_that_does_not_fit_is_refused_with_its_line(tmp_path, data, message):
    path = tmp_path / "rooms.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_csv(path)
    report = report_of(
        tmp_path,
        HEAD + "tables:\n  rooms: rooms.csv\n" + SOURCE + "sinks: {l: {from: probes, topic: l}}\n",
    )
    assert "flow.yaml:4:10: error: 'rooms.csv' cannot be read" in report
    assert message in report


def test_a_table_file_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "rooms.csv").write_bytes("\ufeffname,floor\r\nà,1\r\n".encode())
    assert read_csv(tmp_path / "rooms.csv") == [{"name": "à", "floor": "1"}]
