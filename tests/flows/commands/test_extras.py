"""Nobody needs to install what he does not use."""

import subprocess
import sys

import pytest

from tests.waiting import PATIENCE

OPTIONAL = (
    "paho", "pymysql", "pymysqlreplication", "clickhouse_connect", "pyarrow", "influxdb_client",
    "minio", "starlette",
    "uvicorn", "h11", "urllib3", "websockets", "jwt", "argon2", "sqlalchemy", "chdb", "aiosmtpd",
    "pandas",
)  # fmt: skip

BLOCK = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCK + code], capture_output=True, text=True, timeout=PATIENCE
    )


def test_definitions_are_checked_without_any_optional_package() -> None:
    done = python(
        "from flows.cli import main\nmain(['validate', 'flows/definitions/server_room.yaml',"
        " 'flows/definitions/energy.yaml'], standalone_mode=False)"
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_flow_of_topics_runs_without_any_optional_package() -> None:
    done = python("import flows.commands.run, flows.runtime.runner, flows.runtime.status")

    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_flow_does_not_load_numpy_before_it_has_very_many_subjects() -> None:
    done = python(
        "import sys, flows.commands.run, flows.runtime.runner, flows.runtime.status\nassert 'numpy' not in"
        " sys.modules"
    )

    assert done.returncode == 0, done.stderr
