"""The connection of a push service: its address, which is a secret as a whole."""

import re

from pydantic import Field, SecretStr, field_validator

from operators.component import Spec

_ADDRESS = re.compile(r"[a-z][a-z0-9+]*://\S+")


class AppriseConnection(Spec):
    """A push service that tells people: ntfy, Telegram, Slack, Teams, Pushover, and many more."""

    url: SecretStr = Field(
        description=(
            "Address in the form of apprise, with its tokens: `ntfys://ntfy.sh/TOPIC`,"
            " `tgram://BOT/CHAT`, `slack://…`, `json://host:8080/path`. The list is at"
            " https://github.com/caronc/apprise/wiki."
        ),
        examples=["ntfys://ntfy.sh/${NTFY_TOPIC}"],
    )
    timeout: int = Field(10, ge=1, le=300, description="Seconds to wait for the service's answer.")

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: SecretStr) -> SecretStr:
        if not _ADDRESS.fullmatch(value.get_secret_value()):
            raise ValueError(
                "expected one address such as ntfys://ntfy.sh/topic or tgram://token/chat"
            )
        return value

    @property
    def service(self) -> str:
        """The kind of service, which is no secret: `ntfys`."""
        return self.url.get_secret_value().partition("://")[0]
