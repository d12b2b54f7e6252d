"""The processes of a camera source: one takes the pictures, one looks at them."""

from collections.abc import Mapping, Sequence
from typing import Any

from kafka.errors import KafkaError

from connectors.base import ConnectorContext
from connectors.camera.components import Rtsp
from connectors.kafka.admin import ensure_topic, explain
from connectors.kafka.connection import TopicConnection
from flows.vision.child_process import ChildProcess, revealed
from flows.vision.picture_steps import PictureSteps

FRAMES_KEPT = {"retention.ms": "3600000", "retention.bytes": str(512 << 20)}
"""An hour of pictures, or half a gigabyte a partition, is there for snapshots and for a detector
that was away.
"""


class CameraProcesses:
    """Runs what takes pictures and, if some stream detects anything, what looks at them.

    It is the receiver of a camera source: what both find comes by the source's own topic.
    """

    def __init__(
        self,
        context: ConnectorContext,
        source: Rtsp,
        rows: Sequence[Mapping[str, Any]],
        table_topic: str | None,
        steps: PictureSteps,
        broker: TopicConnection,
        model: Mapping[str, Any],
        variables: Sequence[str],
    ) -> None:
        """`variables` are those that the address of a row may use."""
        self._context = context
        self._broker = broker
        self._frames = broker.topic_names.frames(context.flow, context.name)
        common = {
            "flow": context.flow,
            "source": context.name,
            "connection": revealed(broker),
            "folder": str(context.folder),
        }
        gate = steps.gate and {"min_area": steps.gate.area, "hold": steps.gate.hold}
        capture = common | {
            "settings": source.model_dump(mode="json"),
            "rows": [dict(row) for row in rows],
            "table_topic": table_topic,
            "gate": gate,
            "private": dict(context.masks),
            "variables": list(variables),
            "detects": steps.detect is not None,
        }
        self.capture = ChildProcess("flows.vision.capture_process", capture, context)
        self.detection: ChildProcess | None = None
        if steps.detect is not None:
            detection = common | {
                **model,
                "classes": list(steps.detect.classes),
                "region": steps.detect.region,
                "batch": steps.detect.batch.model_dump() if steps.detect.batch else None,
            }
            self.detection = ChildProcess("flows.vision.detection_process", detection, context)
            self.detection.seen = lambda camera: self.capture.say({"seen": camera})

    def start(self) -> None:
        """Start the processes, and keep them running."""
        try:
            ensure_topic(self._broker, self._frames, configs=FRAMES_KEPT)
        except (KafkaError, OSError) as error:
            self._context.health.degraded(self._context.name, explain(error, self._broker))
        self.capture.start()
        if self.detection is not None:
            self.detection.start()

    def stop(self) -> None:
        """End the processes."""
        self.capture.stop()
        if self.detection is not None:
            self.detection.stop()
