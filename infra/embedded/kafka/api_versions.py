"""The first question of every Kafka client, to see whether a broker answers."""

import struct

from infra.embedded.ports import HOST, connect
from infra.embedded.service import ServiceError


def ask_versions(port: int) -> None:
    """Ask for the protocol versions (Kafka's ApiVersions, version 0).

    Raises `OSError` or `ServiceError` while no broker answers.
    """
    client = b"ready"
    request = struct.pack(">hhih", 18, 0, 1, len(client)) + client
    with connect(port) as link:
        link.sendall(struct.pack(">i", len(request)) + request)
        answer = link.recv(10)
    if len(answer) < 10 or struct.unpack(">iih", answer)[1:] != (1, 0):
        raise ServiceError(f"{HOST}:{port} does not answer as a Kafka broker does")
