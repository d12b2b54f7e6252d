"""Whether a definition that was saved may take over: form, meaning, connections, state, tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import click
import msgspec

from connectors.base import ConnectorError, Sink
from connectors.config.document import Document
from connectors.config.site import Site, load_site
from connectors.runtime.private_files import private_folder
from flows.checks.connections import check_site, is_site
from flows.checks.context import Scope
from flows.dataflow.compiler import Compiled, NotRunnable, compile_flow
from flows.language.lock import born, lock_path, read_lock
from flows.language.model import Flow
from flows.loader import SHARED, build, load
from flows.runtime.saved_state.compatibility import read_manifest, refuse_lost_state
from flows.runtime.shards import StateError
from flows.site.network.from_network import foreign_places
from flows.site.version import Given, Unusable, Version, content, lay_out
from flows.testing.report import report
from flows.testing.runner import run_test


class Verdict(msgspec.Struct):
    """What was found of a file.

    `version` is what may run; `refused` says why nothing may. Both are None for a file that is no
    definition, such as one that others include. `files` are those that were read. `is_open` says
    that it could not be checked, and should be later.
    """

    files: list[str]
    flow: str | None = None
    version: Version | None = None
    refused: str | None = None
    is_open: bool = False


def judge(
    definition: Path,
    site: Path,
    data: Path,
    profile: str | None,
    given: Given,
    drop: tuple[str, ...] = (),
    is_remote: bool = False,
) -> Verdict:
    """Check a definition as it is now, or as it is given, and keep a copy of it if it may run.

    It is the work of a process of its own: a test of a definition may take all memory. The site
    file itself is read only.
    """
    if definition == site:
        return Verdict([str(site)], refused=_why_no_site(site))
    try:
        versions = private_folder(data / "versions")
        into = Path(mkdtemp(prefix=".new-", dir=versions))
    except OSError as error:
        return _open(definition, site, error)
    try:
        digest, files = lay_out(definition, into, given)
        verdict = Verdict([str(path) for path in (*files, site)])
        copy = into / definition.name
        before = content(site)
        _judge(copy, site, data, profile, drop, verdict)
        if is_remote and verdict.version is not None:
            verdict.refused = foreign_places(Document.read(copy))
        if verdict.refused:
            verdict.refused = verdict.refused.replace(f"{into}/", f"{definition.parent}/")
        elif verdict.version is not None:
            kept = private_folder(versions / verdict.version.flow) / digest
            if not kept.exists():
                into.rename(kept)
            verdict.version = msgspec.structs.replace(
                verdict.version, hash=digest, site=before, folder=str(kept)
            )
        return verdict
    except Unusable as error:
        return Verdict([str(definition), str(site)], refused=str(error))
    except OSError as error:
        return _open(definition, site, error)
    finally:
        shutil.rmtree(into, ignore_errors=True)


def _open(definition: Path, site: Path, error: OSError) -> Verdict:
    why = f"{definition}: it cannot be checked yet: {error}"
    return Verdict([str(definition), str(site)], refused=why, is_open=True)


def _why_no_site(site: Path) -> str | None:
    try:
        load_site(site)
    except ConnectorError as error:
        return str(error)
    return None


def _judge(
    copy: Path, site: Path, data: Path, profile: str | None, drop: tuple[str, ...], found: Verdict
) -> None:
    document = Document.read(copy)
    if document.root is not None and document.root.entries is not None:
        keys = {str(key) for key in document.root.entries}
        if is_site(document) or keys <= {*SHARED, "vigie"}:
            return
        name = document.root.get("flow")
        found.flow = str(name.value) if name is not None else None
    flow = build(document)
    try:
        place = load_site(site)
        if flow is not None:
            check_site(document, flow, place)
        if flow is None or document.errors:
            found.refused = document.report()
            return
        lock = read_lock(lock_path(copy, flow))
        tables = Scope(document, flow).tables
        compiled = compile_flow(flow, tables, place.zone, profile, born(flow, lock))
        for component in (*compiled.sources.values(), *_sinks(compiled)):
            if component.CONNECTION is not None:
                place.connection(getattr(component, "connection"), component.CONNECTION)  # noqa: B009
        states = tuple(compiled.plan.identities())
        if saved := read_manifest(data / "flows" / flow.flow):
            refuse_lost_state(saved.state, states, compiled.plan.carried(), set(drop))
    except StateError as error:
        found.refused = f"{copy}: {error}".replace("run once with", "deploy it with")
        return
    except (ConnectorError, NotRunnable, ValueError) as error:
        found.refused = f"{copy}: {error}" if flow is not None else str(error)
        return
    found.refused = failed_tests(document, flow, place)
    if found.refused is None:
        found.version = Version(flow.flow, "", "", "", copy.name, states)


def _sinks(compiled: Compiled) -> Iterator[Sink]:
    return (sink.component for sink in compiled.sinks.values())


def failed_tests(document: Document, flow: Flow, site: Site) -> str | None:
    """The report of the first test that fails; None if there is none."""
    tables = Scope(document, flow).tables
    for number, test in enumerate(flow.tests):
        others = {}
        for file in test.definitions():
            other, read = load(document.path.parent / file)
            if read is None:
                return other.report()
            others[file] = (read, Scope(other, read).tables)
        outcome = run_test(flow, tables, site.zone, number, others, site.place)
        if outcome.status == "failed":
            return click.unstyle(report(document, outcome))
    return None
