"""The bound: the same lines decoded and judged in one plain loop, without broker or engine."""

import time

from operators.events import decode_lines, encode_lines
from tests.bench.readings import ABOVE, CLEAR, readings


def bare_loop(count: int) -> float:
    """Readings per CPU-second of decoding 500-line records and hysteresis per subject."""
    records = [
        encode_lines(batch[i : i + 500])
        for batch in readings(count)
        for i in range(0, len(batch), 500)
    ]
    started = time.process_time()
    state: dict[str, bool] = {}
    edges = 0
    for record in records:
        for event in decode_lines(record):
            subject, value = event.subject, event.value
            if state.get(subject, False):
                if value <= CLEAR:
                    state[subject] = False
                    edges += 1
            elif value > ABOVE:
                state[subject] = True
                edges += 1
    assert edges
    return count / (time.process_time() - started)
