"""What a definition asks of the pictures of a camera source, gathered from all its streams."""

from dataclasses import dataclass

from flows.language.model import Flow, Stream
from flows.language.upstream import upstream
from operators.vision.detect import Detect, DetectBatch
from operators.vision.motion_gate import MotionGate


class UnlikeSteps(ValueError):
    """The streams of one source cannot share one look at its pictures; the message says why."""


@dataclass(frozen=True)
class PictureSteps:
    """The work on pictures that runs beside the flow.

    `gate` is None where some stream looks at every picture, `detect` where none looks at any.
    """

    gate: MotionGate | None
    detect: Detect | None


def picture_steps(flow: Flow, source: str) -> PictureSteps:
    """The steps on the pictures of a source; several streams share one gate and one model.

    The gate is the one that lets most through, the classes are those that any stream wants. Raises
    `UnlikeSteps`.
    """
    gates: list[MotionGate | None] = []
    looks: list[Detect] = []
    for name, stream in flow.streams.items():
        found = [step.settings for step in stream.steps if isinstance(step.settings, Detect)]
        if found and source in upstream(flow, name):
            looks += found
            gates.append(_gate_before(flow, name, stream))
    if not looks:
        return PictureSteps(None, None)
    models = {look.model for look in looks}
    if len(models) > 1:
        raise UnlikeSteps(
            f"sources.{source}: one source is looked at by one model, but its streams name"
            f" {', '.join(sorted(models))}; give each model a source of its own"
        )
    regions = {look.region for look in looks}
    if len(regions) > 1:
        raise UnlikeSteps(
            f"sources.{source}: its pictures are looked at once, but its streams say both 'region:"
            " frame' and 'region: motion'; say the same in all of them"
        )
    if regions == {"motion"} and not all(gates):
        raise UnlikeSteps(
            f"sources.{source}: 'region: motion' looks where a 'motion_gate' saw something move;"
            " put one before every 'detect' of this source"
        )
    classes = dict.fromkeys(word for look in looks for word in look.classes)
    batches = [look.batch or DetectBatch() for look in looks]
    together = {
        "max": max(batch.max for batch in batches),
        "wait": min(batch.wait for batch in batches),
    }
    batch = DetectBatch().model_copy(update=together)
    detect = looks[0].model_copy(update={"classes": list(classes), "batch": batch})
    return PictureSteps(
        _most_open([gate for gate in gates if gate]) if all(gates) else None, detect
    )


def _gate_before(flow: Flow, name: str, stream: Stream) -> MotionGate | None:
    """The gate that a stream's pictures pass, in it or in a stream it reads."""
    for one in (stream, *(flow.streams[up] for up in upstream(flow, name) if up in flow.streams)):
        for step in one.steps:
            if isinstance(step.settings, MotionGate):
                return step.settings
    return None


def _most_open(gates: list[MotionGate]) -> MotionGate:
    least = min(gates, key=lambda gate: gate.area)
    return least.model_copy(update={"hold": max(gate.hold for gate in gates)})
