"""The types of JSON values, as clients of another language see them.

Ids are texts: such a client reads a number as nothing, or rounds it.
"""

from typing import Any


def numbers_under_ids(found: Any, at: str = "") -> list[str]:
    """Where a JSON value has a number under a key `id` or `*_id`."""
    if isinstance(found, list):
        return [place for one in found for place in numbers_under_ids(one, at)]
    if not isinstance(found, dict):
        return []
    wrong = []
    for name, value in found.items():
        is_id = name == "id" or name.endswith("_id")
        if is_id and isinstance(value, int | float) and not isinstance(value, bool):
            wrong.append(f"{at}.{name}")
        wrong += numbers_under_ids(value, f"{at}.{name}")
    return wrong


def types_of(found: Any) -> Any:
    """A JSON value with the name of its type in place of each text, number and flag."""
    if isinstance(found, dict):
        return {name: types_of(value) for name, value in found.items()}
    if isinstance(found, list):
        return [types_of(one) for one in found]
    if isinstance(found, bool) or found is None:
        return "null" if found is None else "boolean"
    return "string" if isinstance(found, str) else "number"


def numbers_declared_under_ids(document: dict[str, Any]) -> list[str]:
    """Where an OpenAPI document declares such a number in an answer."""
    schemas = document["components"]["schemas"]
    left = [
        answer
        for path in document["paths"].values()
        for operation in path.values()
        for answer in operation["responses"].values()
    ]
    seen: set[str] = set()
    wrong = []
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        if not isinstance(one, dict):
            continue
        if (name := str(one.get("$ref", "")).rpartition("/")[2]) and name not in seen:
            seen.add(name)
            left.append(schemas[name])
        for key, schema in one.get("properties", {}).items():
            kinds = [schema, *schema.get("anyOf", ())]
            if (key == "id" or key.endswith("_id")) and any(
                kind.get("type") in ("integer", "number") for kind in kinds
            ):
                wrong.append(f"{one.get('title', '')}.{key}")
        left += one.values()
    assert len(seen) > 10
    return wrong
