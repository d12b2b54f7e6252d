"""The OpenAPI 3.1 document, made from the endpoints and the types they read and write."""

import http
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import msgspec

from api.web.endpoints import Endpoint

REF = "#/components/schemas/{name}"
_ABOUT = """Vigie's REST interface.

Log in at `POST /api/auth/login` and send `Authorization: Bearer TOKEN`. Times are seconds since
1970 (UTC). Refusals are answered with `{"error": "..."}`. Live events come over the WebSocket `/ws`
or as server-sent events from `/api/stream`."""


class Refusal(msgspec.Struct):
    """Why a request was refused.

    `item` is the number of the object in a list, from 0. `needs` is what it would take: the `code`
    of the second factor, or a `password` of one's own in the place of the printed one.
    """

    error: str
    item: int | None = None
    needs: Literal["code", "password"] | None = None


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The whole document as plain JSON values."""
    endpoints = list(endpoints)
    types = [type for endpoint in endpoints for type in _types(endpoint)]
    schemas, components = msgspec.json.schema_components([*types, Refusal], ref_template=REF)
    of = dict(zip(map(_key, types), schemas, strict=False))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(address(endpoint), {})[endpoint.method.lower()] = _operation(
            endpoint, of, components
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vigie",
            "version": _version(),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name} for name in dict.fromkeys(endpoint.tag for endpoint in endpoints)],
        "servers": [{"url": "/", "description": "The api that serves this document."}],
        "paths": paths,
        "components": {
            "schemas": _referred_to(paths, components),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
        "security": [{"bearer": []}],
    }


def address(endpoint: Endpoint) -> str:
    """The path as OpenAPI writes it."""
    return endpoint.described or re.sub(r"\{(\w+):\w+\}", r"{\1}", endpoint.address)


def _referred_to(paths: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """The components that the paths lead to; those of parameters are written out there."""
    found: set[str] = set()
    waiting: list[Any] = [paths]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).rpartition("/")[2]
            if name in components and name not in found:
                found.add(name)
                waiting.append(components[name])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return {name: component for name, component in components.items() if name in found}


def _types(endpoint: Endpoint) -> list[Any]:
    body = endpoint.body_type or endpoint.body
    types = (endpoint.path, endpoint.query, body, endpoint.answer, *endpoint.also.values())
    return [type for type in types if type is not None]


def _key(type: Any) -> str:
    return repr(type)


def _operation(
    endpoint: Endpoint, schemas: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": endpoint.description + _needs(endpoint),
        "operationId": _name(endpoint),
        "responses": {str(endpoint.status): _answer(endpoint, schemas)},
    }
    for status in endpoint.statuses():
        refusal = {"schema": {"$ref": REF.format(name="Refusal")}}
        operation["responses"][str(status)] = {
            "description": http.HTTPStatus(status).phrase,
            "content": {"application/json": refusal},
        }
    for status, type in endpoint.also.items():
        operation["responses"][str(status)] = {
            "description": http.HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": schemas[_key(type)]}},
        }
    parameters = [
        *_parameters(endpoint.path, "path", schemas, components),
        *_parameters(endpoint.query, "query", schemas, components),
    ]
    if parameters:
        operation["parameters"] = parameters
    body = endpoint.body_type or endpoint.body
    if body is not None:
        content = {endpoint.body_media: {"schema": schemas[_key(body)]}}
        operation["requestBody"] = {"required": not endpoint.body_optional, "content": content}
    if endpoint.role is None:
        operation["security"] = []
    return operation


def _answer(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "string"} if endpoint.answer is None else schemas[_key(endpoint.answer)]
    content = {endpoint.media: {"schema": schema}}
    return {"description": http.HTTPStatus(endpoint.status).phrase, "content": content}


def _parameters(
    type: Any, place: str, schemas: dict[str, Any], components: dict[str, Any]
) -> list[dict[str, Any]]:
    if type is None:
        return []
    schema = components[schemas[_key(type)]["$ref"].rpartition("/")[2]]
    parameters = []
    for name, field in schema["properties"].items():
        field = _without_null(field)
        parameter = {
            "name": name,
            "in": place,
            "required": place == "path" or name in schema.get("required", ()),
        }
        text = field.pop("description", None)
        parameters.append(parameter | ({"description": text} if text else {}) | {"schema": field})
    return parameters


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out rather than null."""
    choices = [choice for choice in field.get("anyOf", ()) if choice != {"type": "null"}]
    rest = {
        name: value
        for name, value in field.items()
        if name != "anyOf" and (name, value) != ("default", None)
    }
    return (
        {**rest, **choices[0]}
        if len(choices) == 1
        else rest | ({"anyOf": choices} if choices else {})
    )


def _needs(endpoint: Endpoint) -> str:
    return "" if endpoint.role in (None, "viewer") else f"\n\nNeeds the role {endpoint.role}."


def _name(endpoint: Endpoint) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", address(endpoint)).strip("_")
    return f"{endpoint.method.lower()}_{words}"


def _version() -> str:
    try:
        return version("vigie")
    except PackageNotFoundError:
        return "0"
