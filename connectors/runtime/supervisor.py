"""Asking the supervisor of `vigie up`: a line of JSON each way on a private socket."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

NAME = "control.sock"
LONG = 600.0
"""Seconds that a deploy may take: it waits for tests, a drain and a start."""


class NoSupervisor(Exception):
    """Nobody answers; the message has the remedy."""


class Ask(msgspec.Struct, tag="status", tag_field="do"):
    """What runs?"""


class Deploy(msgspec.Struct, tag="deploy", tag_field="do", kw_only=True):
    """Have these files run as a flow; `text` is the definition, `files` others that it reads.

    `expected` is the version that is to be replaced: empty for a flow that is not there, None for
    whatever is. `drop` are the states that may be lost. One that `is_remote` comes over the
    network: it names connections only.
    """

    flow: str
    text: str
    who: str
    files: dict[str, str] = {}
    expected: str | None = None
    drop: list[str] = []
    how: str = "deployed"
    is_remote: bool = False


class Fetch(msgspec.Struct, tag="fetch", tag_field="do"):
    """What are the files of the version of a flow that runs?"""

    flow: str


class SendAgain(msgspec.Struct, tag="send_again", tag_field="do"):
    """Have dead letters of a flow that runs, each by its id and step, sent through it again."""

    flow: str
    letters: list[tuple[str, str]]


class PlanLimits(msgspec.Struct, tag="plan_limits", tag_field="do"):
    """What would an alarm have done with other limits, by place, over so many seconds until now?

    Without `values`: which limits has it?
    """

    flow: str
    alarm: str
    values: dict[str, str] = {}
    over: float = 0.0


class Remove(msgspec.Struct, tag="remove", tag_field="do"):
    """End a flow for good, with its alarms and its file."""

    flow: str
    who: str


Wish = Ask | Deploy | Fetch | SendAgain | PlanLimits | Remove


class Held(msgspec.Struct):
    """A version that runs, its definition and what that reads; empty where there is none."""

    version: str = ""
    text: str = ""
    files: dict[str, str] = {}


class Became(msgspec.Struct):
    """What became of a wish to deploy: `version` runs now; `refused` says why it is not that one.

    `conflict`: another version was there than was expected.
    """

    version: str | None = None
    refused: str | None = None
    conflict: bool = False


class Removed(msgspec.Struct):
    """What became of a wish to remove; `refused` says why the flow is not gone.

    `left`: its alarms have ended, and so many records wait in the outbox of each sink.
    """

    refused: str | None = None
    left: dict[str, float] = {}


class SentAgain(msgspec.Struct):
    """How many letters were sent, why others were not, and why nothing further was."""

    sent: int = 0
    kept: dict[str, str] = {}
    refused: str | None = None


@contextmanager
def near(folder: Path) -> Iterator[str]:
    """A short path of the socket: a longer one than 107 bytes has no place in an address."""
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)


def ask(folder: Path, wish: Wish, patience: float) -> bytes:
    """The answer of the supervisor whose folder this is; raises `NoSupervisor`."""
    nobody = NoSupervisor(
        f"no `vigie up` answers in {folder}; is it running, and with this --data?"
    )
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(patience)
    try:
        with client, near(folder) as path:
            client.connect(path)
            client.sendall(msgspec.json.encode(wish) + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                if not (part := client.recv(1 << 16)):
                    raise nobody
                answer += part
            return answer
    except TimeoutError:
        raise NoSupervisor(f"`vigie up` in {folder} gave no answer for {patience:g} s") from None
    except OSError:
        raise nobody from None


class Limit(msgspec.Struct):
    """A limit or a span of an alarm: its place, such as `when.above`, and what is written there.

    `unit` is that of a number; None for a span such as `2min`. `value` is empty for a span that may
    be written and is not.
    """

    place: str
    value: str
    unit: str | None = None


class Spell(msgspec.Struct):
    """An alarm from being raised to being over, in epoch seconds; `cleared` None: it stands."""

    raised: float
    cleared: float | None
    priority: str


class Differs(msgspec.Struct):
    """An alarm of a subject that is not the same with other limits; None: it is not raised."""

    alarm: str
    subject: str
    before: Spell | None
    after: Spell | None


class LimitsPlanned(msgspec.Struct):
    """The limits of an alarm in a version, and the definition with others.

    `before` and `after` count how often the alarm was raised, `more` are differences that are left
    out; `unknown` says why history could not be asked, `refused` why these limits may not be.
    """

    version: str = ""
    limits: list[Limit] = []
    text: str = ""
    before: int = 0
    after: int = 0
    differs: list[Differs] = []
    more: int = 0
    unknown: str | None = None
    refused: str | None = None
