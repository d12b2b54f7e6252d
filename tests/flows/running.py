"""What the tests of `vigie run` share: definitions and site files in a folder, and a run that
ends by itself.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE

HOT = """\
sources: {readings: {topic: NAME.in}}
alarms:
  hot: {from: readings, when: {above: 30, clear: 28}, response: Cool it.}
sinks:
  log: {from: readings, topic: NAME.out}
"""


def write(folder: Path, name: str, body: str) -> Path:
    """A definition called `name`."""
    path = folder / f"{name}.yaml"
    path.write_text(f"vigie: 1\nflow: {name}\n{body}")
    return path


def site_of(folder: Path, **connections: dict[str, object]) -> Path:
    """A site file with these connections."""
    path = folder / "site.yaml"
    path.write_text(json.dumps({"vigie": 1, "site": "test", "connections": connections}))
    return path


def run_refused(
    definition: Path, site: Path, data: Path, *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`vigie run` that is expected to end at once, with what it said."""
    command = [
        sys.executable,
        "-m",
        "flows.cli",
        "run",
        str(definition),
        "--site",
        str(site),
        "--data",
        str(data),
    ]
    return subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, **environment},
    )
