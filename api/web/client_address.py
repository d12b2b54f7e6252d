"""Where a request comes from."""

from starlette.requests import HTTPConnection


def address_of(request: HTTPConnection) -> str:
    """The client's address; behind a trusted proxy the one that the proxy names."""
    return request.client.host if request.client else "unknown"
