"""Steps whose settings are a plain map, such as `convert: {power: W}`."""

from typing import Any

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from operators.component import Operator


class MapOperator(Operator):
    """A step whose one field, `fields`, holds the whole map that is written in a definition."""

    @model_validator(mode="before")
    @classmethod
    def _whole_map(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"needs a map, such as  {cls.EXAMPLES[0]}")
        if not value:
            raise ValueError(f"is empty; write for instance  {cls.EXAMPLES[0]}")
        return {"fields": value}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        whole = schema.pop("properties")["fields"]
        for key in ("additionalProperties", "required"):
            schema.pop(key, None)
        whole.pop("title", None)
        schema.update(
            whole
            if "description" not in schema
            else {k: v for k, v in whole.items() if k != "description"}
        )
        return schema
