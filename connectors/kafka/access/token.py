"""The token of OAUTHBEARER, as the client asks for it at each connection."""

from pathlib import Path

from kafka.net.sasl.oauth import AbstractTokenProvider
from pydantic import SecretStr


class Token(AbstractTokenProvider):  # type: ignore[misc]
    """A token of the site file, or of a file that another program renews."""

    def __init__(self, token: SecretStr | None, file: str | None) -> None:
        super().__init__()
        self._token, self._file = token, file

    def token(self) -> str:
        """The token as it is now."""
        if self._file is not None:
            return Path(self._file).read_text(encoding="utf-8").strip()
        return self._token.get_secret_value() if self._token else ""
