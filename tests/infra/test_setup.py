"""`infra/setup.sh` on a copy of what it reads, with a PATH of our own."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.service

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "cat", "sha256sum", "dirname", "readlink")
FILES = (
    "usr/lib/python3/dist-packages/gi",
    "usr/lib/any/girepository-1.0/GstRtspServer-1.0.typelib",
    *(
        f"usr/lib/any/gstreamer-1.0/libgst{name}.so"
        for name in ("videotestsrc", "rtp", "videoparsersbad", "x264", "libav")
    ),
    "usr/share/doc/opencv-doc/examples/data/vtest.avi",
)
"""What Debian's packages bring that are no programs."""


@pytest.fixture
def checkout(tmp: Path) -> Path:
    for name in ("infra/setup.sh", "requirements.lock", "pyproject.toml"):
        (tmp / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp / name)
    (tmp / "bin").mkdir()
    for tool in TOOLS:
        (tmp / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return tmp


def install(checkout: Path, programs: tuple[str, ...], files: tuple[str, ...] = FILES) -> None:
    for program in programs:
        (checkout / "bin" / program).symlink_to("/bin/true")
    for file in files:
        (checkout / "root" / file).parent.mkdir(parents=True, exist_ok=True)
        (checkout / "root" / file).touch()


def prepared(checkout: Path) -> None:
    """A virtual environment that is up to date."""
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    parts = [
        checkout / "requirements.lock",
        checkout / "pyproject.toml",
        checkout / "infra" / "setup.sh",
    ]
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    (checkout / ".venv" / ".vigie-setup").write_text(f"{digest}  -\n")


def setup(checkout: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": str(checkout / "bin"),
        "HOME": os.environ.get("HOME", "/"),
        "DEBIAN_ROOT": str(checkout / "root"),
        **variables,
    }
    command = [str(checkout / "bin" / "bash"), str(checkout / "infra" / "setup.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_it_says_nothing_and_does_nothing_when_all_is_there(checkout: Path) -> None:
    prepared(checkout)
    install(checkout, ("mariadbd", "mosquitto", "mosquitto_pub", "victoria-metrics", "chromium"))
    done = setup(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_cannot_be_installed_is_left_out_with_its_reason(checkout: Path) -> None:
    prepared(checkout)
    install(checkout, ("mariadbd", "mosquitto", "mosquitto_pub"))
    done = setup(checkout)
    assert done.returncode == 0
    assert (
        "left out, because this is not Debian (no apt-get): victoria-metrics chromium"
        in done.stderr
    )


def test_packages_without_programs_are_told_by_their_files(checkout: Path) -> None:
    prepared(checkout)
    programs = ("mariadbd", "mosquitto", "mosquitto_pub", "victoria-metrics", "chromium")
    install(checkout, programs, tuple(file for file in FILES if "x264" not in file))
    done = setup(checkout)
    assert done.returncode == 0
    assert "(no apt-get): gstreamer1.0-plugins-ugly. Without them" in done.stderr


def test_without_a_fitting_python_it_says_which_one_it_needs(checkout: Path) -> None:
    done = setup(checkout)
    assert done.returncode == 1
    assert "needs Python 3.11 or 3.12" in done.stderr
    assert "make setup PYTHON=" in done.stderr
    assert not (checkout / ".venv" / ".vigie-setup").exists()


def test_a_changed_lock_file_is_noticed(checkout: Path) -> None:
    prepared(checkout)
    (checkout / "requirements.lock").write_text(
        "no-such-package-here==1 --hash=sha256:" + "0" * 64 + "\n"
    )
    (checkout / ".venv" / "bin" / "python").unlink()
    done = setup(checkout)
    assert done.returncode == 1
    assert "needs Python 3.11 or 3.12" in done.stderr


def test_the_environment_of_another_checkout_is_left_alone(checkout: Path) -> None:
    prepared(checkout)
    other = checkout / "other"
    (other / "infra").mkdir(parents=True)
    (checkout / ".venv").rename(other / ".venv")
    (checkout / ".venv").symlink_to(other / ".venv")
    install(checkout, ("mariadbd", "mosquitto", "mosquitto_pub", "victoria-metrics", "chromium"))
    assert setup(checkout).returncode == 0, "a folder elsewhere that is no checkout's may be used"

    (other / "infra" / "setup.sh").touch()
    done = setup(checkout)
    assert done.returncode == 1
    assert f".venv is a symbolic link into another checkout, to {other / '.venv'}" in done.stderr
    assert "rm .venv" in done.stderr
