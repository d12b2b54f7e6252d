"""A program of Maven Central: its jars, fetched once, of pinned versions and known checksums."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.service import Unavailable

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
FETCH_SECONDS = 600


@dataclass(frozen=True)
class Jars:
    """What `here/pom.xml` depends on; `here/jars.sha256` lists the checksums of all of it."""

    name: str
    version: str
    here: Path
    fetched_by: str
    """The command that fetches them."""

    @property
    def sums(self) -> Path:
        """The file of the checksums."""
        return self.here / "jars.sha256"

    def folder(self) -> Path:
        """The folder of the jars, in the user's cache."""
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache) / "vigie" / f"{self.name.lower()}-{self.version}"

    def missing(self) -> str | None:
        """Why the program cannot run here; None if it can."""
        if shutil.which("java") is None:
            return "java is not installed (Debian: apt-get install openjdk-17-jre-headless)"
        if not self.folder().is_dir():
            return f"its jars are not in {self.folder()} ({self.fetched_by} fetches them)"
        return None

    def fetch(self) -> Path:
        """The folder with the jars, fetched if need be; raises `Unavailable`."""
        target = self.folder()
        if target.is_dir():
            return target
        for program, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
            if shutil.which(program) is None:
                raise Unavailable(f"{program} is not installed (Debian: apt-get install {package})")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as fresh:
            self._copy(Path(fresh))
            self.check(Path(fresh))
            shutil.rmtree(target, ignore_errors=True)
            Path(fresh).chmod(0o755)
            Path(fresh).rename(target)
            Path(fresh).mkdir()  # for the end of the temporary folder
        return target

    def _copy(self, to: Path) -> None:
        command = ["mvn", "-q", "-B", "-f", str(self.here / "pom.xml"), PLUGIN]
        options = [f"-DoutputDirectory={to}", "-DincludeScope=runtime"]
        try:
            subprocess.run(
                [*command, *options],
                check=True,
                capture_output=True,
                text=True,
                timeout=FETCH_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            said = "\n".join((error.stdout + error.stderr).splitlines()[:8])
            raise Unavailable(
                f"Maven could not fetch {self.name} {self.version}:\n{said}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                f"Maven did not fetch {self.name} {self.version} within {FETCH_SECONDS} s"
            ) from error

    def check(self, jars: Path) -> None:
        """Compare what was fetched with the checksums; raises `Unavailable` if it is not that."""
        lines = map(str.split, self.sums.read_text("utf-8").splitlines())
        wanted = {name: checksum for checksum, name in lines}
        found = {
            jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in sorted(jars.iterdir())
        }
        if wrong := sorted(dict(wanted.items() ^ found.items())):
            raise Unavailable(
                f"{self.name} {self.version} from Maven Central is not what {self.sums} lists:"
                f" {', '.join(wrong)}"
            )
