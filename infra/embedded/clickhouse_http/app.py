"""The HTTP side: who asks, what is asked, and the answer with ClickHouse's headers."""

import asyncio
import base64
import binascii
import json
import re
import secrets
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.embedded.clickhouse_http import compression
from infra.embedded.clickhouse_http.engine import Engine, Result
from infra.embedded.clickhouse_http.errors import ClickHouseError
from infra.embedded.clickhouse_http.native import reframe
from infra.embedded.clickhouse_http.statement import format_of, only_reads

# For the HTTP layer; everything else in the query string is a setting of the engine.
_TRANSPORT = {
    "query", "database", "default_format", "query_id", "session_id", "session_timeout",
    "session_check", "quota_key",
    "compress", "decompress", "wait_end_of_query", "buffer_size", "client_protocol_version",
    "enable_http_compression", "http_zlib_compression_level", "user", "password", "role",
    "readonly",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms", "add_http_cors_header",
}  # fmt: skip
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_BLOCK_INFO_SINCE = 54406
"""Protocol revision from which a client expects Native blocks with block info."""


def make_app(path: str, user: str, password: str, handles: int = 4) -> Starlette:
    """The application over the data folder `path` for one user."""
    engine = Engine(path, handles)
    threads = ThreadPoolExecutor(handles, thread_name_prefix="engine")

    async def ping(_: Request) -> Response:
        return Response("Ok.\n")

    async def root(request: Request) -> Response:
        if request.method in ("GET", "HEAD") and "query" not in request.query_params:
            return Response("Ok.\n")
        try:
            _authenticate(request, user, password)
            return await _answer(request, engine, threads)
        except ClickHouseError as error:
            headers = {"X-ClickHouse-Exception-Code": str(error.code)}
            return Response(f"{error}\n", error.status, headers, "text/plain")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        threads.shutdown()
        engine.close()

    routes = [
        Route("/ping", ping),
        Route("/replicas_status", ping),
        Route("/", root, methods=["GET", "POST", "HEAD"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _authenticate(request: Request, user: str, password: str) -> None:
    query, headers = request.query_params, request.headers
    given_user = headers.get("x-clickhouse-user") or query.get("user") or "default"
    given = headers.get("x-clickhouse-key") or query.get("password") or ""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given_user, _, given = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    same = secrets.compare_digest(given.encode(), password.encode())
    if not same or given_user != user:
        what = (
            f"{given_user}: Authentication failed: password is incorrect, or there is no user with"
            " such name"
        )
        raise ClickHouseError.make(516, what, "AUTHENTICATION_FAILED")


async def _answer(request: Request, engine: Engine, threads: ThreadPoolExecutor) -> Response:
    query, headers = request.query_params, request.headers
    if headers.get("content-type", "").startswith("multipart/form-data"):
        raise ClickHouseError.make(
            48, "Form-encoded queries and external data are not supported", "NOT_IMPLEMENTED"
        )
    if "1" in (query.get("decompress"), query.get("compress")):
        raise ClickHouseError.make(
            48, "ClickHouse's own block compression is not supported", "NOT_IMPLEMENTED"
        )
    body = compression.decode(await request.body(), headers.get("content-encoding", "").lower())
    statement = query.get("query", "").encode()
    if not statement:
        statement, body = body, b""
    read_only = query.get("readonly", "1" if request.method in ("GET", "HEAD") else "0")
    if read_only not in ("0", "") and not only_reads(statement):
        raise ClickHouseError.make(164, "Cannot execute query in readonly mode", "READONLY")
    output = format_of(
        statement + body if len(body) < 4096 else statement,
        query.get("default_format", "TabSeparated"),
    )
    result = await asyncio.get_running_loop().run_in_executor(
        threads,
        engine.run,
        statement,
        body,
        output,
        query.get("database") or headers.get("x-clickhouse-database") or "default",
        {name: value for name, value in query.items() if _is_setting(name)},
        {name[6:]: value for name, value in query.items() if name.startswith("param_")},
    )
    data = result.data
    revision = int(query.get("client_protocol_version") or 0)
    if data and output == "Native" and revision >= _BLOCK_INFO_SINCE:
        data = reframe(data, revision)
    answer_headers = _headers(result, query.get("query_id") or str(uuid.uuid4()), output, len(data))
    if query.get("enable_http_compression") == "1":
        data, encoding = compression.encode(data, headers.get("accept-encoding", ""))
        if encoding:
            answer_headers["Content-Encoding"] = encoding
    return Response(data, 200, answer_headers, "application/octet-stream")


def _is_setting(name: str) -> bool:
    return (
        name not in _TRANSPORT
        and not name.startswith("param_")
        and _SETTING.match(name) is not None
    )


def _headers(result: Result, query_id: str, output: str, size: int) -> dict[str, str]:
    summary = {
        "read_rows": result.rows_read,
        "read_bytes": result.bytes_read,
        "written_rows": result.rows_written,
        "written_bytes": 0,
        "total_rows_to_read": 0,
        "result_rows": result.rows_written,
        "result_bytes": size,
        "elapsed_ns": int(result.elapsed * 1e9),
    }
    headers = {
        "X-ClickHouse-Query-Id": query_id,
        "X-ClickHouse-Server-Display-Name": "embedded",
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Summary": json.dumps({name: str(value) for name, value in summary.items()}),
    }
    if size:
        headers["X-ClickHouse-Format"] = output
    return headers
