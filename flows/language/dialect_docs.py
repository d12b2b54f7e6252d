"""The documentation of a dialect: the metrics that its readings have, with units and words."""

from operators.decoding.catalogue import built_in
from operators.decoding.dialect import ALL, Dialect
from operators.decoding.payloads.metrics import METRICS, Metric
from operators.model import two_state


def dialect_page(name: str, own: Dialect | None = None) -> str:
    """One dialect, of `decode` or of a definition's own, as Markdown."""
    dialect = own or built_in(name)
    lines = [f"### dialect `{name}`", "", f"{_sentence(dialect.about)}", ""]
    lines += ["```yaml", f"decode: {name}", "```", ""]
    if not dialect.metrics:
        return "\n".join([*lines, "It gives occurrences, no readings.", ""])
    if dialect.metrics == ALL:
        lines += ["Its readings can have every metric:", ""]
    else:
        lines += ["Its readings have one of these metrics:", ""]
    lines += ["| metric | unit | values |", "|---|---|---|"]
    shown = [metric for metric in METRICS if metric in dialect.metrics]
    lines += [
        f"| `{metric}` | {METRICS[metric].unit or ''} | {_values(metric)} |" for metric in shown
    ]
    return "\n".join([*lines, ""])


def _values(name: str) -> str:
    metric: Metric = METRICS[name]
    if metric.kind == "binary":
        return f"`{two_state.word(name, 1.0)}` (1) or `{two_state.word(name, 0.0)}` (0)"
    if metric.kind == "state":
        return "`on` (1), `off` (0), or a text"
    if metric.kind == "text":
        return "a text"
    if metric.kind == "any":
        return "a number or a text, in the unit that was sent"
    return "a number" if metric.high > 1e300 else f"{metric.low:g} to {metric.high:g}"


def _sentence(about: str) -> str:
    return f"{about[0].upper()}{about[1:]}."
