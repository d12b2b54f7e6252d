"""The page itself, and the service worker that keeps it for when the server is out of reach."""

import hashlib
import json
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route

from api.web.static_files import CompressedFiles

_WORKER = "service_worker.js"
_APART = ("docs", "icons")
"""Folders that the page does without where there is no server."""
_NAMED = re.compile(r'(?:src|href)="/static/([^"]+\.(?:js|css|svg|json))"')
_IMPORT = re.compile(r'^(?:import|export) .*?from "(\.[^"]+)";', re.MULTILINE)
_LANGUAGES = ("words/english.js", "words/french.js")


def page_routes(static: Path) -> list[Route | Mount]:
    """The page, its files, and the worker at the root, so that all of the site is its scope."""
    script = _service_worker(static)

    async def page(request: Request) -> Response:
        return FileResponse(static / "index.html")

    async def worker(request: Request) -> Response:
        return Response(script, media_type="text/javascript")

    return [
        Route("/", page),
        Route("/sw.js", worker),
        Mount("/static", CompressedFiles(static)),
    ]


def first_files(static: Path) -> list[Path]:
    """What the first view needs: what the page names, all that this imports, and both languages."""
    page = static / "index.html"
    found: set[Path] = set()
    wanted = [static / name for name in _NAMED.findall(page.read_text(encoding="utf-8"))]
    wanted += [static / name for name in _LANGUAGES]
    while wanted:
        path = wanted.pop().resolve()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".js":
            imports = _IMPORT.findall(path.read_text(encoding="utf-8"))
            wanted += [path.parent / name for name in imports]
    return sorted(found)


def _service_worker(static: Path) -> str:
    """The worker, with the names of the page's files and a version that changes with any of them.

    It keeps the first files from the first visit on.
    """
    files = sorted(
        path
        for path in static.rglob("*")
        if path.is_file() and path.relative_to(static).parts[0] not in (*_APART, _WORKER)
    )
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    known = {
        "VERSION": digest.hexdigest()[:16],
        "FIRST": ["/", *_addresses(static, first_files(static))],
        "FILES": ["/", *_addresses(static, files)],
    }
    head = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in known.items())
    return head + (static / _WORKER).read_text(encoding="utf-8")


def _addresses(static: Path, files: list[Path]) -> list[str]:
    root = static.resolve()
    return [f"/static/{path.resolve().relative_to(root).as_posix()}" for path in files]
