"""Steps that take several signals as one: sums of metrics that are not meant together."""

from connectors.config.document import Path_
from flows.checks.context import Scope
from flows.language.field_values import Decoded, facts_of
from operators.decoding.payloads.metrics import METRICS
from operators.model.units import UNITS

MOST_NAMES = 4


def check_sums(scope: Scope) -> None:
    """Check that each role of `combine` adds signals of one metric."""
    for _, name, step in scope.steps():
        from_ = scope.flow.streams[name].from_
        if step.kind != "combine" or not isinstance(from_, dict):
            continue
        for role, read in from_.items():
            place: Path_ = ("streams", name, "from", role)
            metrics = facts_of(scope.flow, read).get("metric", ())
            alike = _of_one_kind(metrics)
            if alike:
                names = ", ".join(alike[:MOST_NAMES]) + (", …" if len(alike) > MOST_NAMES else "")
                scope.say(
                    place,
                    f"adds up {names} of what {read!r} brings",
                    "let one through with  only: {metric: …}",
                    level="warning" if isinstance(metrics, Decoded) else "error",
                )


def _of_one_kind(metrics: tuple[str, ...]) -> list[str]:
    """Metrics of the first kind of quantity that several of them measure."""
    kinds: dict[str, list[str]] = {}
    for metric in METRICS:
        if metric in metrics and METRICS[metric].unit in UNITS:
            kinds.setdefault(UNITS[str(METRICS[metric].unit)][0], []).append(metric)
    return next((names for names in kinds.values() if len(names) > 1), [])
