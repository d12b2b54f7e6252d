"""Steps: identity of those that keep state, roles, and texts that name roles."""

from connectors.config.document import Path_
from flows.checks.context import Scope
from flows.language.catalogue import OPERATORS
from flows.language.field_values import either, facts_of
from flows.language.model import Step, Stream, inputs

ROLE_STEPS = ("combine", "correlate", "mode")


def check_steps(scope: Scope) -> None:
    """Check that steps with state have an identity of their own, and the roles that steps need."""
    _check_identity(scope)
    _check_was(scope)
    for name, stream in scope.flow.streams.items():
        roles = list(stream.from_) if isinstance(stream.from_, dict) else None
        kinds = [step.kind for step in stream.steps]
        if roles is not None and not any(kind in ROLE_STEPS for kind in kinds):
            scope.say(
                ("streams", name, "from"),
                "roles are for 'combine', 'correlate' and 'mode'",
                "write a list of names instead",
            )
        for index, step in enumerate(stream.steps):
            path: Path_ = ("streams", name, "steps", index)
            if step.kind in ROLE_STEPS:
                _check_roles(scope, path, name, step, roles)
            elif step.kind == "notify" and not _may_bring_alarms(scope, stream):
                message = f"no alarm comes here, so {name!r} gives nothing"
                scope.say(
                    (*path, "notify"), message, "read  from: alarms, or alarms by name", key=True
                )


def _may_bring_alarms(scope: Scope, stream: Stream) -> bool:
    known = either(facts_of(scope.flow, name) for name in inputs(stream.from_))
    return "alarm" in known.get("kind", ("alarm",))


def _check_identity(scope: Scope) -> None:
    seen: set[tuple[str, str, str | None]] = set()
    for path, stream, step in scope.steps():
        if not OPERATORS[step.kind].STATEFUL:
            continue
        key = (stream, step.kind, step.id)
        if key in seen:
            scope.say(
                path,
                f"two '{step.kind}' steps in {stream!r} keep state; give each an id",
                f"such as  id: {step.kind}_2",
            )
        seen.add(key)


def _check_was(scope: Scope) -> None:
    """`was` carries the state of something that is gone; what is still there keeps its own."""
    for section in ("streams", "alarms"):
        entries = getattr(scope.flow, section)
        taken: dict[str, str] = {}
        for name, entry in entries.items():
            if entry.was is None:
                continue
            path: Path_ = (section, name, "was")
            if entry.was in entries or scope.is_broken(section, entry.was):
                scope.say(path, f"{entry.was!r} is still there and keeps its state", "remove 'was'")
            elif entry.was in taken:
                scope.say(
                    path,
                    f"{taken[entry.was]!r} already carries the state of {entry.was!r}",
                    "remove one 'was'",
                )
            taken.setdefault(entry.was, name)


def _check_roles(
    scope: Scope, path: Path_, stream: str, step: Step, roles: list[str] | None
) -> None:
    if roles is None:
        scope.say(
            ("streams", stream, "from"),
            f"{step.kind!r} needs roles",
            "such as  from: {made: solar, bought: mains}",
        )
        return
    for field in ("plus", "minus"):
        for index, role in enumerate(getattr(step.settings, field, None) or ()):
            if role not in roles:
                scope.unknown(
                    (*path, step.kind, field, index), f"no role {role!r} in 'from'", role, roles
                )
    without: list[str] = step.settings.forbidding() if step.kind == "correlate" else []  # type: ignore[attr-defined]
    named = {"without": without, "role": [step.settings.role] if step.kind == "mode" else []}  # type: ignore[attr-defined]
    for field, some in named.items():
        for role in some:
            if role not in roles:
                scope.unknown((*path, step.kind, field), f"no role {role!r} in 'from'", role, roles)
    if without and not set(roles) - set(without):
        scope.say(
            (*path, step.kind, "without"),
            "every role is forbidden; name in 'from' what is to be found, too",
        )
    need = getattr(step.settings, "need", None)
    if isinstance(need, int) and need > len(roles) - len(without):
        scope.say(
            (*path, step.kind, "need"),
            f"needs {need} roles, but 'from' has only {len(roles) - len(without)}",
        )
