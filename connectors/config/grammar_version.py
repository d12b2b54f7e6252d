"""The version of the language that definitions and site files are written in."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

VERSION = 1


def version(value: Any) -> Any:
    """The version, if this release can read it; raises ValueError with the remedy."""
    if isinstance(value, int) and not isinstance(value, bool) and value > VERSION:
        raise ValueError(
            f"version {value} is newer than this release, which reads version {VERSION}; upgrade"
            " vigie"
        )
    if value is True or value != VERSION:
        raise ValueError(f"{value!r} is no version of this language; write  vigie: {VERSION}")
    return value


GrammarVersion = Annotated[Literal[1], BeforeValidator(version)]
