"""What the supervisor is asked, and what it answers."""

import msgspec


class Ask(msgspec.Struct, tag="status", tag_field="do"):
    """What runs?"""


class Deploy(msgspec.Struct, tag="deploy", tag_field="do", kw_only=True):
    """Have these files run as a flow; `text` is the definition, `files` others that it reads.

    `expected` is the version that is to be replaced: empty for a flow that is not there, None for
    whatever is. `drop` are the states that may be lost.
    """

    flow: str
    text: str
    who: str
    files: dict[str, str] = {}
    expected: str | None = None
    drop: list[str] = []
    how: str = "deployed"


Wish = Ask | Deploy


class Became(msgspec.Struct):
    """What became of a wish to deploy: `version` runs now; `refused` says why it is not that one.

    `conflict`: another version was there than was expected.
    """

    version: str | None = None
    refused: str | None = None
    conflict: bool = False
