"""Versions that people bring: compared with what they replace, checked, run, and then written."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Protocol, cast

from connectors.runtime.supervisor import Became, Deploy, Held
from flows.site.books import How
from flows.site.candidate import Verdict
from flows.site.checks import Checks, Job
from flows.site.unit import Unit
from flows.site.version import Version
from flows.site.watch import SUFFIXES

MAY_COME = (*SUFFIXES, ".csv")
Answer = Callable[[Became], None]


class Site(Protocol):
    """What deploys need of the supervisor."""

    units: dict[str, Unit]
    files: dict[Path, str]
    checks: Checks

    def take(self, path: Path, flow: str) -> str | None:
        """Note that a file holds a flow; why that cannot be, if it cannot."""

    def offer(
        self, version: Version, who: str, how: How, done: Callable[[str | None], None],
        drop: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Have a version run."""

    def say(self, name: str, text: str) -> None:
        """Write a line of the log."""


class Deploys:
    """The definitions are in files only once they run: one that fails leaves nothing behind."""

    def __init__(self, site: Site, folder: Path, site_file: Path) -> None:
        self._site, self._folder, self._site_file = site, folder, site_file
        self._coming: set[Path] = set()

    def brings(self, path: Path) -> bool:
        """Whether a file is not there because a deploy has yet to write it."""
        return path in self._coming

    def begin(self, wish: Deploy, answer: Answer) -> None:
        """Deploy; the answer comes once it is decided which version runs."""
        known = next((path for path, flow in self._site.files.items() if flow == wish.flow), None)
        path = known or self._folder / f"{wish.flow}.yaml"
        if why := self._why_not(wish, path) or self._conflict(wish):
            answer(why)
            return
        given = {path.name: wish.text.encode()}
        given |= {name: text.encode() for name, text in wish.files.items()}
        self._site.say(wish.flow, f"{wish.who or 'somebody'} deploys {path.name}")
        self._site.checks.add(
            Job(
                path,
                lambda verdict: self._checked(wish, path, given, verdict, answer),
                given,
                tuple(wish.drop),
                wish.is_remote,
            )
        )

    def held(self, flow: str) -> Held:
        """The version of a flow that runs, with its files."""
        unit = self._site.units.get(flow)
        version = unit.current if unit is not None else None
        if version is None:
            return Held()
        files = {name: held.decode("utf-8", "replace") for name, held in version.files().items()}
        return Held(version.hash, files.pop(version.file, ""), files)

    def _why_not(self, wish: Deploy, path: Path) -> Became | None:
        if wish.flow != Path(wish.flow).name or wish.flow.startswith("."):
            return Became(refused=f"{wish.flow!r} is no name of a flow")
        theirs = {other.name for other, flow in self._site.files.items() if flow != wish.flow}
        if path.name in theirs:
            return Became(refused=f"{path} is the file of another flow; rename one of them")
        for name in wish.files:
            parts = PurePosixPath(name)
            if parts.is_absolute() or ".." in parts.parts or parts.suffix not in MAY_COME:
                return Became(
                    refused=f"a definition brings files below its folder that end in"
                    f" {', '.join(MAY_COME)}; got {name!r}"
                )
            if self._folder / name == self._site_file or name in theirs:
                return Became(refused=f"{name!r} is the site file or another flow: not replaced")
        return None

    def _conflict(self, wish: Deploy) -> Became | None:
        unit = self._site.units.get(wish.flow)
        latest = unit.latest.hash if unit is not None and unit.latest is not None else ""
        if unit is not None and unit.state == "stopped":
            latest = ""
        if wish.expected is None or wish.expected == latest:
            return None
        now = f"version {latest} is there" if latest else "no such flow is there"
        was = f"version {wish.expected}" if wish.expected else "no such flow"
        return Became(
            latest or None,
            f"expected {was}, but {now}: somebody else deployed meanwhile; look at what"
            " changed (vigie diff) and deploy again",
            conflict=True,
        )

    def _checked(
        self, wish: Deploy, path: Path, given: dict[str, bytes], verdict: Verdict, answer: Answer
    ) -> None:
        refused = verdict.refused
        if refused is None and verdict.version is None:
            refused = "it is no definition of a flow"
        elif verdict.flow != wish.flow and refused is None:
            refused = f"it was said to be the flow {wish.flow!r}, but is {verdict.flow!r}"
        if refused is not None:
            answer(Became(refused=refused))
            return
        is_new = wish.flow not in self._site.units
        if conflict := self._conflict(wish):
            answer(conflict)
            return
        if problem := self._site.take(path, wish.flow):
            answer(Became(refused=problem))
            return
        version = verdict.version
        assert version is not None
        self._coming.add(path)

        def done(reason: str | None) -> None:
            self._coming.discard(path)
            unit = self._site.units[wish.flow]
            if reason is None:
                self._write(path, given, version.files())
                answer(Became(version.hash))
                return
            if is_new and unit.latest in (None, version):
                self._site.files.pop(path, None)
                unit.leave()
                if unit.process is None:
                    del self._site.units[wish.flow]
            now = unit.current.hash if unit.current and not is_new else None
            answer(Became(now, reason))

        how = cast(How, wish.how)
        self._site.offer(version, wish.who, how, done, tuple(wish.drop))

    def _write(self, path: Path, given: dict[str, bytes], ran: dict[str, bytes]) -> None:
        """Write what runs now, each file as a whole, but for those that it does not read."""
        for name, data in given.items():
            target = path.parent / name
            if name not in ran or (target.exists() and target.read_bytes() == data):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.part")
            try:
                part.write_bytes(data)
                part.replace(target)
            except OSError as error:
                self._site.say(
                    path.name,
                    f"{target} cannot be written ({error.strerror}): the version before comes"
                    " back with the next start; make the folder writable and deploy again",
                )
