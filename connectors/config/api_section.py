"""The part `api` of the site file: how the api serves this installation."""

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from operators.component import Spec


class ApiSection(Spec):
    """Who may come, from where, and what the api looks after."""

    url: str | None = Field(
        None,
        description="Where people open the page; messages to them have a link to each alarm there.",
        examples=["https://vigie.example.org"],
    )
    flows: list[str] = Field(
        [],
        description="Status addresses of the flows that run (`vigie run --status-port`).",
        examples=[["http://127.0.0.1:9101"]],
        max_length=100,
    )
    registration: Literal["open", "closed"] = Field(
        "closed",
        description=(
            "`open`: everybody who reaches the api may make himself an account, which is then a"
            " viewer."
        ),
    )
    connections_per_account: int = Field(
        1000,
        ge=1,
        description="The most WebSockets and streams that one account may have open at a time.",
    )
    changes_per_minute: int = Field(
        300,
        ge=1,
        description="The most changes that one account may make in a minute, over all connections.",
    )
    audit_days: float = Field(
        400, gt=0, description="Days for which the audit log is kept; older entries go."
    )
    audit_entries: int = Field(
        1_000_000, ge=1, description="The most entries of the audit log; the oldest go first."
    )
    trigger_days: float = Field(
        400, gt=0, description="Days for which it is kept when alarms of people were triggered."
    )
    trigger_entries: int = Field(
        1_000_000, ge=1, description="The most of those entries; the oldest go first."
    )
    connections_per_address: int = Field(
        1000,
        ge=1,
        description="The most connections of one address that is none of the `proxies`.",
    )
    anonymous: Literal["viewer"] | None = Field(
        None,
        description=(
            "`viewer`: clients of the video watch may follow `/ws` without a token; nobody may when"
            " left out."
        ),
    )
    origins: list[str] = Field(
        [],
        description=(
            "Other sites whose pages may open a WebSocket here, such as `https://wall.example`; the"
            " api's own page always may."
        ),
        examples=[["https://wall.example"]],
    )
    hosts: list[str] = Field(
        [],
        description=(
            "Names under which browsers and programs reach the api, without scheme and port;"
            " addresses and `localhost` are known. A request for another name is refused: a"
            " foreign page could send it (DNS rebinding)."
        ),
        examples=[["vigie.example.org"]],
    )
    proxies: list[str] = Field(
        [],
        description=(
            "Addresses or networks of the proxies in front; only theirs are the `X-Forwarded-…`"
            " headers believed."
        ),
        examples=[["127.0.0.1", "10.0.0.0/24"]],
    )
    discovery: bool = Field(
        False,
        description=(
            "Operators may have the local network searched for cameras (ONVIF WS-Discovery, by"
            " multicast), and a test picture taken of an address."
        ),
    )
    cameras_here: bool = Field(
        False,
        description="Searching and test pictures may ask cameras on the api's own machine, too.",
    )
    push_services: list[str] = Field(
        [],
        description=(
            "Addresses of push services beside those of Chrome, Edge, Firefox and Safari; the api"
            " sends notifications to no other."
        ),
        examples=[["https://push.example.org"]],
        max_length=20,
    )
    modes: list[str] = Field(
        ["surveillance", "active"],
        description=(
            "The modes of the site; the first one is in force until somebody chooses another."
        ),
        min_length=2,
        max_length=20,
    )

    @field_validator("url")
    @classmethod
    def _page(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError(
                f"expected an address such as https://vigie.example.org, got {value!r}"
            )
        return value.rstrip("/")

    @field_validator("flows", "origins", "push_services")
    @classmethod
    def _addresses(cls, values: list[str]) -> list[str]:
        for value in values:
            parts = urlsplit(value)
            if (
                parts.scheme not in ("http", "https")
                or not parts.hostname
                or parts.path not in ("", "/")
                or parts.query
            ):
                raise ValueError(
                    f"expected an address such as http://127.0.0.1:9101, got {value!r}"
                )
        return [value.rstrip("/") for value in values]

    @field_validator("proxies")
    @classmethod
    def _networks(cls, values: list[str]) -> list[str]:
        for value in values:
            try:
                ipaddress.ip_network(value)
            except ValueError:
                raise ValueError(
                    f"expected an address or a network such as 10.0.0.0/24, got {value!r}"
                ) from None
        return values
