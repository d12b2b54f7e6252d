"""What a sink tells of the evidence of an event: where it is, or why there is none."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from connectors.base import ConnectorContext
from connectors.s3.evidence_spool import Job
from operators.events import Occurrence
from operators.model.fields import field

TYPE = "evidence"
STORED, LOST, DELETED = "stored", "lost", "deleted"
_SIGNED = ("event", "kind", "camera", "bucket", "key", "drawn", "thumbnail", "sha256")


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
        data["signature"] = signature(data, context.connection.secret_key.get_secret_value())
    return Occurrence(
        id=f"{event.id}/{context.name}/{TYPE}",
        time=event.time,
        subject=str(getattr(event, "subject", "")),
        type=TYPE,
        data=data,
        source=f"{context.flow}/{context.name}",
        labels=dict(getattr(event, "labels", {})),
    )


def signature(data: Mapping[str, Any], secret: str) -> str:
    """Proof that who tells of evidence holds the keys of its object store.

    Whoever may post events could else name any object as the evidence of one. It is the HMAC (RFC
    2104, SHA-256) of what says which object belongs to which event and camera.
    """
    said = "\0".join(f"{name}={data.get(name, '')}" for name in _SIGNED)
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()


def is_genuine(data: Mapping[str, Any], secret: str) -> bool:
    """Whether evidence was told by who holds the keys of its object store."""
    return hmac.compare_digest(str(data.get("signature", "")), signature(data, secret))
