"""`true` and `false` in settings, wherever a number belongs."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import Field, ValidationError

from connectors.config.site import Site
from flows.language.catalogue import OPERATORS, SINKS, SOURCES
from flows.language.model import Flow
from flows.language.picture_model import Zone
from operators.component import Spec


class Inner(Spec):
    SHORT = "default"

    default: int = 1
    type: float = Field(1.0, gt=0)


class Outer(Spec):
    one: Inner = Inner()
    either: Annotated[float, Field(ge=0)] | Inner = 0.0
    flag: bool = False
    word: bool | int | str = ""
    points: list[tuple[float, float]] = []
    named: dict[str, int] = {}


@pytest.mark.parametrize(
    "given",
    [
        {"one": {"default": True}},
        {"one": {"type": False}},
        {"one": True},
        {"either": True},
        {"either": {"type": True}},
        {"points": [[0.1, 0.2], [True, 0.3]]},
        {"named": {"a": False}},
    ],
)
def test_yes_is_no_number_however_deep_it_stands(given: dict[str, Any]):
    with pytest.raises(ValidationError, match=r"valid (integer|number)"):
        Outer.model_validate(given)


def test_yes_stays_yes_where_it_may_stand_and_numbers_in_texts_are_numbers():
    read = Outer.model_validate({"flag": True, "word": True, "one": "7", "either": "0.5"})
    assert (read.flag, read.word, read.one.default, read.either) == (True, True, 7, 0.5)


def _is_number(annotation: Any) -> bool:
    if get_origin(annotation) is None:
        return annotation in (int, float)
    return all(_is_number(one) for one in get_args(annotation) if one is not type(None))


def _specs() -> Iterator[type[Spec]]:
    waiting: list[type[Spec]] = [Site, Flow, Zone]
    waiting += [found[name] for found in (OPERATORS, SOURCES, SINKS) for name in found]
    seen: set[type[Spec]] = set()
    while waiting:
        model = waiting.pop()
        if model not in seen:
            seen.add(model)
            yield model
            waiting += [*model.__subclasses__()]


def test_no_setting_of_any_component_takes_yes_for_a_number():
    tried = 0
    for model in _specs():
        for name, info in model.model_fields.items():
            if _is_number(info.annotation):
                tried += 1
                with pytest.raises(ValidationError) as raised:
                    model.model_validate({info.alias or name: True})
                found = raised.value.errors(include_url=False)
                assert (info.alias or name,) in {one["loc"][:1] for one in found}, (model, name)
    assert tried > 40
