"""What events say of their signals, one object for equal ones."""

from typing import Any

from operators.alarms.engine.state import About

MOST_KNOWN = 10_000


class Abouts(dict[Any, About]):
    """Metric and labels of the signals met before; forgets all when too many have been met."""

    def of(self, event: Any) -> About:
        """The metric and the labels of an event."""
        metric, labels = getattr(event, "metric", None), getattr(event, "labels", None)
        key = (metric, *sorted(labels.items())) if labels else metric
        known = self.get(key)
        if known is None:
            if len(self) > MOST_KNOWN:
                self.clear()
            known = self[key] = (metric, dict(labels or {}))
        return known
