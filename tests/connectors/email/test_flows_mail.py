"""The README's first flow and the flow of the demo mail the start and the end, on a real server."""

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.email.components import Email
from connectors.email.connection import EmailConnection
from flows.dataflow.compiler import compile_flow
from flows.dataflow.playback import Playback
from flows.loader import load
from infra.embedded.mail import Mail
from operators.events import Event, Message, Reading
from tests.connectors.recorder import Recorder
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
START = 1_795_000_000.0
MINUTE = 60.0


def of_the_readme(folder: Path) -> Path:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    path = folder / "cool.yaml"
    path.write_text(readme.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    return path


def of_the_demo(folder: Path) -> Path:
    return ROOT / "flows" / "definitions" / "server_room.yaml"


def message(n: int, value: float) -> Event:
    return Message(
        id=f"m{n}", time=START + n, topic="zigbee2mqtt/rack", payload=b'{"temperature": %g}' % value
    )


def reading(n: int, value: float) -> Event:
    return Reading(
        id=f"r{n}", time=START + n, subject="rack", metric="temperature", value=value, unit="°C"
    )


@pytest.mark.parametrize(
    ("definition", "source", "event"),
    [
        pytest.param(of_the_readme, "sensors", message, id="readme"),
        pytest.param(of_the_demo, "readings", reading, id="demo"),
    ],
)
def test_people_get_a_mail_at_the_start_and_one_at_the_end(
    definition: Callable[[Path], Path], source: str, event: Callable[[int, float], Event],
    mail: Mail, recorder: Recorder, tmp: Path, unique: str,
) -> None:  # fmt: skip
    _, flow = load(definition(tmp))
    assert flow is not None
    compiled = compile_flow(flow, {}, ZoneInfo("Europe/Paris"))
    sink = compiled.sinks["mail"].component
    assert isinstance(sink, Email)
    address = f"{unique}@example.org"
    to = sink.model_copy(update={"to": address, "group_wait": 0.05, "group_interval": 0.05})
    connection = EmailConnection.model_validate({"url": mail.url, "sender": "vigie@site.example"})
    writer = to.open(recorder.context("mail", connection, tmp / "spool"))

    def titles() -> list[str]:
        return [one["Subject"] for one in mail.messages() if address in one["To"]]

    told: list[Event] = []
    playback = Playback(compiled.plan, START, lambda given: told.extend(given.get("mail", ())))
    for value, title in ((45.0, "raised: rack at 45 °C"), (20.0, "cleared: rack at 20 °C")):
        before = len(titles())
        at = playback.now
        for n in range(31):
            playback.advance(at + n * MINUTE)
            now = playback.now
            playback.feed(source, [event(int(now - START), value)], now)
        (one,), told[:] = told[:], []
        writer.write([one])
        writer.flush()
        wait_until(lambda n=before: len(titles()) == n + 1, what="the mail")  # type: ignore[misc]
        assert titles()[-1].endswith(title)
    writer.close()
    assert told == []
