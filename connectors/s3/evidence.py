"""What a sink tells of the evidence of an event: where it is, or why there is none."""

from typing import Any

from connectors.base import ConnectorContext
from connectors.s3.evidence_spool import Job
from operators.events import Occurrence
from operators.model.fields import field

TYPE = "evidence"
STORED, LOST = "stored", "lost"


def evidence(context: ConnectorContext, kind: str, bucket: str, job: Job) -> Occurrence:
    """The occurrence that belongs to the event of a job, at its time.

    `data` has the `event`, what `kind` of evidence it is, the `state`, and then `bucket`, `key`,
    `bytes`, `sha256` and what else is known of it, or the `reason` why it is lost.
    """
    event = job.event
    data: dict[str, Any] = {"event": event.id, "kind": kind}
    if (camera := field(event, "camera")) is not None:
        data["camera"] = str(camera)
    if job.lost is not None:
        data |= {"state": LOST, "reason": job.lost}
    else:
        data |= {"state": STORED, "bucket": bucket, "key": job.key, **job.made}
    return Occurrence(
        id=f"{event.id}/{context.name}/{TYPE}",
        time=event.time,
        subject=str(getattr(event, "subject", "")),
        type=TYPE,
        data=data,
        source=f"{context.flow}/{context.name}",
        labels=dict(getattr(event, "labels", {})),
    )
