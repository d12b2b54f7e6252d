"""Kafka's program: jars of Maven Central, fetched once, of pinned versions and known checksums."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.embedded.service import Unavailable

VERSION = "4.1.0"
HERE = Path(__file__).parent
SUMS = HERE / "jars.sha256"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
FETCH_SECONDS = 600


def folder() -> Path:
    """The folder of the jars, in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "vigie" / f"kafka-{VERSION}"


def missing() -> str | None:
    """Why Kafka cannot run here; None if it can."""
    if shutil.which("java") is None:
        return "java is not installed (Debian: apt-get install openjdk-17-jre-headless)"
    if not folder().is_dir():
        return f"its jars are not in {folder()} (python -m infra.embedded.kafka.jars fetches them)"
    return None


def fetch() -> Path:
    """The folder with the jars, fetched if need be; raises `Unavailable`."""
    target = folder()
    if target.is_dir():
        return target
    for program, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not installed (Debian: apt-get install {package})")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as fresh:
        _copy(Path(fresh))
        check(Path(fresh))
        shutil.rmtree(target, ignore_errors=True)
        Path(fresh).chmod(0o755)
        Path(fresh).rename(target)
        Path(fresh).mkdir()  # for the end of the temporary folder
    return target


def _copy(to: Path) -> None:
    command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), PLUGIN]
    options = [f"-DoutputDirectory={to}", "-DincludeScope=runtime"]
    try:
        subprocess.run(
            [*command, *options], check=True, capture_output=True, text=True, timeout=FETCH_SECONDS
        )
    except subprocess.CalledProcessError as error:
        said = "\n".join((error.stdout + error.stderr).splitlines()[:8])
        raise Unavailable(f"Maven could not fetch Kafka {VERSION}:\n{said}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"Maven did not fetch Kafka {VERSION} within {FETCH_SECONDS} s"
        ) from error


def check(jars: Path) -> None:
    """Compare what was fetched with the checksums; raises `Unavailable` where it is not that."""
    lines = map(str.split, SUMS.read_text("utf-8").splitlines())
    wanted = {name: checksum for checksum, name in lines}
    found = {
        jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in sorted(jars.iterdir())
    }
    if wrong := sorted(dict(wanted.items() ^ found.items())):
        raise Unavailable(
            f"Kafka {VERSION} from Maven Central is not what {SUMS} lists: {', '.join(wrong)}"
        )


if __name__ == "__main__":
    try:
        print(fetch())
    except Unavailable as error:
        sys.exit(str(error))
