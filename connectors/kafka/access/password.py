"""The password of SASL from a file, read again at each connection, as another program renews it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kafka.net.sasl import get_sasl_mechanism, register_sasl_mechanism

OPTION = "sasl_plain_password"


class PasswordFile:
    """In place of a password in the client's options."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def read(self) -> str:
        """The password as it is now; raises `OSError`, or `ValueError` for what is no text."""
        return self._path.read_text(encoding="utf-8").rstrip("\r\n")


def _from_file(kind: Callable[..., Any]) -> Callable[..., Any]:
    """A mechanism of the client, which makes one for each connection, that takes such a file."""

    def make(**config: Any) -> Any:
        if isinstance(given := config.get(OPTION), PasswordFile):
            config[OPTION] = given.read()
        return kind(**config)

    return make


for _name in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
    register_sasl_mechanism(_name, _from_file(get_sasl_mechanism(_name)), overwrite=True)
