"""The peer's windows, run in its own virtual environment: `quix_windows.py BROKER TOPIC OUT COUNT`
prints readings per CPU-second.

Quix Streams reads JSON records and keeps mean and maximum of a minute for each key, in its own
store without changelog topics.
"""

import sys
import tempfile
import time

from quixstreams import Application
from quixstreams.dataframe.windows import Max, Mean


def main(broker: str, topic: str, out: str, count: int) -> None:
    app = Application(
        broker_address=broker,
        consumer_group=f"quix-{time.time_ns()}",
        auto_offset_reset="earliest",
        consumer_extra_config={"session.timeout.ms": 6000},
        commit_interval=1.0,
        state_dir=tempfile.mkdtemp(prefix="quix-"),
        use_changelog_topics=False,
        loglevel="ERROR",
    )
    source = app.topic(
        topic,
        value_deserializer="json",
        timestamp_extractor=lambda value, *rest: int(value["time"] * 1000),
    )
    # the embedded broker does not tell how long it keeps records
    source.broker_config.extra_config.update({"retention.ms": "604800000", "retention.bytes": "-1"})
    frame = app.dataframe(source).tumbling_window(60_000, grace_ms=5_000)
    frame = frame.agg(mean=Mean("value"), max=Max("value")).final()
    frame.to_topic(app.topic(out, value_serializer="json"))
    started = time.process_time()
    app.run(count=count, timeout=120)
    print(count / (time.process_time() - started))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
