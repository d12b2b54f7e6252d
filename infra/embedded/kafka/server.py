"""One broker of Apache Kafka, which is also a controller (KRaft)."""

import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from infra.embedded.kafka import jars
from infra.embedded.kafka.api_versions import ask_versions
from infra.embedded.ports import HOST, free_port
from infra.embedded.service import Service, ServiceError, write_private

JAVA = ("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp")
CLUSTER_ID = "dmlnaWUgb24ga2Fma2EuLg"
ALONE = {
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "log.retention.check.interval.ms": "500",
    "log.initial.task.delay.ms": "500",
}
"""Settings of a broker for tests: it starts quickly, and its death is noticed after 3 s."""


class Kafka(Service):
    """A broker on disk; without `voters` it is a cluster of its own.

    `voters` are the controllers' ports by node. `settings` are added to its properties, `users` are
    names and passwords of SCRAM. `folder` keeps everything: a broker that is started again goes on.
    """

    NAME: ClassVar[str] = "kafka"
    STARTUP: ClassVar[float] = 90.0

    def __init__(
        self,
        folder: Path | str,
        port: int | None = None,
        node: int = 1,
        voters: Mapping[int, int] | None = None,
        settings: Mapping[str, str] | None = None,
        listeners: Mapping[str, int] | None = None,
        users: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Make a broker; it listens on `port` without users, and on `listeners` as settings say."""
        super().__init__(folder, port)
        self.node = node
        self._voters = dict(voters or {node: free_port()})
        self._settings = dict(settings or {})
        self._listeners = dict(listeners or {})
        self._users = users

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run here; None if it can."""
        return jars.missing()

    @property
    def controller_port(self) -> int:
        """The port of its controller, which is none for clients."""
        return self._voters[self.node]

    def command(self) -> list[str]:
        """The command line of the program."""
        return [*JAVA, f"{jars.folder()}/*", "kafka.Kafka", str(self._properties)]

    def prepare(self) -> None:
        """Write the settings, and format the folder of a broker that is new."""
        text = "".join(f"{key}={value}\n" for key, value in self.properties().items())
        write_private(self._properties, text)
        if (self.folder / "data" / "meta.properties").exists():
            return
        users = [
            option
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for name, password in self._users
            for option in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
        ]
        tool = [*JAVA, f"{jars.folder()}/*", "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID]
        done = subprocess.run(
            [*tool, "-c", str(self._properties), *users],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ServiceError(f"kafka could not format {self.folder}: {done.stdout}{done.stderr}")

    def properties(self) -> dict[str, str]:
        """The broker's properties."""
        listeners = {"PLAINTEXT": self.port, **self._listeners}
        addresses = [f"{name}://{HOST}:{port}" for name, port in listeners.items()]
        copies = str(min(3, len(self._voters)))
        return {
            "process.roles": "broker,controller",
            "node.id": str(self.node),
            "controller.quorum.voters": ",".join(
                f"{node}@{HOST}:{port}" for node, port in self._voters.items()
            ),
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join([*addresses, f"CONTROLLER://{HOST}:{self.controller_port}"]),
            "advertised.listeners": ",".join(addresses),
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": ",".join(
                ["CONTROLLER:PLAINTEXT", "PLAINTEXT:PLAINTEXT"]
                + [f"{name}:{name}" for name in self._listeners]
            ),
            "log.dirs": str(self.folder / "data"),
            "default.replication.factor": copies,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": str(min(2, len(self._voters))),
            **ALONE,
            **self._settings,
        }

    def probe(self) -> None:
        """Ask for the protocol versions."""
        ask_versions(self.port)

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"


class SecuredKafka(Kafka):
    """A broker with users and rights: nobody may do what no ACL allows, save at `address`.

    `sasl_address` takes SCRAM, PLAIN and OAUTHBEARER (with unsigned tokens); the users are `vigie`
    and `other`, their passwords `password(name)`.
    """

    USERS: ClassVar[tuple[str, ...]] = ("vigie", "other")

    def __init__(self, folder: Path | str) -> None:
        """Make the broker."""
        self._passwords = {name: secrets.token_hex(8) for name in self.USERS}
        self._sasl_port = free_port()
        super().__init__(
            folder,
            listeners={"SASL_PLAINTEXT": self._sasl_port},
            users=list(self._passwords.items()),
            settings=self._security(),
        )

    @property
    def sasl_address(self) -> str:
        """Host and port for users with passwords."""
        return f"{HOST}:{self._sasl_port}"

    def password(self, name: str) -> str:
        """The password of a user."""
        return self._passwords[name]

    def _security(self) -> dict[str, str]:
        jaas = "listener.name.sasl_plaintext.{}.sasl.jaas.config"
        login = "org.apache.kafka.common.security.{}LoginModule required {};"
        plain = " ".join(f'user_{name}="{word}"' for name, word in self._passwords.items())
        scram = login.format("scram.Scram", "")
        return {
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            jaas.format("plain"): login.format("plain.Plain", plain),
            jaas.format("scram-sha-256"): scram,
            jaas.format("scram-sha-512"): scram,
            jaas.format("oauthbearer"): login.format(
                "oauthbearer.OAuthBearer", 'unsecuredLoginStringClaim_sub="broker"'
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
