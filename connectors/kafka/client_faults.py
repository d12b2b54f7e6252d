"""Faults inside the Kafka client: a new client takes over, unless they do not end."""

import logging
import time

from kafka.errors import KafkaError

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
        """Say whether to go on with a new client: always after what the broker or network did.

        A fault of the client is logged, and there must not be too many of them.
        """
        if isinstance(error, KafkaError | OSError):
            return True
        now = time.monotonic()
        self._times = [*(at for at in self._times if now - at < WITHIN), now]
        log.warning("%s: the Kafka client failed; a new one replaces it", name, exc_info=error)
        return len(self._times) <= TOLERATED
