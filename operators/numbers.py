"""Numbers in settings: `true` is none of them, though Python takes it for 1."""

from typing import Any

from pydantic_core import CoreSchema, PydanticKnownError, core_schema


def without_booleans(schema: CoreSchema) -> CoreSchema:
    """The schema of a model whose numbers refuse `true` and `false`."""
    changed: CoreSchema = _changed(schema)
    return changed


def _changed(part: Any) -> Any:
    if isinstance(part, list | tuple):
        return type(part)(map(_changed, part))
    if not isinstance(part, dict):
        return part
    if part.get("type") in ("int", "float"):
        refuse = _int if part["type"] == "int" else _float
        return core_schema.no_info_before_validator_function(refuse, part)
    return {
        key: {name: _changed(one) for name, one in value.items()}
        if key == "fields"
        else value
        if key in _OTHERS
        else _changed(value)
        for key, value in part.items()
    }


_OTHERS = ("metadata", "serialization", "expected", "default", "config")
"""Parts of a schema that hold no schema of what is validated."""


def _float(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticKnownError("float_type")
    return value


def _int(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticKnownError("int_type")
    return value
