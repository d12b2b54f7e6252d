"""The connection `openid` of the site file: logging in with an account of somewhere else."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from operators.component import Spec
from operators.model.units import Duration

EVERYBODY = "*"
"""Stands in a list for everybody who has an account at the provider."""
Values = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=100)]


class OpenIdRoles(Spec):
    """For each role the values of the claim that give it; the highest that fits counts."""

    admin: Values = Field([], description="Values that make an admin.", examples=[["it"]])
    operator: Values = Field([], description="Values that make an operator.")
    viewer: Values = Field(
        [], description="Values that make a viewer; `*` is everybody.", examples=[["*"]]
    )


class OpenIdConnection(Spec):
    """A provider of OpenID Connect, such as Keycloak, Entra ID, Google, Authentik or Dex."""

    issuer: str = Field(
        description="Address of the provider, as its tokens have it.",
        examples=["https://login.example.org/realms/example"],
    )
    client_id: str = Field(
        min_length=1, description="Name under which Vigie is registered there.", examples=["vigie"]
    )
    client_secret: SecretStr | None = Field(
        None,
        description="Secret of that registration; left out for a public client.",
        examples=["${OPENID_SECRET}"],
    )
    name: str = Field(
        "OpenID", min_length=1, max_length=40, description="Word on the button of the page."
    )
    scopes: list[str] = Field(
        ["profile", "email"],
        description="What is asked for beside `openid`.",
        examples=[["profile", "groups"]],
    )
    username: str = Field(
        "preferred_username", min_length=1, description="Claim that has the user name."
    )
    claim: str = Field(
        "groups",
        min_length=1,
        description="Claim that gives roles and groups; dots go deeper: `realm_access.roles`.",
    )
    roles: OpenIdRoles = Field(
        description="Who gets which role; whoever gets none is refused.",
        examples=[{"admin": ["it"], "viewer": ["*"]}],
    )
    groups: dict[str, Values] = Field(
        {},
        description=(
            "For each group of Vigie the values of the claim that make a member of it; the"
            " provider alone decides who is in these groups by it."
        ),
        examples=[{"desk_euro": ["euro-desk"]}],
    )
    session: Duration = Field(
        43200.0,
        ge=300,
        le=30 * 86400,
        description="Time after which the provider is asked again, at the latest.",
        examples=["12h"],
    )

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError(
                f"expected an address such as https://login.example.org, got {value!r}"
            )
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname)):
            raise ValueError(
                f"expected an address that begins with https://, got {value!r}; http is for a"
                " provider on this machine alone"
            )
        return value


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
