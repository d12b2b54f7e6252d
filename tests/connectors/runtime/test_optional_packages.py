"""A package that is not installed is named with its remedy; no other fault is hidden."""

import pytest

from connectors.base import ConnectorError
from connectors.runtime.optional_packages import needing


@pytest.mark.parametrize("name", ["paho", "paho.mqtt"])
def test_a_missing_package_is_one_sentence_with_its_extra(name):
    with (
        pytest.raises(
            ConnectorError, match=r"^sensors: mqtt needs paho: pip install 'vigie\[mqtt\]'$"
        ),
        needing("sensors: mqtt", "mqtt", "paho"),
    ):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_another_missing_module_is_a_fault_and_stays_one():
    with pytest.raises(ModuleNotFoundError), needing("sensors: mqtt", "mqtt", "paho"):
        raise ModuleNotFoundError("No module named 'ours'", name="ours")
