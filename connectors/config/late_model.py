"""Models that are imported when the first value of them is validated, not before."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from operators.component import Component

AnyComponent = TypeVar("AnyComponent", bound=type[Component])


class LateModels(Mapping[str, AnyComponent], Generic[AnyComponent]):
    """A map from names to classes of components, given as `module:Class`, each imported on use."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = targets

    def __getitem__(self, name: str) -> AnyComponent:
        module, _, cls = self._targets[name].partition(":")
        found: AnyComponent = getattr(importlib.import_module(module), cls)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)

    def __contains__(self, name: object) -> bool:
        return name in self._targets


class LateModel:
    """Annotates a field of type `Any` whose values are instances of a model that `load` imports.

    Errors have the same places as if the model were the field's type. In the JSON Schema the field
    takes anything: whoever makes the schema puts the model's own in its place.
    """

    def __init__(self, load: Callable[[], type[Component]]) -> None:
        self.load = load

    def _validate(self, value: Any, info: ValidationInfo) -> Component | None:
        if value is None:
            return None
        return self.load().model_validate(value, context=info.context, by_alias=True, by_name=False)

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {}


def annotation_of(info: FieldInfo) -> Any:
    """The type of a field's values; the model itself, imported now, of one with a `LateModel`."""
    late = (mark.load() for mark in info.metadata if isinstance(mark, LateModel))
    return next(late, info.annotation)
