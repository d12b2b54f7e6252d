"""Virtual environments of peers that cannot share ours, made once under build/."""

import subprocess
import venv
from pathlib import Path

QUIX = "quixstreams==3.28.0"


def quix_python() -> Path:
    """The interpreter of Quix Streams' environment; raises `CalledProcessError` if it cannot be
    installed.
    """
    folder = Path("build/peers/quix")
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", QUIX],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        (folder / "ready").touch()
    return python


def run_quix(broker: str, topic: str, out: str, count: int, script: str = "quix_job.py") -> float:
    """Readings per CPU-second of the peer's job."""
    job = Path(__file__).with_name(script)
    done = subprocess.run(
        [quix_python(), job, broker, topic, out, str(count)],
        check=True,
        capture_output=True,
        text=True,
        timeout=180,
    )
    return float(done.stdout.split()[-1])
