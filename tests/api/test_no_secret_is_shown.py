"""Whatever is printed, passwords and tokens are not."""

import dataclasses
import importlib
import pkgutil
from typing import Any

import msgspec
import pytest

import api
from api.accounts.principal import Principal
from api.routes.entry.login import Credentials
from api.routes.entry.second_factor import SecondFactorView
from api.web.close_codes import Close

SECRET = {
    "password", "secret", "token", "ticket", "access", "refresh", "access_token", "refresh_token",
    "old", "new", "code", "recovery_codes",
}  # fmt: skip
OTHERS = {Principal, Close, SecondFactorView}
"""The name of a token, a number, and how many codes are left."""


def holders() -> list[type]:
    """Every class of the api with a field for a secret."""
    found = set()
    for module in pkgutil.walk_packages(api.__path__, "api."):
        if module.name.startswith(("api.database.migrations", "api.__main__")):
            continue
        for one in vars(importlib.import_module(module.name)).values():
            if isinstance(one, type) and one.__module__.startswith("api.") and one not in OTHERS:
                fields = getattr(one, "__struct_fields__", getattr(one, "_fields", ()))
                if dataclasses.is_dataclass(one):
                    fields = [field.name for field in dataclasses.fields(one)]
                if SECRET & {*fields}:
                    found.add(one)
    return sorted(found, key=lambda one: one.__qualname__)


@pytest.mark.parametrize("holder", holders(), ids=lambda one: one.__name__)
def test_a_value_that_holds_a_secret_does_not_show_it(holder: Any) -> None:
    names = getattr(holder, "__struct_fields__", getattr(holder, "_fields", ()))
    if dataclasses.is_dataclass(holder):
        names = [field.name for field in dataclasses.fields(holder) if field.init]
    shown = repr(holder(**{name: f"hidden-{name}" for name in names}))
    assert not [name for name in SECRET if f"hidden-{name}" in shown], shown


def test_a_body_that_is_not_as_it_should_be_is_refused_without_what_stands_in_it() -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(b'{"username": 1, "password": "hidden"}', type=Credentials)
    assert "hidden" not in str(refused.value)
