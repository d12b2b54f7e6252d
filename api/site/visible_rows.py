"""The rows of ClickHouse that an account may see, as a condition of a query."""

from typing import Any

from api.permissions.visibility import Visibility


def visible_rows(
    visibility: Visibility, page: str = "labels['page']"
) -> tuple[list[str], dict[str, Any]]:
    """Conditions on a table with `subject` and `labels`, and their bound parameters.

    `page` is the expression of a row's own page. The rule is that of `Visibility.allows`.
    """
    if visibility.pages is None:
        return [], {}
    hidden = "{hidden:Array(String)}"
    return [
        f"if({page} != '', has({{seen_pages:Array(String)}}, {page}),"
        f" NOT has({hidden}, subject) AND NOT has({hidden}, labels['camera']))"
    ], {"seen_pages": sorted(visibility.pages), "hidden": sorted(visibility.hidden)}
