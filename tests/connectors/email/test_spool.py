"""The spool of mails under kills at every step."""

from pathlib import Path

from connectors.email.spool import MailSpool
from operators.events import Event, Occurrence
from tests.faults import killed_after_each_effect

EVENTS: list[Event] = [
    Occurrence(id=f"o{n}", time=1_795_000_000.0 + n, subject="door", type="press") for n in range(5)
]


def send(folder: Path, spool: MailSpool, events: list[Event]) -> None:
    with (folder / "sent").open("a") as sent:
        sent.write(" ".join(event.id for event in events) + "\n")
    spool.end()


def deliver(folder: Path) -> None:
    """What a flow does that reads the same events again until their mails are on disk."""
    spool = MailSpool(folder / "spool" / "mail.log")
    if spool.group:
        send(folder, spool, spool.begin(spool.group))
    for first, last in ((0, 2), (2, 5)):
        spool.add(EVENTS[first:last])
        spool.sync()
        if spool.waiting:
            send(folder, spool, spool.begin(len(spool.waiting)))
    spool.close()
    MailSpool(folder / "spool" / "mail.log").close()


def test_a_kill_loses_no_event_and_sends_none_in_two_different_mails(tmp_path: Path) -> None:
    def prepared(number: int) -> tuple[Path]:
        (tmp_path / str(number)).mkdir(mode=0o700)
        return (tmp_path / str(number),)

    for number in killed_after_each_effect(deliver, prepared):
        deliver(tmp_path / str(number))
        mails = {
            line for line in (tmp_path / str(number) / "sent").read_text().splitlines() if line
        }
        assert sorted(" ".join(mails).split()) == [event.id for event in EVENTS]
        assert [path.name for path in (tmp_path / str(number) / "spool").iterdir()] == ["mail.log"]
