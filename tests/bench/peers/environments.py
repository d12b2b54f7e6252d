"""Virtual environments of peers that cannot share ours, made once under build/."""

import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

QUIX = ("quixstreams==3.28.0",)
CONFLUENT = ("confluent-kafka>=2.6,<3", "msgspec>=0.20")


def python_with(name: str, packages: Sequence[str]) -> Path:
    """The interpreter of an environment with these packages; raises `CalledProcessError` if they
    cannot be installed.
    """
    folder = Path("build/peers") / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        (folder / "ready").touch()
    return python


def _run(python: Path, script: str, *arguments: str) -> float:
    """The last word that a job beside this file prints."""
    done = subprocess.run(
        [python, Path(__file__).with_name(script), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=180,
    )
    return float(done.stdout.split()[-1])


def run_quix(broker: str, topic: str, out: str, count: int, script: str = "quix_job.py") -> float:
    """Readings per CPU-second of Quix Streams' job."""
    return _run(python_with("quix", QUIX), script, broker, topic, out, str(count))


def run_confluent(broker: str, topic: str, count: int) -> float:
    """Readings per CPU-second of librdkafka's job."""
    return _run(python_with("confluent", CONFLUENT), "confluent_job.py", broker, topic, str(count))
