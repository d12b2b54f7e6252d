"""The interactive documents, Swagger UI and Redoc, served from here and from no other host."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api.web.security_headers import policy

SWAGGER = "/api/docs"
REDOC = "/api/redoc"
DOCUMENT = "/api/openapi.json"
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="icon" href="/static/icon.svg">{style}</head>
<body>{body}{scripts}</body></html>
"""
_SWAGGER = _HEAD.format(
    title="Vigie: REST",
    style='<link rel="stylesheet" href="/static/docs/swagger-ui.css">',
    body='<div id="swagger"></div>',
    scripts=(
        '<script src="/static/docs/swagger-ui-bundle.js"></script><script'
        ' src="/static/docs/swagger.js"></script>'
    ),
)
_REDOC = _HEAD.format(
    title="Vigie: REST",
    style="",
    body='<div id="redoc"></div>',
    scripts=(
        '<script src="/static/docs/redoc.standalone.js"></script><script'
        ' src="/static/docs/redoc.js"></script>'
    ),
)
# Both draw with style attributes and style elements; scripts come from files only.
_POLICY = policy(
    **{"style-src": "'self' 'unsafe-inline'", "img-src": "'self' data:", "font-src": "'self' data:"}
)


def docs_routes(document: dict[str, Any]) -> list[Route]:
    """The document and the pages that show it, at their addresses."""
    text = msgspec.json.encode(document)

    async def openapi(request: Request) -> Response:
        return Response(text, media_type="application/json")

    def page(html: str) -> Any:
        async def show(request: Request) -> Response:
            return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY})

        return show

    return [
        Route(DOCUMENT, openapi),
        Route(SWAGGER, page(_SWAGGER)),
        Route("/docs", page(_SWAGGER)),
        Route(REDOC, page(_REDOC)),
    ]
