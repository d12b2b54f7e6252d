"""The JSON Schema of definitions and site files, made for editors from the models."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from connectors.config.site import Site
from flows.language.catalogue import connection_models, kinds
from flows.language.model import Flow, Sink, Source, Step, summary
from operators.component import Spec
from operators.decoding.catalogue import listing
from operators.model.units import duration_text

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def flow_schema() -> Schema:
    """The schema of a definition."""
    return _schema(Flow, "Vigie flow definition")


def site_schema() -> Schema:
    """The schema of a site file, with the settings of the connections that have a default name."""
    schema = _schema(Site, "Vigie site file")
    definitions = schema.setdefault("$defs", {})
    known: Schema = {}
    for name, model in sorted(connection_models().items()):
        settings = _schema(model, "")
        definitions |= settings.pop("$defs", {})
        for key in ("$schema", "title"):
            settings.pop(key, None)
        settings["properties"] = {
            key: _or_variable(value) for key, value in settings["properties"].items()
        }
        definitions[model.__name__] = settings
        known[name] = {"$ref": f"#/$defs/{model.__name__}"}
    connections = schema["properties"]["connections"]
    connections["properties"] = known
    return schema


def _or_variable(schema: Schema) -> Schema:
    """A value, or a text with `${NAME}` in its place."""
    variable = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"}
    kept = {
        key: value for key, value in schema.items() if key in ("description", "default", "title")
    }
    return {**kept, "anyOf": [{k: v for k, v in schema.items() if k not in kept}, variable]}


def _schema(model: type[BaseModel], title: str) -> Schema:
    schema = model.model_json_schema(by_alias=True, schema_generator=_Generator, mode="validation")
    definitions: Schema = schema.get("$defs", {})
    short = _short_forms(model)
    for name, definition in definitions.items():
        cls = short.get(name)
        if cls is not None:
            definitions[name] = _with_short_form(cls, definition)
    for cls in (Source, Step, Sink):
        if (definition := definitions.get(cls.__name__)) is not None:
            _exactly_one(definition, list(cls.KINDS))
            definitions |= _components(definition, cls.KINDS)
    return {
        "$schema": DIALECT,
        **({"title": title} if title else {}),
        **{k: v for k, v in schema.items() if k != "title"},
    }


class _Generator(GenerateJsonSchema):
    """Leaves out nulls, since an empty value is an error, and titles made from names."""

    def nullable_schema(self, schema: Any) -> Schema:
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: Any) -> Schema:
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False
        return made

    def default_schema(self, schema: Any) -> Schema:
        made = super().default_schema(schema)
        default = made.get("default")
        if default is None or "**" in str(default):
            made.pop("default", None)
        elif isinstance(default, float) and "ms|s|min" in made.get("pattern", ""):
            made["default"] = duration_text(default)
        elif isinstance(default, dict):
            made["default"] = {key: value for key, value in default.items() if value is not None}
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _short_forms(model: type[BaseModel]) -> dict[str, type[Spec]]:
    """Every model below this one that may be written as a bare scalar or list, by name."""
    found: dict[str, type[Spec]] = {}
    for cls in _specs(Spec):
        if cls.SHORT is not None:
            found[cls.__name__] = cls
    for _, _, component in kinds():
        if component.SHORT is not None:
            found[component.__name__] = component
    return found


def _specs(cls: type[Spec]) -> list[type[Spec]]:
    return [one for sub in cls.__subclasses__() for one in (sub, *_specs(sub))]


def _with_short_form(cls: type[Spec], definition: Mapping[str, Any]) -> Schema:
    keys = [
        info.alias or name
        for name, info in cls.model_fields.items()
        if name == cls.SHORT or info.alias == cls.SHORT
    ]
    if "properties" not in definition or not keys or keys[0] not in definition["properties"]:
        return dict(definition)
    bare = dict(definition["properties"][keys[0]])
    full = {key: value for key, value in definition.items() if key not in ("description", "title")}
    return {"description": definition.get("description", ""), "anyOf": [bare, full]}


def _components(definition: Schema, kinds_: Mapping[str, type[Spec]]) -> Schema:
    """Refer to each component under the key of its kind; returns what is referred to, by name."""
    found: Schema = {}
    for kind, cls in kinds_.items():
        settings = _schema(cls, "")
        found |= settings.pop("$defs", {})
        settings.pop("$schema")
        if "description" in settings:
            settings["description"] = settings["description"].replace("{dialects}", listing())
        whole = {"title": cls.__name__, **settings}
        found[cls.__name__] = _with_short_form(cls, whole) if cls.SHORT is not None else whole
        about = {"description": summary(cls)}
        is_whole_text = about["description"] == settings.get("description")
        definition["properties"][kind] = {
            "$ref": f"#/$defs/{cls.__name__}",
            **({} if is_whole_text else about),
        }
    return found


def _exactly_one(definition: Schema, kinds_: list[str]) -> None:
    definition["oneOf"] = [{"required": [kind]} for kind in kinds_]
