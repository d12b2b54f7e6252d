"""The e-mail sink against real SMTP servers."""

import contextlib
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from pydantic import ValidationError

from connectors.base import ConnectorError, Stopped, Writer
from connectors.email import writer as email_writer
from connectors.email.components import Email
from connectors.email.connection import EmailConnection
from connectors.email.message import MailText
from connectors.email.spool import MailSpool
from infra.embedded.mail import Mail
from infra.embedded.ports import free_port
from operators.events import AlarmTransition, decode_lines
from tests.connectors.certificate import make_certificate
from tests.connectors.recorder import Recorder, ids, reading
from tests.waiting import PATIENCE, wait_until

TITLE = "{alarm} {change}: {subject} at {value} {unit}"


def change(n: int, **more: Any) -> AlarmTransition:
    fields: dict[str, Any] = {
        "alarm": "too_hot", "subject": f"rack_{n}", "value": 31.0, "unit": "°C",
        "severity": "warning",
        "response": "Check the air conditioning.", **more,
    }  # fmt: skip
    return AlarmTransition(
        id=f"a{n}", time=1_795_000_000.0 + n, recorded=1_795_000_000.0 + n, rule="f/too_hot",
        occ=1, seq=n,
        event="activated", change="raised", state="unacked", isa="B", **fields,
    )  # fmt: skip


@pytest.fixture
def opened(recorder: Recorder) -> Iterator[Callable[..., Writer]]:
    """Open a sink with short waits; it is closed after the test."""
    writers: list[Writer] = []

    def open_sink(
        url: str,
        folder: Path | None = None,
        connection: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Writer:
        sink = Email.model_validate(
            {
                "to": "ops@example.org",
                "title": TITLE,
                "group_wait": "50ms",
                "group_interval": "50ms",
                **settings,
            }
        )
        made = EmailConnection.model_validate(
            {"url": url, "sender": "vigie@site.example", **(connection or {})}
        )
        writer = sink.open(recorder.context("mail", made, folder))
        writers.append(writer)
        return writer

    yield open_sink
    for writer in writers:
        writer.close()


def mails_to(mail: Mail, address: str) -> list[Any]:
    return [message for message in mail.messages() if address in message["To"]]


def test_one_event_is_one_mail_with_its_title_and_what_is_known(
    opened: Callable[..., Writer], mail: Mail, tmp: Path, unique: str
) -> None:
    address = f"{unique}@example.org"
    sink = opened(mail.url, tmp, to=address)
    sink.write([change(1, labels={"area": "server room"})])
    sink.flush()
    wait_until(lambda: mails_to(mail, address), what="the mail")
    (message,) = mails_to(mail, address)
    assert message["Subject"] == "too_hot raised: rack_1 at 31 °C"
    assert message["From"] == "vigie@site.example"
    assert message["Auto-Submitted"] == "auto-generated"
    body = message.get_content()
    for expected in (
        "Check the air conditioning.",
        "31 °C",
        "server room",
        "2026-11-18 11:06:41 UTC",
    ):
        assert expected in body


def test_a_flood_is_one_mail_now_and_one_later(
    opened: Callable[..., Writer], mail: Mail, tmp: Path, unique: str
) -> None:
    address = f"{unique}@example.org"
    sink = opened(mail.url, tmp, to=address, group_wait="200ms", group_interval="700ms")
    sink.write([change(n, severity="critical" if n == 30 else "warning") for n in range(50)])
    sink.flush()
    wait_until(lambda: mails_to(mail, address), what="the first mail")
    sink.write([change(n) for n in range(100, 130)])
    sink.flush()
    wait_until(lambda: len(mails_to(mail, address)) == 2, what="the second mail")
    first, second = mails_to(mail, address)
    assert first["Subject"] == "too_hot raised: rack_30 at 31 °C (and 49 more)"
    body = first.get_content()
    assert [line.split("raised: ")[1] for line in body.splitlines() if "raised" in line] == [
        f"rack_{n} at 31 °C" for n in (30, *range(30), *range(31, 50))
    ]
    assert second["Subject"].endswith("(and 29 more)")


def test_after_a_long_outage_every_event_is_named_in_some_mail(
    opened: Callable[..., Writer], mail: Mail, tmp: Path, unique: str
) -> None:
    address = f"{unique}@example.org"
    with contextlib.closing(MailSpool(tmp / "mail.mail.log")) as spool:
        spool.add([change(n) for n in range(2_500)])
    opened(mail.url, tmp, to=address).flush()
    wait_until(lambda: len(mails_to(mail, address)) == 3, what="the mails")
    text = "".join(message.get_content() for message in mails_to(mail, address))
    assert sorted(map(int, re.findall(r"rack_(\d+)", text))) == list(range(2_500))


def test_mails_wait_for_a_server_that_comes_later_and_the_flow_does_not(
    opened: Callable[..., Writer], own: Callable[[Mail], Mail], recorder: Recorder, tmp: Path
) -> None:
    port = free_port()
    sink = opened(f"smtp://127.0.0.1:{port}", tmp / "flow")
    sink.write([change(1)])
    sink.flush()
    wait_until(lambda: recorder.health.down, what="the sink to be degraded")
    assert f"no mail server answers at 127.0.0.1:{port}" in recorder.health.down["mail"]
    sink.write([change(2)])
    sink.flush()
    server = own(Mail(tmp / "mail", port=port))
    wait_until(lambda: server.count() == 2, what="both mails")
    wait_until(lambda: not recorder.health.down, what="the sink to be up")


def test_a_crash_loses_no_mail_and_what_the_flow_repeats_is_not_mailed_twice(
    opened: Callable[..., Writer], mail: Mail, recorder: Recorder, tmp: Path, unique: str
) -> None:
    address = f"{unique}@example.org"
    crashed = opened(mail.url, tmp, to=address, group_wait="1h")
    crashed.write([change(1), change(2)])
    crashed.flush()
    crashed.close()
    sink = opened(mail.url, tmp, to=address)
    sink.write([change(2), change(3)])
    sink.flush()
    wait_until(lambda: mails_to(mail, address), what="the mail")
    sink.write([change(1), change(3), change(4)])
    sink.flush()
    wait_until(lambda: len(mails_to(mail, address)) == 2, what="the second mail")
    bodies = [message.get_content() for message in mails_to(mail, address)]
    assert [n for n in range(1, 5) for body in bodies if f"rack_{n} " in body] == [1, 2, 3, 4]
    assert recorder.counts["repeated"] == 3


def test_without_a_folder_a_flush_hands_the_mail_over(
    opened: Callable[..., Writer], mail: Mail, recorder: Recorder, unique: str
) -> None:
    address = f"{unique}@example.org"
    sink = opened(mail.url, None, to=address, group_wait="1h")
    sink.write([change(1), change(2)])
    sink.flush()
    assert len(mails_to(mail, address)) == 1
    down = opened(f"smtp://127.0.0.1:{free_port()}", None, to=address)
    down.write([change(3)])
    wait_until(lambda: recorder.health.down, what="the sink to be degraded")
    recorder.stopping.set()
    with pytest.raises(Stopped, match="no mail server answers"):
        down.flush()


class Picky:
    """An SMTP server that answers as `refuse` says: a recipient, the sender or `DATA` to the
    answer.
    """

    def __init__(self, **refuse: str) -> None:
        self.refuse = refuse
        self.mails: list[Envelope] = []
        self.recipients: list[str] = []

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        answer = self.refuse.get(address.partition("@")[0])
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if "sender" in self.refuse:
            return self.refuse["sender"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if "data" in self.refuse:
            return self.refuse["data"]
        self.mails.append(envelope)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@contextlib.contextmanager
def serving(handler: Picky, **settings: Any) -> Iterator[str]:
    controller = Controller(
        handler, hostname="127.0.0.1", port=free_port(), ready_timeout=PATIENCE, **settings
    )
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()


def test_a_recipient_refused_for_good_is_set_aside_and_the_others_get_their_mail(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path
) -> None:
    picky = Picky(gone="550 no such user")
    with serving(picky) as url:
        sink = opened(url, tmp, to=["ops@example.org", "gone@example.org"])
        sink.write([change(1)])
        sink.flush()
        wait_until(lambda: recorder.letters, what="the dead letter")
        assert picky.recipients == ["ops@example.org"]
        (letter,) = recorder.letters
        assert "gone@example.org" in letter.detail
        assert "550 no such user" in letter.detail
        assert ids(decode_lines(letter.payload)) == ["a1"]
        assert not recorder.health.down


def test_a_recipient_that_has_to_wait_gets_the_mails_later_and_the_others_get_all_at_once(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email_writer, "FIRST_LATER", 0.05)
    monkeypatch.setattr(email_writer, "MOST_TRIES", 10_000)
    picky = Picky(slow="450 try again")
    with serving(picky) as url:
        sink = opened(url, tmp, to=["ops@example.org", "slow@example.org"], group_interval="1ms")
        for n in (1, 2):
            sink.write([change(n)])
            sink.flush()
            wait_until(lambda n=n: len(picky.recipients) == n, what="the mail")
        assert picky.recipients == ["ops@example.org"] * 2
        wait_until(
            lambda: "slow@example.org" in recorder.health.down.get("mail", ""),
            what="the sink to say who waits",
        )
        picky.refuse.clear()
        wait_until(lambda: len(picky.recipients) == 4, what="the mails that were put off")
        assert picky.recipients[2:] == ["slow@example.org"] * 2
        wait_until(lambda: not recorder.health.down, what="the sink to be up")
        assert len({message_id(mail) for mail in picky.mails}) == 2
    assert not recorder.letters


def test_a_mail_that_is_put_off_is_remembered_over_a_restart_and_ends_as_a_dead_letter(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picky = Picky(slow="450 try again")
    with serving(picky) as url:
        sink = opened(url, tmp, to=["ops@example.org", "slow@example.org"])
        sink.write([change(1)])
        sink.flush()
        wait_until(lambda: recorder.health.down, what="the sink to say who waits")
        sink.close()
        monkeypatch.setattr(email_writer, "FIRST_LATER", 0.01)
        monkeypatch.setattr(email_writer, "MOST_TRIES", 3)
        opened(url, tmp, to=["ops@example.org", "slow@example.org"])
        wait_until(lambda: recorder.letters, what="the dead letter")
        assert picky.recipients == ["ops@example.org"]
        (letter,) = recorder.letters
        assert "to slow@example.org" in letter.detail and "put off 3 times" in letter.detail
        assert ids(decode_lines(letter.payload)) == ["a1"]


def message_id(mail: Envelope) -> bytes:
    content = mail.content
    assert isinstance(content, bytes)
    return next(line for line in content.splitlines() if line.startswith(b"Message-ID"))


def test_a_mail_refused_as_such_is_set_aside_and_the_next_one_goes_out(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path
) -> None:
    picky = Picky(data="554 looks like spam")
    with serving(picky) as url:
        sink = opened(url, tmp)
        sink.write([change(1)])
        sink.flush()
        wait_until(lambda: recorder.letters, what="the dead letter")
        assert "554 looks like spam" in recorder.letters[0].detail
        picky.refuse.clear()
        sink.write([change(2)])
        sink.flush()
        wait_until(lambda: picky.mails, what="the next mail")


@pytest.mark.parametrize("place", ["ops", "second"])
def test_a_server_that_leaves_in_the_middle_of_a_mail_gets_it_again_for_all(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path, place: str
) -> None:
    picky = Picky(**{place: "421 going down"})
    with serving(picky) as url:
        sink = opened(url, tmp, to=["ops@example.org", "second@example.org"])
        sink.write([change(1)])
        sink.flush()
        wait_until(
            lambda: "421 going down" in recorder.health.down.get("mail", ""),
            what="the sink to say so",
        )
        picky.refuse.clear()
        wait_until(lambda: picky.mails, what="the mail")
        assert picky.recipients == ["ops@example.org", "second@example.org"]
    assert not recorder.letters


def test_an_address_that_the_server_cannot_write_is_set_aside_and_the_others_get_their_mail(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path
) -> None:
    picky = Picky()
    to = ["ops@example.org", "hélène@example.org", "guard@café.example"]
    with serving(picky, enable_SMTPUTF8=False) as url:
        sink = opened(url, tmp, to=to)
        sink.write([change(1)])
        sink.flush()
        wait_until(lambda: recorder.letters, what="the dead letter")
        assert picky.recipients == ["ops@example.org", "guard@xn--caf-dma.example"]
        assert "hélène@example.org for good: 553" in recorder.letters[0].detail


def test_a_mail_too_large_for_the_server_is_set_aside_and_the_next_one_goes_out(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path
) -> None:
    picky = Picky(sender="552 message size exceeds the limit")
    with serving(picky) as url:
        sink = opened(url, tmp)
        sink.write([change(1)])
        sink.flush()
        wait_until(lambda: recorder.letters, what="the dead letter")
        picky.refuse.clear()
        sink.write([change(2)])
        sink.flush()
        wait_until(lambda: picky.mails, what="the next mail")


def test_no_text_of_a_label_makes_a_header_a_command_or_a_mail_that_nobody_takes(
    opened: Callable[..., Writer], mail: Mail, tmp: Path, unique: str
) -> None:
    words = "a\r\nBcc: thief@example.org\r\n.\r\n\0\x1b é " + "w" * 3_000
    sink = opened(mail.url, tmp, to=f"{unique}@example.org", title="{subject}", body="{subject}")
    sink.write([change(1, subject=words)])
    sink.flush()
    wait_until(lambda: mails_to(mail, unique), what="the mail")
    (message,) = mails_to(mail, unique)
    assert "Bcc" not in message
    assert message["Subject"].startswith("a Bcc: thief@example.org . \ufffd\ufffd é www")
    told = ["a", "Bcc: thief@example.org", ".", "\ufffd\ufffd é " + "w" * 3_000]
    assert message.get_content().splitlines() == told


def test_a_refused_sender_is_a_matter_of_the_settings_and_loses_nothing(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path
) -> None:
    picky = Picky(sender="553 not your address")
    with serving(picky) as url:
        sink = opened(url, tmp)
        sink.write([change(1)])
        sink.flush()
        wait_until(
            lambda: "check 'sender'" in recorder.health.down.get("mail", ""),
            what="the sink to be degraded",
        )
        picky.refuse.clear()
        wait_until(lambda: picky.mails, what="the mail")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_wrong_password_degrades_with_the_remedy_and_is_not_shown(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path
) -> None:
    passwords = [b"right"]

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        ok = isinstance(data, LoginPassword) and data.password in passwords
        return AuthResult(success=ok, handled=False)

    picky = Picky()
    settings = {"authenticator": check, "auth_required": True, "auth_require_tls": False}
    with serving(picky, **settings) as url:
        sink = opened(url, tmp, {"username": "vigie", "password": "wr0ng-secret"})
        sink.write([change(1)])
        sink.flush()
        wait_until(lambda: recorder.health.down, what="the sink to be degraded")
        detail = recorder.health.down["mail"]
        assert "'vigie'" in detail
        assert "check username and password of the connection 'email'" in detail
        assert "wr0ng-secret" not in detail
        passwords.append(b"wr0ng-secret")
        wait_until(lambda: picky.mails, what="the mail")


@pytest.mark.parametrize("starttls", ["auto", "required"])
def test_a_mail_goes_out_encrypted_to_a_server_whose_certificate_is_trusted(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path, starttls: str
) -> None:
    made = make_certificate(tmp)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.cert, made.key)
    picky = Picky()
    with serving(picky, tls_context=tls, require_starttls=True) as url:
        sink = opened(url, tmp, {"starttls": starttls})
        sink.write([change(1)])
        sink.flush()
        wait_until(
            lambda: "check ca and url" in recorder.health.down.get("mail", ""),
            what="the certificate to be refused",
        )
        sink.close()
        sink = opened(url, tmp, {"starttls": starttls, "ca": str(made.cert)})
        wait_until(lambda: picky.mails, what="the mail")


@pytest.mark.parametrize("password", ["p@s/s#w:rd%41", "pässwörd€"])
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_server_encrypted_from_the_start_gets_the_password_and_the_mail(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path, password: str
) -> None:
    made = make_certificate(tmp)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.cert, made.key)
    seen: list[Any] = []

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        seen.append(data)
        return AuthResult(success=True)

    picky = Picky()
    # aiosmtpd asks for STARTTLS even where all is encrypted.
    settings = {"authenticator": check, "auth_required": True, "auth_require_tls": False}
    with serving(picky, ssl_context=tls, **settings) as url:
        encrypted = url.replace("smtp://", "smtps://")
        sink = opened(
            encrypted, tmp, {"username": "vigie", "password": password, "ca": str(made.cert)}
        )
        sink.write([change(1)])
        sink.flush()
        wait_until(lambda: picky.mails, what="the mail")
    assert seen == [LoginPassword(b"vigie", password.encode())]


def test_an_authority_that_cannot_be_read_is_said(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path
) -> None:
    sink = opened("smtps://127.0.0.1:465", tmp, {"ca": str(tmp / "none.pem")})
    sink.write([change(1)])
    sink.flush()
    wait_until(
        lambda: "none.pem cannot be used" in recorder.health.down.get("mail", ""),
        what="the sink to say so",
    )


def test_what_was_refused_is_safe_before_it_is_forgotten(tmp: Path, recorder: Recorder) -> None:
    steps: list[str] = []
    log = tmp / "mail.mail.log"
    picky = Picky(data="550 no")
    with serving(picky) as url:
        context = replace(
            recorder.context("mail", EmailConnection(url=url), folder=tmp),
            dead_letter=lambda letter: steps.append(letter.reason),
            flush_dead_letters=lambda: steps.append(
                "late" if "S 1" in log.read_text() else "durable"
            ),
        )
        sink = Email.model_validate({"to": "a@b", "title": "x", "group_wait": "10ms"}).open(context)
        sink.write([change(1)])
        sink.flush()
        wait_until(lambda: "S 1" in log.read_text(), what="the mail to be given up")
        sink.close()
    assert steps == ["refused", "durable"]


def test_encryption_that_is_required_and_not_offered_is_said(
    opened: Callable[..., Writer], recorder: Recorder, mail: Mail, tmp: Path
) -> None:
    sink = opened(mail.url, tmp, {"starttls": "required"})
    sink.write([change(1)])
    sink.flush()
    wait_until(
        lambda: "offers no encryption" in recorder.health.down.get("mail", ""),
        what="the sink to be degraded",
    )


def test_writers_of_several_threads_and_a_slow_server_lose_nothing(
    opened: Callable[..., Writer], mail: Mail, tmp: Path, unique: str
) -> None:
    address = f"{unique}@example.org"
    sink = opened(mail.url, tmp, to=address, group_wait="20ms", group_interval="20ms")

    def write(first: int) -> None:
        for n in range(first, first + 30):
            sink.write([change(n)])
            sink.flush()

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    def mailed() -> int:
        text = "".join(
            message["Subject"] + "\n" + message.get_content() for message in mails_to(mail, address)
        )
        return sum(f"rack_{n + m} at" in text for n in (0, 100, 200) for m in range(30))

    wait_until(lambda: mailed() == 90, what="all events")


# The spool and the text by themselves


def test_a_torn_last_line_of_the_spool_is_left_out(tmp: Path) -> None:
    path = tmp / "mail.log"
    spool = MailSpool(path)
    spool.add([change(1), change(2)])
    spool.sync()
    spool.close()
    path.write_bytes(path.read_bytes()[:-10])
    again = MailSpool(path)
    assert ids(list(again.waiting)) == ["a1"]
    again.close()


def test_an_event_that_comes_twice_in_one_batch_waits_once(tmp: Path) -> None:
    spool = MailSpool(tmp / "mail.log")
    assert spool.add([change(1), change(2), change(1)]) == 2
    assert list(spool.waiting) == [change(1), change(2)]
    spool.close()


def test_a_mail_that_was_being_sent_is_the_same_mail_after_a_crash(tmp: Path) -> None:
    path = tmp / "mail.log"
    spool = MailSpool(path)
    spool.add([change(1), change(2)])
    spool.begin(2)
    spool.add([change(3)])
    spool.sync()
    spool.close()
    again = MailSpool(path)
    assert ids(again.begin(again.group)) == ["a1", "a2"]
    again.end()
    again.close()
    last = MailSpool(path)
    assert ids(list(last.waiting)) == ["a3"]
    assert last.add([change(1), change(3), change(4)]) == 1
    last.close()


def test_the_spool_stays_small(tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.runtime.line_log.COMPACT_BYTES", 10_000)
    monkeypatch.setattr("connectors.email.spool.REMEMBERED", 50)
    spool = MailSpool(tmp / "mail.log")
    for n in range(500):
        spool.add([change(n)])
        spool.begin(1)
        spool.end()
    spool.close()
    assert (tmp / "mail.log").stat().st_size < 11_000


def test_a_spool_that_cannot_be_read_says_which_file_and_what_to_do(
    opened: Callable[..., Writer], tmp: Path
) -> None:
    (tmp / "mail.mail.log").write_text("X what is this\n")
    with pytest.raises(ConnectorError, match=r"mail\.mail\.log, line 1: .*move the file away"):
        opened("smtp://127.0.0.1:25", tmp)


def test_a_title_is_one_line_of_bounded_length() -> None:
    text = MailText("{message}", None)
    title = text.title([change(1, message="two\r\nBcc: all@example.org " + "x" * 500)])
    assert "\n" not in title
    assert "\r" not in title
    assert len(title) == 200
    mail = text.mail([change(1, message="two\r\nBcc: all@example.org")], "a@b", ["c@d"], "s", 0.0)
    assert mail["Bcc"] is None


def test_a_body_of_the_definition_replaces_the_listing() -> None:
    text = MailText(TITLE, "{response}\nSince {time:%H:%M}.")
    assert text.body([change(1)]) == "Check the air conditioning.\nSince 11:06.\n"


def test_without_a_body_a_mail_says_what_people_need_to_know() -> None:
    raised = change(1, first_value=30.5, condition_text="above 30 °C for 2min", link="http://v/#/a")
    body = " ".join(MailText(TITLE, None).body([raised]).split())
    for said in ("condition: above 30 °C for 2min", "value: 31 °C, 30.5 °C at the start",
                 "to do: Check the air conditioning.", "open: http://v/#/a"):  # fmt: skip
        assert said in body


def test_a_mail_about_several_alarms_says_what_to_do_about_each() -> None:
    over = msgspec.structs.replace(change(2), annunciation="end", change="cleared")
    body = MailText(TITLE, None).body([change(1, link="http://v/#/a"), over])
    assert body.count("    to do: Check the air conditioning.\n    open: http://v/#/a\n") == 1
    assert body.count("to do") == 1


def test_a_condition_is_mailed_in_words_alone() -> None:
    raised = change(1, condition_text="above 30 °C", labels={"condition": "above", "room": "b"})
    body = " ".join(MailText(TITLE, None).body([raised]).split())
    assert body.count("condition:") == 1
    assert "room: b" in body


def test_what_a_silent_sensor_sent_last_is_not_told_as_its_value_now() -> None:
    silent = change(1, flags=["active", "no_data"], condition_text="silent for 5min")
    text = MailText(None, None)
    assert text.title([silent]) == "Medium: too_hot, rack_1, last 31 °C"
    assert "last value: 31 °C" in text.body([silent])
    over = msgspec.structs.replace(silent, annunciation="end", change="cleared")
    assert text.title([over]) == "Over: too_hot, rack_1 at 31 °C"


def test_any_event_can_be_mailed() -> None:
    assert "rack" in MailText("{subject} {metric} {value}", None).body([reading(1)])


@pytest.mark.parametrize("to", ["ops", "ops@", "a b@c", "a@b,c@d", []])
def test_a_recipient_must_be_an_address(to: Any) -> None:
    with pytest.raises(ValidationError):
        Email(to=to, title="x")
