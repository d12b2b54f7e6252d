"""Every embedded service, used through the client that the product uses."""

import email.message
import io
import os
import smtplib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pymysql
import pytest
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError
from minio import Minio
from minio.commonconfig import Tags
from minio.error import S3Error

from infra.embedded.broker import Broker
from infra.embedded.mail import Mail
from infra.embedded.mariadb import ADMIN, RECORDER, REPLICATION, MariaDB
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.objects import SOCKETS, Objects
from infra.embedded.service import Service
from infra.embedded.victoria import Victoria
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service

Own = Callable[[Any], Any]


# Broker


def make_topic(broker: Broker, name: str, partitions: int = 1) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    try:
        admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        admin.close()


def read_all(broker: Broker, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=broker.address, group_id=None, fetch_max_wait_ms=20)
    try:
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek_to_beginning()
        found: list[bytes] = []
        wait_until(
            lambda: (
                found.extend(r.value for rs in consumer.poll(200).values() for r in rs)
                or len(found) >= count
            ),
            what=f"{count} records of {topic}",
        )
        return found
    finally:
        consumer.close()


def produce(broker: Broker, topic: str, values: list[bytes]) -> None:
    producer = KafkaProducer(
        bootstrap_servers=broker.address,
        acks="all",
        enable_idempotence=False,
        max_in_flight_requests_per_connection=1,
    )
    try:
        sent = [producer.send(topic, value) for value in values]
        producer.flush(PATIENCE)
        for result in sent:
            result.get(1)
    finally:
        producer.close()


def test_the_broker_keeps_records_in_order(broker: Broker, unique: str) -> None:
    make_topic(broker, unique)
    values = [b"%d" % n for n in range(500)]
    produce(broker, unique, values)
    assert read_all(broker, unique, 500) == values


def test_the_broker_comes_back_on_its_port_after_a_kill_but_without_its_topics(
    tmp: Path, own: Own
) -> None:
    broker = own(Broker(tmp / "broker"))
    make_topic(broker, "kept")
    produce(broker, "kept", [b"x"])
    port = broker.port
    broker.kill()
    with pytest.raises(KafkaError):
        KafkaAdminClient(bootstrap_servers=broker.address, bootstrap_timeout_ms=300)
    broker.restart()
    assert broker.port == port
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    try:
        assert "kept" not in admin.list_topics()
    finally:
        admin.close()


# Object store


def s3(objects: Objects) -> Minio:
    return Minio(objects.address, objects.access_key, objects.secret_key, secure=False)


def test_objects_are_put_listed_and_read(objects: Objects, unique: str, tmp: Path) -> None:
    client = s3(objects)
    client.make_bucket(unique)
    picture = tmp / "picture.jpg"
    picture.write_bytes(b"\xff\xd8" + bytes(200_000))
    client.fput_object(unique, "frames/evt_1.jpg", str(picture))
    assert [entry.object_name for entry in client.list_objects(unique, recursive=True)] == [
        "frames/evt_1.jpg"
    ]
    answer = client.get_object(unique, "frames/evt_1.jpg")
    assert answer.read() == picture.read_bytes()
    answer.close()
    answer.release_conn()


def test_wrong_keys_are_refused_by_the_object_store(objects: Objects) -> None:
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        Minio(objects.address, objects.access_key, "wrong", secure=False).list_buckets()


def test_objects_survive_a_kill(tmp: Path, own: Own) -> None:
    objects = own(Objects(tmp / "objects"))
    s3(objects).make_bucket("media")
    (tmp / "file").write_bytes(b"kept")
    s3(objects).fput_object("media", "a/b", str(tmp / "file"))
    tags = Tags.new_object_tags()
    tags["camera"] = "hall"
    s3(objects).set_object_tags("media", "a/b", tags)
    objects.kill()
    objects.restart()
    assert s3(objects).stat_object("media", "a/b").size == 4
    assert s3(objects).get_object_tags("media", "a/b") == tags


def test_a_bucket_that_is_not_there_is_not_made_by_writing_to_it(objects: Objects) -> None:
    with pytest.raises(S3Error, match="NoSuchBucket"):
        s3(objects).put_object("nowhere", "a", io.BytesIO(b"lost"), 4)


def test_objects_leave_no_socket_behind(tmp: Path, own: Own) -> None:
    objects = own(Objects(tmp / "objects"))
    objects.kill()
    assert not list(SOCKETS.glob(f"seaweedfs-*-{objects.port}.sock"))


# Mosquitto


@pytest.fixture
def connect() -> Iterator[Callable[..., mqtt.Client]]:
    clients = []

    def make(
        broker: Mosquitto, name: str, user: str = "", password: str = "", clean: bool = True
    ) -> mqtt.Client:
        client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, name, clean_session=clean, protocol=mqtt.MQTTv311
        )
        client.user_data_set({"messages": [], "refused": None, "granted": False})
        client.on_message = lambda c, data, message: data["messages"].append(message.payload)
        client.on_subscribe = lambda c, data, mid, codes, properties: data.update(granted=True)

        def on_connect(
            c: mqtt.Client, data: dict[str, Any], flags: Any, reason: Any, properties: Any
        ) -> None:
            data["refused"] = str(reason) if reason.is_failure else ""

        client.on_connect = on_connect
        if user:
            client.username_pw_set(user, password)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        clients.append(client)
        wait_until(
            lambda: client.user_data_get()["refused"] is not None,
            what=f"the broker's answer to {name}",
        )
        return client

    yield make
    for client in clients:
        client.disconnect()
        client.loop_stop()


def test_mosquitto_brings_messages(
    mosquitto: Mosquitto, unique: str, connect: Callable[..., mqtt.Client]
) -> None:
    listener = connect(mosquitto, f"{unique}-listener")
    listener.subscribe(f"{unique}/#", 1)
    wait_until(lambda: listener.user_data_get()["granted"], what="the subscription")
    sender = connect(mosquitto, f"{unique}-sender")
    sender.publish(f"{unique}/a", b"21.5", 1).wait_for_publish(60)
    wait_until(lambda: listener.user_data_get()["messages"] == [b"21.5"], what="the message")


def test_with_users_only_they_are_let_in(
    tmp: Path, own: Own, connect: Callable[..., mqtt.Client]
) -> None:
    broker = own(Mosquitto(tmp / "mqtt", users=["vigie", "devices"]))
    assert broker.password("vigie") != broker.password("devices")
    assert connect(broker, "a", "vigie", broker.password("vigie")).user_data_get()["refused"] == ""
    assert (
        "authori"
        in connect(broker, "b", "vigie", broker.password("devices")).user_data_get()["refused"]
    )
    assert "authori" in connect(broker, "c").user_data_get()["refused"]
    assert broker.password("vigie") not in (tmp / "mqtt" / "passwords").read_text()
    with pytest.raises(KeyError, match="nobody"):
        broker.password("nobody")


def test_thousands_of_messages_wait_for_an_absent_subscriber_even_over_a_kill(
    tmp: Path, own: Own, connect: Callable[..., mqtt.Client]
) -> None:
    broker = own(Mosquitto(tmp / "mqtt"))
    listener = connect(broker, "sleeper", clean=False)
    listener.subscribe("a", 1)
    wait_until(lambda: listener.user_data_get()["granted"], what="the subscription")
    listener.disconnect()
    listener.loop_stop()
    sender = connect(broker, "sender")
    for n in range(3000):
        last = sender.publish("a", b"%d" % n, 1)
    last.wait_for_publish(60)
    sender.disconnect()
    store = tmp / "mqtt" / "mosquitto.db"
    saved = time.time()
    wait_until(
        lambda: store.exists() and store.stat().st_mtime > saved, what="two saves of the queue"
    )
    broker.kill()
    broker.restart()
    again = connect(broker, "sleeper", clean=False)
    messages = again.user_data_get()["messages"]
    wait_until(lambda: len(messages) >= 3000, what="3000 messages")
    assert messages == [b"%d" % n for n in range(3000)]


# MariaDB


def rows(server: MariaDB, statement: str, user: str = RECORDER) -> list[tuple[Any, ...]]:
    with (
        pymysql.connect(**server.client_options(user), autocommit=True) as link,
        link.cursor() as cursor,
    ):
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_mariadb_has_the_recorders_tables_and_a_full_row_binlog(mariadb: MariaDB) -> None:
    assert {row[0] for row in rows(mariadb, "SHOW TABLES")} >= {
        "states",
        "states_meta",
        "state_attributes",
    }
    variables = dict(
        rows(mariadb, "SHOW VARIABLES LIKE '%binlog%'")
        + rows(mariadb, "SHOW VARIABLES LIKE 'log_bin'")
    )
    assert variables["log_bin"] == "ON"
    assert [variables[f"binlog_{name}"] for name in ("format", "row_image", "row_metadata")] == [
        "ROW",
        "FULL",
        "FULL",
    ]


def test_the_replication_user_may_read_and_follow_but_not_write(mariadb: MariaDB) -> None:
    rows(mariadb, "SELECT * FROM states_meta", REPLICATION)
    rows(mariadb, "SHOW MASTER STATUS", REPLICATION)
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        rows(mariadb, "INSERT INTO states_meta(entity_id) VALUES ('x')", REPLICATION)


def test_nobody_enters_mariadb_without_a_password(mariadb: MariaDB) -> None:
    for user in (REPLICATION, RECORDER, ADMIN, "root", ""):
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            pymysql.connect(host="127.0.0.1", port=mariadb.port, user=user, password="")


def test_committed_rows_survive_a_kill_and_passwords_stay(tmp: Path, own: Own) -> None:
    server = own(MariaDB(tmp / "mariadb"))
    rows(server, "INSERT INTO states_meta(entity_id) VALUES ('sensor.rack')")
    url = server.url
    server.kill()
    server.restart()
    assert server.url == url
    assert rows(server, "SELECT entity_id FROM states_meta") == [("sensor.rack",)]


def test_variables_of_the_server_can_be_set_or_left_at_their_defaults(tmp: Path, own: Own) -> None:
    server = own(
        MariaDB(
            tmp / "mariadb", variables={"binlog_format": "STATEMENT", "binlog_row_metadata": None}
        )
    )
    found = dict(rows(server, "SHOW VARIABLES LIKE 'binlog_%'"))
    assert (found["binlog_format"], found["binlog_row_metadata"]) == ("STATEMENT", "NO_LOG")


def test_the_log_of_mariadb_is_shown_when_a_variable_is_wrong(tmp: Path) -> None:
    with (
        pytest.raises(Exception, match=r"unknown variable .no-such-variable"),
        MariaDB(tmp / "m", variables={"no_such_variable": "1"}),
    ):
        pass


def test_where_their_own_users_cannot_reach_the_folder_services_run_as_we_are(
    tmp: Path, own: Own
) -> None:
    closed = tmp / "closed"
    closed.mkdir(mode=0o700)
    for service in (
        own(MariaDB(closed / "mariadb")),
        own(Mosquitto(closed / "mqtt", users=["vigie"])),
    ):
        assert service.run_as() == ""
        assert Path(f"/proc/{service.pid}").stat().st_uid == os.geteuid()
        assert service.restart().pid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as other users")
def test_root_starts_mariadb_and_mosquitto_as_their_own_users(
    mariadb: MariaDB, mosquitto: Mosquitto
) -> None:
    for service in (mariadb, mosquitto):
        assert Path(f"/proc/{service.pid}").owner() == service.USER


# VictoriaMetrics


def values_of(victoria: Victoria, metric: str) -> list[float]:
    return [
        value
        for series in victoria.export(f'{{__name__=~"{metric}.*"}}')
        for value in series["values"]
    ]


def write_points(victoria: Victoria, lines: list[str]) -> None:
    with InfluxDBClient(victoria.url, victoria.token, org=victoria.ORG) as client:
        client.write_api(SYNCHRONOUS).write("energy", victoria.ORG, lines, write_precision="ms")


def test_points_are_written_with_influxdbs_own_client_and_the_same_point_twice_is_once(
    victoria: Victoria, unique: str
) -> None:
    start = int(time.time() * 1000) - 100_000
    lines = [f"{unique},subject=mains value={n} {start + n}" for n in range(1000)]
    write_points(victoria, lines)
    write_points(victoria, lines)
    assert wait_until(lambda: len(values_of(victoria, unique)) == 1000, what="1000 points")
    assert sorted(values_of(victoria, unique)) == [float(n) for n in range(1000)]


def test_points_survive_a_restart(tmp: Path, own: Own) -> None:
    victoria = own(Victoria(tmp / "victoria"))
    write_points(victoria, [f"power,subject=mains value=42 {int(time.time() * 1000)}"])
    wait_until(lambda: values_of(victoria, "power") == [42.0], what="the point")
    victoria.restart()
    assert values_of(victoria, "power") == [42.0]


# Mail


def letter(title: str) -> email.message.EmailMessage:
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = "vigie@localhost", "ops@example.org", title
    message.set_content("Check the air conditioning.")
    return message


def test_mails_are_kept_as_files_in_order_and_counted(tmp: Path, own: Own) -> None:
    mail = own(Mail(tmp / "mail"))
    with smtplib.SMTP("127.0.0.1", mail.port, timeout=PATIENCE) as client:
        client.send_message(letter("too_hot raised"))
        client.send_message(letter("too_hot cleared: 27,5 °C"))
    assert mail.count() == 2
    mail.kill()
    mail.restart()
    with smtplib.SMTP("127.0.0.1", mail.port, timeout=PATIENCE) as client:
        client.send_message(letter("third"))
    assert [m["Subject"] for m in mail.messages()] == [
        "too_hot raised",
        "too_hot cleared: 27,5 °C",
        "third",
    ]
    assert mail.messages()[0].get_content().strip() == "Check the air conditioning."


# All


def test_every_service_listens_on_loopback_only(
    broker: Service, clickhouse: Service, mosquitto: Service, mariadb: Service, victoria: Service,
    objects: Service,
    mail: Service,
) -> None:  # fmt: skip
    ports = {
        s.port: s.NAME for s in (broker, clickhouse, mosquitto, mariadb, victoria, objects, mail)
    }
    pids = {s.pid for s in (broker, clickhouse, mosquitto, mariadb, victoria, objects, mail)}
    sockets = {link for pid in pids for link in _sockets(pid)}
    listening = [
        entry for family in ("tcp", "tcp6") for entry in _listening(family) if entry[2] in sockets
    ]
    assert {port for _, port, _ in listening} >= set(ports)
    assert {address for address, _, _ in listening} == {"0100007F"}


def _sockets(pid: int | None) -> set[str]:
    links = [
        str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()
    ]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def _listening(family: str) -> list[tuple[str, int, str]]:
    lines = [line.split() for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]]
    return [(a.split(":")[0], int(a.split(":")[1], 16), inode) for _, a, _, state, *_, inode in
            [(f[0], f[1], f[2], f[3], *f[4:9], f[9]) for f in lines] if state == "0A"]  # fmt: skip
