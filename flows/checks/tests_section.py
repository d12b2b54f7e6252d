"""Tests of a definition: time runs forward, sources are given, what is expected exists."""

from typing import Any
from zoneinfo import ZoneInfo

from connectors.config.document import Path_
from connectors.config.suggestion import near
from flows.checks.context import Scope
from flows.language.model import Flow, Play, Test, origin
from flows.language.profiles import for_profile, profiles
from flows.testing.inputs import GivenError, events_of
from operators.alarms.engine.commands import REFUSALS
from operators.alarms.settings import STATES
from operators.model.fields import ATTRIBUTES

_UTC = ZoneInfo("UTC")
_EVENTS = "write nothing, {count: 2}, one event such as {subject: rack}, or a list of events"


def check_tests(scope: Scope) -> None:
    """Check the tests of a definition: time, what is given, what is done and what is expected."""
    titles: set[str] = set()
    for index, test in enumerate(scope.flow.tests):
        path: Path_ = ("tests", index)
        if test.test in titles:
            scope.say((*path, "test"), f"two tests are called {test.test!r}")
        titles.add(test.test)
        if test.profile is not None and test.profile not in profiles(scope.flow) and scope.is_whole:
            known = sorted(profiles(scope.flow))
            scope.unknown(
                (*path, "profile"),
                f"no source or sink has the profile {test.profile!r}",
                test.profile,
                known,
            )
            continue
        _check_play(scope, path, test)


def _check_play(scope: Scope, path: Path_, test: Test) -> None:
    active = for_profile(scope.flow, test.profile)
    last, edited = -1.0, False
    for number, play in enumerate(test.play):
        place: Path_ = (*path, "play", number)
        if play.at < last:
            scope.say((*place, "at"), "time runs backwards: 'at' is earlier than the line before")
        last = max(last, play.at)
        _check_given(scope, place, play, active, test.profile)
        edits = not isinstance(play.do, str | None) and play.do.restarts
        if edits or not edited:
            _check_do(scope, place, play)
        edited = edited or edits
        for name, value in (play.expect or {}).items():
            if not edited or name in scope.names:
                _check_expect(scope, (*place, "expect", name), name, value)


def _check_given(scope: Scope, place: Path_, play: Play, active: Flow, profile: str | None) -> None:
    sources = scope.flow.sources
    for name in play.given or {}:
        path = (*place, "given", name)
        if scope.is_broken("sources", name):
            continue
        if name not in sources:
            hint = near(name, sources) or f"sources: {', '.join(sources)}"
            scope.say(path, f"only sources can be given; {name!r} is not one", hint, key=True)
        elif name not in active.sources and scope.is_whole:
            wanted = sources[name].profile
            now = (
                f"the profile of this test is {profile!r}"
                if profile
                else "this test has no profile"
            )
            scope.say(
                path,
                f"the source {name!r} is not there: {now}",
                f"write  profile: {wanted}",
                key=True,
            )
        else:
            _check_items(scope, path, name, (play.given or {})[name])


def _check_items(scope: Scope, path: Path_, name: str, given: Any) -> None:
    """Whether the source could have brought what it is given."""
    for index, item in enumerate(given if isinstance(given, list) else [given]):
        place = (*path, index) if isinstance(given, list) else path
        try:
            events_of(name, scope.flow.sources[name], item, "test", 0.0, 0.0, scope.tables, _UTC)
        except GivenError as error:
            at = place if error.key is None else (*place, error.key)
            scope.say(at, error.message, error.hint, key=error.key is None or error.is_key)


def _check_do(scope: Scope, place: Path_, play: Play) -> None:
    if play.do is None or isinstance(play.do, str):
        return
    word, name = play.do.command
    if play.do.restarts:
        if not (scope.document.path.parent / name).is_file():
            scope.say((*place, "do", word), f"no file {name!r} beside the flow")
        return
    kind = "sinks" if word in ("break", "mend") else "alarms"
    if name not in getattr(scope.flow, kind) and not scope.is_broken(kind, name):
        scope.unknown(
            (*place, "do", word), f"no {kind[:-1]} {name!r}", name, list(getattr(scope.flow, kind))
        )
    if word == "shelve" and play.do.for_ is None:
        scope.say((*place, "do", word), "'shelve' needs 'for'", "such as  for: 10min")
    if word in ("out_of_service", "comment", "clear", "retire") and play.do.note is None:
        scope.say(
            (*place, "do", word), f"{word!r} needs 'note'", "such as  note: replaced on Monday"
        )
    if play.do.refused is not None and play.do.refused not in REFUSALS:
        hint = near(play.do.refused, REFUSALS) or f"one of {', '.join(REFUSALS)}"
        scope.say((*place, "do", "refused"), f"no command is refused as {play.do.refused!r}", hint)


def _check_expect(scope: Scope, path: Path_, name: str, value: Any) -> None:
    known = [*scope.names, "alarms"]
    if any(scope.is_broken(section, origin(name)) for section in ("streams", "alarms", "sinks")):
        return
    if origin(name) not in known:
        scope.unknown(path, f"nothing is called {name!r}", name, known, key=True)
        return
    if name in scope.flow.alarms and _names_states(value):
        _check_states(scope, path, value)
    elif name in scope.flow.alarms and not isinstance(value, (dict, list)):
        scope.say(path, f"an alarm has a state, not {value!r}", f"one of {', '.join(STATES)}")
    else:
        _check_events(scope, path, value)


def _names_states(value: Any) -> bool:
    """Whether states of an alarm are expected (a word, or a map by subject) rather than events."""
    if isinstance(value, dict):
        fields = {*ATTRIBUTES, "count", "exactly"}
        return all(isinstance(state, str) for state in value.values()) and not fields & set(value)
    return isinstance(value, str) and value != "nothing"


def _check_states(scope: Scope, path: Path_, value: Any) -> None:
    for subject, state in ({"": value} if isinstance(value, str) else value).items():
        if state not in STATES:
            hint = near(state, STATES) or f"one of {', '.join(STATES)}"
            place = (*path, subject) if subject else path
            scope.say(place, f"{state!r} is not an alarm state", hint)


def _check_events(scope: Scope, path: Path_, value: Any) -> None:
    events = value if isinstance(value, list) else [value]
    for index, one in enumerate(events):
        place = (*path, index) if isinstance(value, list) else path
        if not isinstance(one, dict):
            if value != "nothing":
                scope.say(place, f"an event is a map of fields, not {one!r}", _EVENTS)
        elif "count" in one and len(one) == 1 and not isinstance(one["count"], int):
            scope.say(
                (*place, "count"), f"a number of events is a whole number, not {one['count']!r}"
            )
        elif "exactly" in one and (len(one) > 1 or not isinstance(one["exactly"], dict)):
            scope.say(
                (*place, "exactly"),
                "'exactly' holds all fields of the event",
                "such as  {exactly: {state: on}}",
            )
