"""The description of the REST interface holds Redocly's recommended rules."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.api.running import Api
from tests.infra.tools import program

pytestmark = pytest.mark.infra


def test_the_description_of_the_rest_interface_breaks_none_of_redoclys_recommended_rules(
    api: Api, tmp_path: Path
) -> None:
    described = tmp_path / "openapi.json"
    described.write_bytes(api.get("/api/openapi.json").content)
    silent = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    checked = subprocess.run(
        [program("redocly"), "lint", "--extends", "recommended", "--format", "json", described],
        env=os.environ | silent,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout
