"""What is wrong with alarms that were raised so: by the figures of EEMUA 191, rule by rule."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from flows.replay.episodes import Episode
from flows.replay.time_arguments import span
from operators.alarms.kpi_bins import BIN, CHATTER_COUNT, CHATTER_SPAN, FLEETING, STALE
from operators.alarms.kpi_figures import Figures

Code = Literal["rate", "flow_rate", "chattering", "fleeting", "standing", "flood", "silent_rule"]
FEW = 5
"""Of fewer alarms nothing is said about how many of them were fleeting."""


@dataclass(frozen=True)
class Finding:
    """One thing to look at: `value` exceeds `limit`; a `note` exceeds no limit.

    `subject` is empty if it is about the whole rule; both are empty if it is about the flow.
    """

    code: Code
    text: str
    alarm: str = ""
    subject: str = ""
    value: float | None = None
    limit: float | None = None
    note: bool = False


def lint(episodes: Sequence[Episode], figures: Figures, alarms: Sequence[str]) -> list[Finding]:
    """All findings on the alarms of a period; `alarms` are those that the flow has."""
    return [
        *_rates(episodes, figures), *_floods(figures), *_chattering(episodes), *_fleeting(episodes),
        *_standing(episodes, figures.end), *_silent(episodes, alarms),
    ]  # fmt: skip


def _rates(episodes: Sequence[Episode], figures: Figures) -> Iterator[Finding]:
    spans = (figures.end - figures.start) / BIN
    if spans < 1:
        return
    counts = Counter(e.alarm for e in episodes if not e.masked and e.raised >= figures.start)
    for alarm, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if count > spans:
            text = (
                f"this rule alone exceeds one alarm per ten minutes: {count / spans:.1f} (EEMUA"
                " 191: all rules together 1)"
            )
            yield Finding("rate", text, alarm, value=round(count / spans, 3), limit=1)
    if (
        figures.rate is not None
        and figures.rate > 1
        and not any(count > spans for count in counts.values())
    ):
        text = (
            f"all rules together exceed one alarm per ten minutes: {figures.rate:.1f} (EEMUA 191)"
        )
        yield Finding("flow_rate", text, value=round(figures.rate, 3), limit=1)


def _floods(figures: Figures) -> Iterator[Finding]:
    if figures.floods:
        worst = max(figures.floods, key=lambda flood: flood.alarms)
        times = (
            "an alarm flood" if len(figures.floods) == 1 else f"{len(figures.floods)} alarm floods"
        )
        total = sum(flood.end - flood.start for flood in figures.floods)
        text = (
            f"{times}, {span(total)} in all; the worst had {worst.alarms} alarms in"
            f" {span(worst.end - worst.start)}"
        )
        yield Finding("flood", text, value=len(figures.floods), limit=0)


def _chattering(episodes: Sequence[Episode]) -> Iterator[Finding]:
    raised: dict[tuple[str, str], list[float]] = {}
    for episode in episodes:
        raised.setdefault((episode.alarm, episode.subject), []).append(episode.raised)
    for (alarm, subject), times in sorted(raised.items()):
        last = CHATTER_COUNT - 1
        times.sort()
        bursts = sum(times[n] - times[n - last] <= CHATTER_SPAN for n in range(last, len(times)))
        if bursts:
            often = f"{CHATTER_COUNT} times within {span(CHATTER_SPAN)}, {bursts} times"
            text = f"chatters: {often}; give it a 'for' or a wider 'clear'"
            yield Finding("chattering", text, alarm, subject, bursts, 0)


def _fleeting(episodes: Sequence[Episode]) -> Iterator[Finding]:
    by_alarm: dict[str, list[Episode]] = {}
    for episode in episodes:
        if not episode.masked and episode.cleared is not None:
            by_alarm.setdefault(episode.alarm, []).append(episode)
    for alarm, some in sorted(by_alarm.items()):
        short = sum(episode.seconds(0.0) < FLEETING for episode in some)
        if len(some) >= FEW and short * 2 > len(some):
            text = (
                f"{short} of {len(some)} were over in less than {span(FLEETING)}: nobody can act on"
                " these"
            )
            yield Finding("fleeting", text, alarm, value=round(short / len(some), 3), limit=0.5)


def _standing(episodes: Sequence[Episode], end: float) -> Iterator[Finding]:
    worst: dict[tuple[str, str], float] = {}
    for episode in episodes:
        key = episode.alarm, episode.subject
        if not episode.masked and (lasted := episode.seconds(end)) > max(
            STALE, worst.get(key, 0.0)
        ):
            worst[key] = lasted
    for (alarm, subject), lasted in sorted(worst.items()):
        text = f"stood for {span(lasted)}; what stands longer than a day is no alarm but a state"
        yield Finding("standing", text, alarm, subject, round(lasted), STALE)


def _silent(episodes: Sequence[Episode], alarms: Sequence[str]) -> Iterator[Finding]:
    raised = {episode.alarm.partition("/")[0] for episode in episodes}
    for alarm in alarms:
        if alarm not in raised:
            yield Finding("silent_rule", "was never raised", alarm, note=True)
