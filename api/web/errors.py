"""Errors of requests: a status, and a sentence for whoever made the request."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

RETRY_AFTER = "5"


class Rejected(Exception):
    """The request cannot be answered; `status` and a message for whoever made it.

    `needs` is for programs: what it would take to answer it.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: dict[str, str] | None = None,
        needs: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.needs = needs


class Unavailable(Exception):
    """A store behind the api does not answer; the message says which, and what to do."""


def unavailable(message: object) -> Rejected:
    """The error for a service behind this one that does not answer."""
    return Rejected(503, str(message), {"Retry-After": RETRY_AFTER})


async def rejected(request: Request, error: Exception) -> Response:
    """The answer to a `Rejected`: `{"error": message}`."""
    assert isinstance(error, Rejected)
    body = {"error": str(error)} | ({} if error.needs is None else {"needs": error.needs})
    return JSONResponse(body, error.status, error.headers)


async def database_down(request: Request, error: Exception) -> Response:
    """The answer where the api's own database cannot do what was asked."""
    return await rejected(request, unavailable(error))


async def failed(request: Request, error: Exception) -> Response:
    """The answer to a mistake of ours, which is logged."""
    return JSONResponse({"error": "this server made a mistake; its log says more"}, 500)


async def refused(request: Request, error: Exception) -> Response:
    """The answer to what Starlette refuses: no such path or method, a body that is too large."""
    assert isinstance(error, HTTPException)
    words = {
        404: "there is nothing at this address; /api/docs shows what there is",
        413: "the body is too large",
    }
    return JSONResponse(
        {"error": words.get(error.status_code, error.detail)}, error.status_code, error.headers
    )
