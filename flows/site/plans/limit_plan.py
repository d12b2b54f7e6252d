"""What an alarm would have done with other limits: the definition with them, beside what runs."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from connectors.base import ConnectorError
from connectors.config.edit import NotEditable
from connectors.config.site import SiteError, load_site
from connectors.runtime.supervisor import Differs, LimitsPlanned, PlanLimits, Spell
from flows.replay.diff import Difference
from flows.replay.episodes import Episode
from flows.site.plans.last_day import NoHistory, compare
from flows.site.plans.limits import NoLimit, limits_of, with_limits
from flows.site.plans.planning import Refused, side
from flows.site.version import Version, lay_out

MOST = 50
"""Alarms that are named."""


def plan_limits(
    wish: PlanLimits, version: Version, site_file: Path, profile: str | None
) -> LimitsPlanned:
    """Answer the wish; it is the work of a process of its own."""
    text = version.definition.read_text("utf-8")
    made = LimitsPlanned(version.hash, text=text)
    try:
        made.limits = limits_of(text, wish.alarm)
        made.text = with_limits(text, wish.alarm, wish.values)
        if made.text != text:
            _compare(wish, version, site_file, profile, made)
    except (NoLimit, NotEditable, Refused, SiteError, ConnectorError) as error:
        made.refused = str(error)
    return made


def _compare(
    wish: PlanLimits, version: Version, site_file: Path, profile: str | None, made: LimitsPlanned
) -> None:
    site = load_site(site_file)
    with TemporaryDirectory(prefix="vigie-limits-") as folder:
        lay_out(version.definition, Path(folder), {version.file: made.text.encode()})
        try:
            after = side(Path(folder, version.file), site, profile)
        except Refused as error:
            raise Refused(str(error).replace(f"{folder}/", "")) from None
        if wish.over <= 0:
            return
        try:
            compared = compare(
                side(version.definition, site, profile), after, site, profile, wish.over
            )
        except NoHistory as error:
            made.unknown = str(error)
            return
    made.before = sum(one.alarm == wish.alarm for one in compared.before)
    made.after = sum(one.alarm == wish.alarm for one in compared.after)
    differs = sorted(_differing(compared.found), key=_when)
    made.differs, made.more = differs[-MOST:], max(0, len(differs) - MOST)


def _differing(found: Difference) -> Iterator[Differs]:
    yield from (Differs(one.alarm, one.subject, _spell(one), None) for one in found.only_before)
    yield from (Differs(one.alarm, one.subject, None, _spell(one)) for one in found.only_after)
    for one, other in (*found.moved, *found.reprioritised):
        yield Differs(one.alarm, one.subject, _spell(one), _spell(other))


def _spell(one: Episode) -> Spell:
    return Spell(one.raised, one.cleared, one.priority)


def _when(one: Differs) -> tuple[float, str, str]:
    spell = one.before or one.after
    assert spell is not None
    return spell.raised, one.alarm, one.subject
