"""Several brokers of Apache Kafka that are one cluster."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from infra.embedded.kafka.server import Kafka
from infra.embedded.ports import free_port
from infra.embedded.service import each


class KafkaCluster:
    """Brokers `nodes[1]`, `nodes[2]`, …; `addresses` are those of all."""

    def __init__(
        self, folder: Path | str, size: int = 3, settings: Mapping[str, str] | None = None
    ) -> None:
        """Make the brokers; each has a folder of its own in `folder`."""
        voters = {node: free_port() for node in range(1, size + 1)}
        self.nodes = {
            node: Kafka(Path(folder) / f"node-{node}", node=node, voters=voters, settings=settings)
            for node in voters
        }

    @property
    def addresses(self) -> list[str]:
        """Host and port of each broker."""
        return [node.address for node in self.nodes.values()]

    def start(self) -> Self:
        """Start all brokers, and wait until they answer."""
        each(self.nodes.values(), Kafka.start)
        each(self.nodes.values(), Kafka.wait_ready)
        return self

    def kill(self) -> None:
        """End all brokers at once."""
        for node in self.nodes.values():
            node.kill()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, *exc: object) -> None:
        self.kill()
