"""The page itself, and the service worker that keeps it for when the server is out of reach."""

import hashlib
import json
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

_WORKER = "service_worker.js"
_APART = ("docs", "icons")
"""Folders that the page does without where there is no server."""


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
        Mount("/static", StaticFiles(directory=static)),
    ]


def _service_worker(static: Path) -> str:
    """The worker with the names of the page's files and a version that changes with any of them."""
    files = sorted(
        path
        for path in static.rglob("*")
        if path.is_file() and path.relative_to(static).parts[0] not in (*_APART, _WORKER)
    )
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    names = ["/", *(f"/static/{path.relative_to(static).as_posix()}" for path in files)]
    head = f"const VERSION = {digest.hexdigest()[:16]!r}, FILES = {json.dumps(names)};\n"
    return head + (static / _WORKER).read_text(encoding="utf-8")
