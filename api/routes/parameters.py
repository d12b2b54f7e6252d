"""Types of parameters and answers that several endpoints share, and the tokens of pagination."""

import base64
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.web.errors import Rejected

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Moment = Annotated[float, Meta(ge=0, le=4e9, description="In seconds since 1970 (UTC).")]
PageToken = Annotated[str, Meta(max_length=600, description="The `next` of the page before.")]


class Done(msgspec.Struct):
    """It is done."""

    status: str = "ok"


def page_token(key: tuple[Any, ...]) -> str:
    """The opaque form of the sort key of the last item of a page (keyset pagination)."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode()


def read_page_token(token: str, type: Any) -> Any:
    """The sort key in a token, which must be of a type. Raises `Rejected` for what is none."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token.encode()), type=type)
    except (ValueError, RecursionError):
        raise Rejected(400, "after is not the `next` of another page") from None
