"""No two events share a key, and each keeps its own."""

import os
from pathlib import Path

import pytest

from connectors.s3.key_register import REMEMBERED, KeyRegister, with_suffix


def test_a_suffix_stands_before_the_ending_of_the_last_part() -> None:
    assert with_suffix("frames/evt_1_gate.jpg", "_2") == "frames/evt_1_gate_2.jpg"
    assert with_suffix("frames.d/evt", "_2") == "frames.d/evt_2"
    assert with_suffix("evt.tar.gz", "_2") == "evt.tar_2.gz"


def test_events_that_want_the_same_key_get_suffixes_in_their_order_and_keep_them() -> None:
    keys = KeyRegister(None)
    assert [keys.key("a.jpg", event) for event in "xyzxzy"] == [
        "a.jpg", "a_2.jpg", "a_3.jpg", "a.jpg", "a_3.jpg", "a_2.jpg",
    ]  # fmt: skip


def test_an_event_that_comes_again_after_a_restart_gets_its_key_again(tmp: Path) -> None:
    keys = KeyRegister(tmp / "keys.log")
    first = [keys.key("a.jpg", event) for event in "xyz"]
    keys.close()
    os.truncate(tmp / "keys.log", (tmp / "keys.log").stat().st_size - 5)  # killed while it wrote
    again = KeyRegister(tmp / "keys.log")
    assert [again.key("a.jpg", event) for event in "zyx"] == [first[2], first[1], first[0]]
    again.close()


def test_the_register_is_bounded_in_memory_and_on_disk(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.runtime.line_log.COMPACT_BYTES", 100)
    keys = KeyRegister(tmp / "keys.log")
    for number in range(3 * REMEMBERED):
        keys.key(f"{number}.jpg", str(number))
        if number % 1000 == 0:
            keys.sync()
    keys.sync()
    keys.close()
    assert (tmp / "keys.log").read_bytes().count(b"\n") < 2.2 * REMEMBERED
    again = KeyRegister(tmp / "keys.log")
    assert again.key(f"{3 * REMEMBERED - 1}.jpg", "other") == f"{3 * REMEMBERED - 1}_2.jpg"
    again.close()
