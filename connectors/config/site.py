"""The site file: addresses and secrets of one installation, under names that flows use."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, field_validator

from connectors.base import ConnectorError
from connectors.config.api_section import ApiSection
from connectors.config.document import Document, Node, Path_
from connectors.config.evidence_section import EvidenceSection
from connectors.config.grammar_version import GrammarVersion
from connectors.config.location_section import LocationSection
from connectors.config.messages import explain, validate
from connectors.config.recovery_section import RecoverySection
from connectors.config.redaction import redacted
from connectors.config.suggestion import near
from connectors.config.traces_section import TracesSection
from connectors.config.variables import (
    CAMERA_VARIABLES,
    FORM,
    VariableError,
    fill,
    mistakes,
    password_in_url,
)
from connectors.config.watch_section import WatchSection
from operators.component import Location, Spec
from operators.model.units import Name

SECRET_KEYS = re.compile(
    r"^(?!.*_file$).*(pass(w|phrase|$)|pasw|pwd|secret|token|access_key|credential)", re.IGNORECASE
)
"""Keys of a secret; what ends in `_file` names where one is."""
MISSING = {
    "site": "a name for this installation, such as  site: north-plant",
    "vigie": "begin the file with  vigie: 1",
}

VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Model = TypeVar("Model", bound=BaseModel)


class SiteError(ConnectorError):
    """The site file is wrong, or a variable it names is missing; lists every place tried."""


class Site(Spec):
    """One installation: its name, its time zone, and how to reach everything outside."""

    vigie: GrammarVersion = Field(description="Version of this grammar.")
    site: str = Field(
        description="Name of the installation.", min_length=1, examples=["north-plant"]
    )
    timezone: str = Field(
        "UTC",
        description="Time zone of hours and days in alarms and tests.",
        examples=["Europe/Paris"],
    )
    location: LocationSection | None = Field(
        None,
        description=(
            "Where sunrise and sunset are meant; when left out, in the city which the time zone is"
            " named after."
        ),
    )
    connections: dict[Name, dict[str, Any]] = Field(
        {},
        description=(
            "Settings by name; a connector uses the connection of its own name unless it says"
            " another."
        ),
    )
    models: dict[str, str] = Field(
        {},
        description=(
            "Files of models by the names that definitions use; a path starts at this file."
        ),
        examples=[{"yolov8n": "models/yard.onnx"}],
    )
    cameras: list[VariableName] = Field(
        list(CAMERA_VARIABLES),
        description=(
            "Names of the variables that the addresses of cameras may use which people add over"
            " the api: `rtsp://${RTSP_USER}:${RTSP_PASSWORD}@HOST/PATH`."
        ),
        max_length=100,
        examples=[["RTSP_USER", "RTSP_PASSWORD", "YARD_PASSWORD"]],
    )
    evidence: EvidenceSection = Field(
        EvidenceSection(), description="How long pictures and videos of events are kept."
    )
    api: ApiSection = Field(ApiSection(), description="How `vigie api` serves this installation.")
    recovery: RecoverySection = Field(
        RecoverySection(), description="Saved state outside of this machine."
    )
    watch: WatchSection = Field(
        WatchSection(), description="Who hears of the alarms about this installation itself."
    )
    traces: TracesSection = Field(
        TracesSection(), description="Where the ways of single events are sent to."
    )

    _document: Document | None = PrivateAttr(None)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"{value!r} is not a time zone; write one such as Europe/Paris or UTC"
            ) from None
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)

    @property
    def place(self) -> Location | None:
        """Where it is; None where the site file does not say so."""
        return None if self.location is None else self.location.place

    @property
    def document(self) -> Document | None:
        """The site file; None where there is none."""
        return self._document

    @property
    def folder(self) -> Path | None:
        """Where the site file is; None where there is none."""
        return None if self._document is None else self._document.path.parent

    def connection(self, name: str, model: type[Model]) -> Model:
        """The settings of one connection with its variables filled in; raises `SiteError`.

        A connection that the site file does not have is made of the model's defaults, if they are
        enough.
        """
        path: Path_ = ("connections", name)
        document = self._document or Document("site.yaml")
        written = self.connections.get(name)
        if written is None and any(field.is_required() for field in model.model_fields.values()):
            hint = near(name, self.connections) or f"known: {', '.join(self.connections) or 'none'}"
            raise SiteError(f"{document.path}: no connection {name!r} under 'connections' ({hint})")
        filled = self.filled(written or {}, f"{document.path}: connections.{name}")
        try:
            return validate(model, filled)
        except ValidationError as error:
            if written is None:
                why = "; ".join(
                    detail["msg"].removeprefix("Value error, ")
                    for detail in error.errors(include_url=False)
                )
                raise SiteError(
                    f"{document.path}: no connection {name!r} under 'connections': {why}"
                ) from None
            shown = document.without_problems()
            explain(shown, model, error.errors(include_url=False), f"connections.{name}", path)
            raise SiteError(redacted(shown.report(), written or {})) from None

    def filled(self, value: Any, where: str) -> Any:
        """A value with its variables filled in; raises `SiteError`. `where` is its place."""
        try:
            return fill(value, where)
        except VariableError as error:
            raise SiteError(str(error)) from None

    def fill(self, component: Model) -> Model:
        """A source's settings with the `${NAME}` in its texts filled in; raises `SiteError`."""
        changed = {
            key: self.filled(value, f"{type(component).__name__.lower()}.{key}")
            for key, value in component
            if isinstance(value, str) and "${" in value
        }
        return component.model_copy(update=changed) if changed else component


def load_site(path: Path | str | None) -> Site:
    """Read a site file; None gives a site without connections.

    Raises `SiteError` with every problem in it.
    """
    if path is None:
        return Site(vigie=1, site="local")
    if not Path(path).exists():
        raise SiteError(
            f"there is no site file {path}; write one (README.md says how) or name another with"
            " --site"
        )
    document, site = read_site(Path(path))
    if site is None:
        raise SiteError(document.report())
    return site


def read_site(path: Path) -> tuple[Document, Site | None]:
    """Read a site file without looking up variables; the site is None if there are errors.

    The errors are in the document.
    """
    document = Document.read(path)
    return document, build_site(document)


def build_site(document: Document) -> Site | None:
    """The site of a document that was read."""
    root = document.root
    if root is None:
        return None
    if root.entries is None:
        document.say(root.place, "a site file is a map of keys", "begin with  vigie: 1")
        return None
    for place, node in root.walk():
        _check_text(document, place, node)
    try:
        site = validate(Site, root.plain())
    except ValidationError as error:
        explain(document, Site, error.errors(include_url=False), "the site file", hints=MISSING)
        return None
    site._document = document
    return None if document.errors else site


def _check_text(document: Document, path: Path_, node: Node) -> None:
    empty = node.value is None and node.entries is None and node.items is None
    if empty and path:
        document.say_at(
            path, f"{str(path[-1])!r} is empty", "give it a value or remove it", key=True
        )
    if not isinstance(node.value, str):
        return
    if "${" in node.value and path[0] != "connections":
        document.say_at(path, "${...} may stand under 'connections' only")
    for mistake in mistakes(node.value):
        document.say_at(path, mistake, FORM)
    key = str(path[-1]) if path else ""
    secret_key = any(SECRET_KEYS.search(str(part)) for part in path[2:] or path[-1:])
    if "${" not in node.value and node.value and secret_key:
        node.place.file.secrets.add(node.value)
        variable = re.sub(r"\W", "_", "_".join(str(part) for part in path[1:]) or key).upper()
        _say_clear(document, path, f"{key!r} is written in clear", variable)
    elif secret := password_in_url(node.value):
        node.place.file.secrets.add(secret)
        _say_clear(
            document,
            path,
            "a password is written in clear",
            re.sub(r"\W", "_", f"{path[1]}_{key}").upper(),
        )


def _say_clear(document: Document, path: Path_, what: str, variable: str) -> None:
    document.say_at(
        path, what, f"write ${{{variable}}} and set it in the environment", level="warning"
    )


def _at(written: Any, path: Path_) -> Any:
    """The value at a path, as far as the path leads."""
    for part in path:
        try:
            written = written[part]
        except (LookupError, TypeError):
            break
    return written


def check_connections(
    document: Document, site: Site, models: Mapping[str, type[BaseModel]]
) -> None:
    """Check the keys and values of connections whose model is known, but for variables."""
    for name, written in site.connections.items():
        model = models.get(name)
        if model is None:
            continue
        try:
            validate(model, written)
        except ValidationError as error:
            details = [
                detail
                for detail in error.errors(include_url=False)
                if detail["type"] == "extra_forbidden"
                or not (detail["loc"] and "${" in str(_at(written, detail["loc"])))
            ]
            explain(document, model, details, f"connections.{name}", ("connections", name))
