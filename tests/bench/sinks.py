"""Events per CPU-second of the flow's process through the other sinks, each beside its bare
client in this process.
"""

import io
import itertools
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
from minio import Minio

from connectors.kafka.connection import TopicConnection
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.objects import Objects
from infra.embedded.ports import connect, free_port
from infra.embedded.stack import Stack
from operators.events import Event, encode_lines
from tests.bench.readings import publish, readings
from tests.bench.report import Figure
from tests.bench.status import passed
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

REQUESTS, MESSAGES, ARCHIVED, MAILED = 10_000, 30_000, 500_000, 20_000
BARE = 5_000
OBJECT_LINES = 25_000


def sinks(folder: Path) -> list[Figure]:
    """Webhook, MQTT, objects, e-mail."""
    unit = "events per CPU-second"
    with Stack(folder, ["redpanda", "mqtt", "minio", "email"]) as stack, _server() as url:
        connection = TopicConnection(**stack.connections()["redpanda"])
        with stack.site.open("a") as site:
            site.write(f"  cloud:\n    url: {url}\n")

        def through(name: str, count: int, settings: str) -> float:
            return _through(stack, folder, connection, name, count, settings)

        webhook = through(
            "webhook", REQUESTS, "webhook: {connection: cloud, path: /events, concurrency: 4}"
        )
        mqtt_sink = through("mqtt", MESSAGES, 'mqtt: {topic: "bench/{subject}"}')
        archive = through("objects", ARCHIVED, "objects: {bucket: bench, every: 1h}")
        mail = through("email", MAILED, 'email: {to: ops@example.org, title: "{subject}"}')
        return [
            Figure(
                "topic → webhook sink, a request an event",
                webhook,
                unit,
                "httpx, one client",
                _bare_http(url),
                None,
            ),
            Figure(
                "topic → MQTT sink, QoS 1", mqtt_sink, unit, "paho", _bare_mqtt(stack["mqtt"]), None
            ),
            Figure(
                f"topic → objects sink, {ARCHIVED:,} lines",
                archive,
                unit,
                "minio, lines encoded at once",
                _bare_objects(stack["minio"]),
                None,
            ),
            Figure("topic → e-mail sink, a flood grouped", mail, unit, None, None, None),
        ]


def _through(
    stack: Stack, folder: Path, connection: TopicConnection, name: str, count: int, settings: str
) -> float:
    publish(connection, f"bench.{name}", count, pack=True)
    definition = folder / f"bench_{name}.yaml"
    definition.write_text(
        f"vigie: 1\nflow: bench_{name}\nsources: {{readings: {{topic: bench.{name}}}}}\n"
        f"sinks: {{out: {{from: readings, {settings}}}}}\n"
    )
    port = free_port()
    before = _ended_children()
    with FlowProcess(definition, stack.site, folder / "data", "--status-port", str(port)) as flow:
        wait_until(
            lambda: passed(port, "out") >= count, 120, f"{count} events to pass {name}", every=0.1
        )
    return count / (_ended_children() - before - flow.running_cpu)


def _ended_children() -> float:
    """CPU seconds of all processes that ended. What a sink had queued is in it: a flow that
    stops drains.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _server() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.peers.answering", str(port)])
    try:
        wait_until(lambda: _listens(port), 10, "the HTTP server")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        connect(port).close()
    except OSError:
        return False
    return True


def _events(count: int) -> list[Event]:
    return list(itertools.chain.from_iterable(readings(count)))


def _rate(count: int, work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return count / (time.process_time() - began)


def _bare_http(url: str) -> float:
    bodies = [encode_lines([event]) for event in _events(BARE)]
    with httpx.Client(base_url=url) as client:
        return _rate(BARE, lambda: [client.post("/events", content=body) for body in bodies])


def _bare_mqtt(mosquitto: Mosquitto) -> float:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.username_pw_set("devices", mosquitto.password("devices"))
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    window = threading.Semaphore(20)
    client.on_publish = lambda *_: window.release()
    bodies = [encode_lines([event]) for event in _events(BARE)]

    def work() -> None:
        for n, body in enumerate(bodies):
            window.acquire()
            client.publish(f"bench/room_{n % 1000}", body, qos=1)
        for _ in range(20):
            window.acquire()

    rate = _rate(BARE, work)
    client.loop_stop()
    client.disconnect()
    return rate


def _bare_objects(store: Objects) -> float:
    client = Minio(store.url.partition("://")[2], store.access_key, store.secret_key, secure=False)
    client.make_bucket("bare")
    events = _events(OBJECT_LINES)

    def work() -> None:
        for n in range(4):
            lines = encode_lines(events)
            client.put_object("bare", f"{n}.jsonl", io.BytesIO(lines), len(lines))

    return _rate(4 * OBJECT_LINES, work)
