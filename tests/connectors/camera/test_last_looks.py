"""When cameras were looked at, over the end of a process and of the machine, and clocks set."""

import json
from pathlib import Path

from connectors.camera.last_looks import LastLooks
from operators.vision.missed import Span


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_process_that_comes_after_knows_how_long_nobody_looked(tmp_path: Path) -> None:
    file, clock = tmp_path / "state" / "looks.json", Clock()
    looks = LastLooks(file, clock)
    assert looks.gap("gate", 5000.0) is None, "it was never looked at"
    looks.looked("gate", 5000.0)
    clock.now += 20
    later = LastLooks(file, clock)
    assert later.gap("gate", 5020.0) == Span(5000.0, 5020.0)
    assert later.gap("gate", 1420.0) == Span(1400.0, 1420.0), "the wall clock was set back"
    assert later.gap("gate", 5020.0, usual=20.0) is None
    later.forget("gate")
    assert LastLooks(file, clock).gap("gate", 5020.0) is None


def test_after_a_start_of_the_machine_the_pictures_own_times_count(tmp_path: Path) -> None:
    file, clock = tmp_path / "looks.json", Clock()
    looks = LastLooks(file, clock)
    for camera in ("gate", "yard"):
        looks.looked(camera, 5000.0)
        clock.now += 2
    file.write_text(json.dumps(json.loads(file.read_bytes()) | {"boot": "another"}))
    clock.now = 3.0
    later = LastLooks(file, clock)
    assert later.gap("gate", 5100.0) == Span(5000.0, 5100.0)
    assert later.gap("gate", 4000.0) is None
    later.looked("gate", 5100.0)
    clock.now += 1
    assert LastLooks(file, clock).gap("yard", 5200.0) == Span(5000.0, 5200.0)


def test_a_file_that_says_nothing_is_told_and_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "looks.json"
    file.write_text('{"looks": 3}')
    looks = LastLooks(file, Clock())
    looks.looked("gate", 5000.0)
    assert json.loads(file.read_bytes())["looks"]["gate"] == [5000.0, 1000.0]
