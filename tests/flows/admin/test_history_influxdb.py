"""Exports of InfluxDB 1 and 2 as readings."""

import gzip
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from flows.admin.history_influxdb import InfluxHistory
from operators.events import Reading

PARIS = ZoneInfo("Europe/Paris")
T = 1_790_000_000
NS = 1_000_000_000


def history(tmp: Path, *lines: str, **options: str) -> InfluxHistory:
    path = tmp / "export.lp"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return InfluxHistory(path, PARIS, **options)


def read(tmp: Path, *lines: str, **options: str) -> list[Reading]:
    found = history(tmp, *lines, **options)
    readings = list(found.readings())
    assert found.left_out == 0, found.first_bad
    return readings


def test_what_vigies_own_sink_wrote_comes_back_as_it_was(tmp_path: Path) -> None:
    hot, text, bad = read(
        tmp_path,
        f"temperature,subject=rack,room=cold\\ room value=21.5 {T * NS}",
        f'mode,subject=ac text="a \\"b\\", c=d" {T * NS}',
        f'humidity,subject=rack value=140,quality="bad" {T * NS}',
    )
    assert (hot.time, hot.subject, hot.metric, hot.value) == (T, "rack", "temperature", 21.5)
    assert hot.labels == {"room": "cold room"}
    assert (text.metric, text.value, text.text) == ("mode", None, 'a "b", c=d')
    assert (bad.value, bad.quality) == (140.0, "bad")


def test_an_export_of_version_1_is_read_with_its_head_and_one_field_a_line(tmp_path: Path) -> None:
    cpu, count, on = read(
        tmp_path,
        "# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z",
        "# DDL",
        "CREATE DATABASE telegraf WITH NAME autogen",
        "# DML",
        "# CONTEXT-DATABASE:telegraf",
        f"cpu,cpu=cpu0,host=a usage_idle=98.25 {T * NS + 500_000_000}",
        f"net,host=a bytes=12345i {T * NS}",
        f"relay,host=a on=t {T * NS}",
    )
    assert (cpu.time, cpu.subject, cpu.metric, cpu.value) == (T + 0.5, "a", "usage_idle", 98.25)
    assert cpu.labels == {"cpu": "cpu0"}
    assert (count.value, on.value) == (12345.0, 1.0)


def test_subject_and_metric_can_be_said(tmp_path: Path) -> None:
    (one,) = read(
        tmp_path, f"disk,host=a,path=/var used=3u {T}",
        subject="{host}{path}", metric="{measurement}_{field}", precision="s",
    )  # fmt: skip
    assert (one.subject, one.metric, one.value, one.labels) == ("a/var", "disk_used", 3.0, {})


def test_what_home_assistant_wrote_is_decoded_as_its_states_are(tmp_path: Path) -> None:
    lines = [
        f"°C,domain=sensor,entity_id=cellar value=12.5 {T * NS}",
        f'°C,domain=sensor,entity_id=cellar device_class_str="temperature" {T * NS}',
        f'°C,domain=sensor,entity_id=cellar friendly_name_str="The cellar" {T * NS}',
        f'binary_sensor.door,domain=binary_sensor,entity_id=door state="on",value=1 {T * NS}',
        f"binary_sensor.door,domain=binary_sensor,entity_id=door value=1 {T * NS}",
    ]
    cellar, door = read(tmp_path, *lines)
    assert (cellar.time, cellar.metric, cellar.value, cellar.unit) == (T, "temperature", 12.5, "°C")
    assert (cellar.subject, door.subject) == ("sensor.cellar", "binary_sensor.door")
    assert (door.metric, door.raw) == ("contact", "on")
    assert [one.id for one in read(tmp_path, *lines)] == [cellar.id, door.id]


def test_a_packed_file_is_read_and_ids_stay(tmp_path: Path) -> None:
    line = f"power,subject=meter value=5 {T * NS}\n"
    path = tmp_path / "export.gz"
    path.write_bytes(gzip.compress(line.encode()))
    (packed,) = InfluxHistory(path, PARIS).readings()
    (plain,) = read(tmp_path, line.strip())
    assert packed == plain


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "is no line protocol"),
        (f"power,subject=a value= {T}", "is no field"),
        (f"power,subject=a value=abc {T}", "abc"),
        ("power,subject=a value=1", "is no time"),
        (f"power,subject=a value=1 {'9' * 400}", "is no time"),
        (f"power,room=a value=1 {T}", "no tag names the subject of power (tags: room)"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_others_are_there(
    tmp_path: Path, line: str, said: str
) -> None:
    found = history(tmp_path, line, f"power,subject=meter value=5 {T * NS}")
    (one,) = found.readings()
    assert one.subject == "meter"
    assert found.left_out == 1 and said in found.first_bad and ":1: " in found.first_bad


def test_a_tag_that_a_template_names_and_a_point_lacks_is_said(tmp_path: Path) -> None:
    found = history(tmp_path, f"power,room=a value=1 {T}", subject="{house}/{room}")
    assert list(found.readings()) == []
    assert "has no tag 'house' (tags: room)" in found.first_bad
    assert found.left_out == 1
