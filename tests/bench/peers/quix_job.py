"""The peer's job, run in its own virtual environment: `quix_job.py BROKER TOPIC OUT COUNT` prints
readings per CPU-second.

Quix Streams reads JSON records, keeps hysteresis per subject in a plain dict (faster than its own
state store, so in the peer's favour) and writes the edges to a topic.
"""

import sys
import time

from quixstreams import Application

ABOVE, CLEAR = 30.0, 28.0


def main(broker: str, topic: str, out: str, count: int) -> None:
    app = Application(
        broker_address=broker,
        consumer_group=f"quix-{time.time_ns()}",
        auto_offset_reset="earliest",
        consumer_extra_config={"session.timeout.ms": 6000},
        commit_interval=1.0,
        loglevel="ERROR",
    )
    state: dict[str, bool] = {}

    def hysteresis(reading: dict) -> dict | None:
        subject, value = reading["subject"], reading["value"]
        if state.get(subject, False):
            if value <= CLEAR:
                state[subject] = False
                return {"subject": subject, "time": reading["time"], "value": 0.0}
        elif value > ABOVE:
            state[subject] = True
            return {"subject": subject, "time": reading["time"], "value": 1.0}
        return None

    frame = app.dataframe(app.topic(topic, value_deserializer="json"))
    frame = frame.apply(hysteresis)
    frame = frame.filter(lambda edge: edge is not None)
    frame.to_topic(app.topic(out, value_serializer="json"))
    started = time.process_time()
    app.run(count=count, timeout=60)
    print(count / (time.process_time() - started))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
