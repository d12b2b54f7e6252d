"""A value under a name that may say its quantity or nothing: no value is lost for its name."""

from typing import Any

from operators.decoding.payloads import key_names, values
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint


def put_any(
    builder: ReadingBuilder, device: str, name: str, raw: Any, place: str = "", good: bool = True
) -> None:
    """Write a value as what its name says, else as `value` or `state` with the name as endpoint.

    `place` stands before the endpoint; `good` is False where the sender says that it is no data.
    """
    metric = metric_of(name)
    means = key_names.Meaning(metric) if metric else key_names.meaning(name)
    numeric = raw.__class__ is not bool and values.number(raw) is not None
    if means is not None and METRICS[means.metric].kind == "number" and not numeric and good:
        means = None  # a switch or text that has the name of a quantity
    if raw.__class__ is dict or raw.__class__ is list:
        builder.skipped += 1
    elif means is not None and means.metric not in ("value", "state"):
        parts = (place, means.endpoint or "")
        subject = at_endpoint(device, ".".join(filter(None, parts)) or None)
        if good:
            builder.put(subject, means.metric, raw, means.unit)
        else:
            builder.put_bad(subject, means.metric, raw)
    else:
        subject = at_endpoint(device, ".".join(filter(None, (place, name))))
        if not good:
            builder.put_bad(subject, "value", raw)
        elif numeric:
            builder.put_number(subject, raw, None, raw)
        elif raw is not None and raw != "":
            builder.put(subject, "state", raw)
        else:
            builder.skipped += 1
