"""Which sinks of a definition a flow does not wait for."""

from flows.language.model import Flow


def with_outbox(flow: Flow) -> frozenset[str]:
    """The sinks that write to an outside system from a topic of their own, an outbox.

    So none waits for another, and alarms wait for none of them. A flow that does nothing but fill
    one store writes to it directly: nothing else of it could wait.
    """
    if len(flow.sinks) == 1 and not flow.alarms:
        return frozenset()
    return frozenset(name for name, sink in flow.sinks.items() if sink.settings.OUTSIDE)
