"""Faults inside the Kafka client: a new client takes over, unless they do not end."""

import logging
import time

log = logging.getLogger("vigie")

WITHIN = 60.0
TOLERATED = 5
"""So many faults in `WITHIN` seconds are the weather of a broker that comes and goes."""


class ClientFaults:
    """Errors that the client's own code ends with while its broker comes and goes.

    kafka-python raises what is no `KafkaError` (`TypeError`, `KeyError`, `AssertionError`) where an
    answer and the loss of a connection meet. Nothing is lost by it: who used the client goes on
    from its own position with a new one.
    """

    def __init__(self) -> None:
        self._times: list[float] = []

    def tolerates(self, name: str, error: Exception) -> bool:
        """Log a fault, and say whether to go on: not after too many of them."""
        now = time.monotonic()
        self._times = [*(at for at in self._times if now - at < WITHIN), now]
        log.warning("%s: the Kafka client failed; a new one replaces it", name, exc_info=error)
        return len(self._times) <= TOLERATED
