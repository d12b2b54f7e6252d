"""Uses of other packages beyond their promises; a version that changes one fails by name.

Each part stands on a version with an upper bound in pyproject.toml.
"""

import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

SANS_IO = "uvicorn.protocols.websockets.websockets_sansio_impl:WebSocketsSansIOProtocol"
PRIVATE = {
    "kafka-python": (
        "kafka.consumer.fetcher:Fetcher.PartitionRecords",
        "kafka.consumer.fetcher:Fetcher.PartitionRecords._unpack_records",
        "kafka.consumer.fetcher:Fetcher.PartitionRecords.drain",
        "kafka.consumer.fetcher:Fetcher._handle_fetch_response"
        "(self, node_id, fetch_offsets, send_time, response)",
        "kafka.consumer.fetcher:Fetcher._create_fetch_requests(self)",
        "kafka.protocol.api_message:ApiMessage._max_version",
        "kafka.record.default_records:DefaultRecordBatch._maybe_uncompress(self)",
        "kafka.record.default_records:DefaultRecordBatch.validate_crc",
        "kafka.consumer.fetcher:Fetcher.PartitionRecords._consume_aborted_transactions_up_to",
        "kafka.consumer.fetcher:Fetcher.PartitionRecords._contains_abort_marker",
        "kafka.consumer.fetcher:Fetcher.PartitionRecords._is_batch_aborted",
        "kafka.consumer.subscription_state:SubscriptionState.seek(self, partition, offset)",
        "kafka.consumer.subscription_state:TopicPartitionState.position",
        "kafka.cluster:ClusterMetadata.topic_id",
        "kafka.cluster:ClusterMetadata.leader_for_partition(self, partition)",
        "kafka.cluster:ClusterMetadata.broker_metadata(self, broker_id)",
        "kafka.producer.sender:Sender.force_close(self)",
        "kafka.producer.sender:Sender.add_topic(self, topic)",
        "kafka.net.sasl:get_sasl_mechanism(name)",
        "kafka.net.sasl.abc:SaslMechanism.auth_bytes(self)",
        "kafka.net.sasl.abc:SaslMechanism.receive(self, auth_bytes)",
        "kafka.net.sasl.abc:SaslMechanism.is_done(self)",
        "kafka.net.sasl.oauth:AbstractTokenProvider.token(self)",
        "kafka.cluster:ClusterMetadata.partitions_for_topic",
        "kafka.net.manager:KafkaConnectionManager._build_transport(self, node, timeout_at)",
        "kafka.net.compat:KafkaNetClient(net, manager, configs)",
        "kafka.net.selector:NetworkSelector.start(self)",
        "kafka.net.selector:NetworkSelector.wakeup(self)",
        "kafka.net.selector:NetworkSelector.unregister_event(self, fileobj, event)",
        "kafka.net.selector:NetworkSelector._process_events(self, event_list)",
        "kafka.net.transport:KafkaTCPTransport._sock_recv(self)",
        "kafka.net.transport:KafkaSSLTransport._sock_recv(self)",
        "kafka.net.transport:KafkaTCPTransport._sock_send(self)",
        "kafka.net.transport:KafkaTCPTransport._write_to_sock(self)",
        "kafka.net.transport:KafkaTCPTransport.write(self, data)",
    ),
    "paho-mqtt": (
        "paho.mqtt.client:Client._create_socket(self)",
        "paho.mqtt.client:Client._packet_write(self)",
        "paho.mqtt.client:Client._packet_queue(self, command, packet, mid, qos, info)",
        "paho.mqtt.client:Client._handle_pubackcomp(self, cmd)",
        "paho.mqtt.client:Client._do_on_publish(self, mid, reason_code, properties)",
    ),
    "bytewax": ("bytewax._bytewax:run_main",),
    "pymysql": (
        "pymysql.connections:Connection._execute_command(self, command, sql)",
        "pymysql.connections:Connection._force_close(self)",
    ),
    "h11": ("h11._readers:_obsolete_line_fold(lines)",),
    "uvicorn": (
        "uvicorn.protocols.http.h11_impl:H11Protocol.data_received(self, data)",
        "uvicorn.protocols.http.h11_impl:H11Protocol.handle_websocket_upgrade(self, event)",
        "uvicorn.protocols.http.h11_impl:H11Protocol.handle_events(self)",
        "uvicorn.protocols.http.h11_impl:H11Protocol.connection_made",
        "uvicorn.protocols.http.h11_impl:H11Protocol.shutdown(self)",
        f"{SANS_IO}.handle_connect(self, event)",
        f"{SANS_IO}.send_receive_event_to_app(self)",
        f"{SANS_IO}.handle_parser_exception(self)",
        f"{SANS_IO}.keepalive_timeout(self)",
    ),
    "websockets": (
        "websockets.protocol:Protocol.send_close",
        "websockets.protocol:Protocol.data_to_send",
    ),
}
"""Package → its parts, as `module:name`, with the parameters where we give or override them."""


def find(target: str) -> object:
    module, _, names = target.partition(":")
    found: object = __import__(module, fromlist=["_"])
    for name in names.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize(
    ("package", "part"), [(package, part) for package, parts in PRIVATE.items() for part in parts]
)
def test_a_private_part_is_as_it_was(package, part):
    target, _, parameters = part.partition("(")
    try:
        found = find(target)
    except (ImportError, AttributeError) as error:
        pytest.fail(
            f"{package} {version(package)} has no {target} any more: {error}", pytrace=False
        )
    if parameters:
        now = f"({', '.join(inspect.signature(found).parameters)})"
        assert now == f"({parameters}", f"{package} {version(package)} changed {target}"


@pytest.mark.parametrize("package", PRIVATE)
def test_what_stands_on_private_parts_has_an_upper_bound(package):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [Requirement(text) for texts in (project["dependencies"], *extras) for text in texts]
    bounds = [one.specifier for one in wanted if one.name.lower() == package]
    assert bounds, f"{package} is not in pyproject.toml"
    for bound in bounds:
        assert any(one.operator in ("<", "<=", "==") for one in bound), (
            f"{package}: {bound or 'any version'}"
        )
        assert bound.contains(version(package))
