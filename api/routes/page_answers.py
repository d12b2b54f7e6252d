"""How endpoints of pages, groups and their alarms are declared and answered."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from api.database.database import Database
from api.pages.errors import Changed, Denied, Invalid, Missing
from api.routes.parameters import Id
from api.web.endpoints import Endpoint
from api.web.errors import Rejected

TAG = "Pages"
Text = Annotated[str, Meta(max_length=200)]
Answer = TypeVar("Answer")


class Name(msgspec.Struct):
    """The name of a page or a group."""

    name: Text


class PageId(msgspec.Struct):
    """Which page."""

    page: Id


def page_endpoint(
    method: str,
    address: str,
    do: Any,
    summary: str,
    answer: Any,
    path: Any = None,
    body: Any = None,
    more: tuple[int, ...] = (),
) -> Endpoint:
    """An endpoint that any account may call; what it may do there, the pages decide.

    `more` are further statuses of refusals.
    """
    return Endpoint(
        method,
        address,
        do,
        TAG,
        summary,
        answer,
        path=path,
        body=body,
        errors=(*((403, 404) if path is not None else ()), *more),
    )


async def answered(work: Awaitable[Answer]) -> Answer:
    """The result of the work. Raises `Rejected` for what it refuses."""
    try:
        return await work
    except Denied as error:
        raise Rejected(403, str(error)) from None
    except Missing as error:
        raise Rejected(404, str(error)) from None
    except Changed as error:
        raise Rejected(409, str(error)) from None
    except Invalid as error:
        raise Rejected(400, str(error)) from None


async def looked_up(database: Database, work: Callable[[Session], Answer]) -> Answer:
    """What the work reads in the database. Raises `Rejected` for what it refuses."""
    return await answered(database.read_in_thread(work))
