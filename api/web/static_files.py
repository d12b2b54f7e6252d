"""The page's files, compressed for browsers that say that they take it."""

import gzip
import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_TEXT = frozenset({".js", ".css", ".html", ".json", ".svg", ".txt"})


class CompressedFiles(StaticFiles):
    """Files of a folder; each text is compressed once, when it is first asked for."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory)
        self._kept: dict[str, tuple[float, bytes]] = {}

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file as it is, compressed, or that the browser has it."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        path = Path(full_path)
        if path.suffix not in _TEXT:
            return answer
        answer.headers["Vary"] = "Accept-Encoding"
        taken = Headers(scope=scope).get("accept-encoding", "")
        if answer.status_code != 200 or scope["method"] != "GET" or not _takes_gzip(taken):
            return answer
        return Response(
            self._compressed(path, stat_result.st_mtime),
            media_type=answer.media_type,
            headers={
                "Content-Encoding": "gzip",
                "Vary": "Accept-Encoding",
                "Last-Modified": answer.headers["last-modified"],
                "ETag": f"W/{answer.headers['etag']}",
            },
        )

    def _compressed(self, path: Path, changed: float) -> bytes:
        kept = self._kept.get(str(path))
        if kept is None or kept[0] != changed:
            kept = self._kept[str(path)] = (changed, gzip.compress(path.read_bytes(), mtime=0))
        return kept[1]


def _takes_gzip(said: str) -> bool:
    """Whether a header `Accept-Encoding` names gzip, and not with the weight 0 (RFC 9110)."""
    for part in said.split(","):
        name, _, weight = part.partition(";")
        if name.strip().lower() in ("gzip", "*"):
            value = weight.strip().lower().removeprefix("q=")
            return not value or value.strip("0.") != ""
    return False
