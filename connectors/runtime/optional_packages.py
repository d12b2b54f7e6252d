"""Optional packages: their absence as one sentence that names the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.base import ConnectorError


@contextmanager
def needing(who: str, extra: str, *packages: str) -> Iterator[None]:
    """Import within this context what needs `packages`, which the extra `extra` installs.

    Raises `ConnectorError` on behalf of `who` if one of them is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in packages:
            raise
        raise ConnectorError(f"{who} needs {missing}: pip install 'vigie[{extra}]'") from error
