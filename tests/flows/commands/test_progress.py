"""Long work says how far it is: rewritten on a terminal, now and then in a log."""

import pytest

from flows.commands import progress as module
from flows.commands.progress import Progress


def test_a_log_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    tell = Progress("replay", is_terminal=False)
    for second in range(25):
        now = 100.0 + second
        tell.of(second, 25)
    assert capsys.readouterr().err.splitlines() == [
        "replay: 40%, 10 of 25",
        "replay: 80%, 20 of 25",
    ]


def test_a_terminal_gets_one_line_that_makes_room_for_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    tell = Progress("export", is_terminal=True)
    tell(0.5, "two files")
    tell(0.51)
    tell.echo("a line")
    came = capsys.readouterr()
    assert came.out == "a line\n"
    shown, cleared = came.err.split("\r")[1], came.err.split("\r")[2]
    assert shown == "[############------------] export: 50%, two files"
    assert cleared.strip() == ""
