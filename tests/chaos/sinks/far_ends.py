"""What each far end has, asked past the relays, and when each alarm change was first seen there."""

import contextlib
import email
import email.policy
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from urllib.parse import quote

import msgspec
import paho.mqtt.client as mqtt
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from infra.embedded.mosquitto import Mosquitto
from infra.embedded.ports import ask
from infra.embedded.service import ServiceError
from infra.embedded.victoria import Victoria
from tests.bucket import Bucket, connection_to
from tests.chaos.sinks.world import SinksStack
from tests.chaos.stack import Hooks

LOOK = 0.2
UNREACHABLE = (OSError, ServiceError, MinioException, HTTPError)
MAILED = re.compile(r"chaos (\S+)")


class Arrivals:
    """Which ids came to one place, when each was first seen, and how often it came."""

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        self.times: Counter[str] = Counter()

    def take(self, ids: Iterable[str]) -> None:
        """Something came, perhaps again."""
        now = time.time()
        for id in ids:
            self.first.setdefault(id, now)
            self.times[id] += 1

    def stands(self, ids: Iterable[str]) -> None:
        """This is there now; what is there twice was doubled."""
        now = time.time()
        self.times = Counter(ids)
        for id in self.times:
            self.first.setdefault(id, now)

    @property
    def repeated(self) -> int:
        return self.times.total() - len(self.times)


class Watch(threading.Thread):
    """Looks at a place again and again, if it answers."""

    def __init__(self, name: str, look: Callable[[], None]) -> None:
        super().__init__(name=f"watch {name}", daemon=True)
        self._look = look
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(LOOK):
            with contextlib.suppress(*UNREACHABLE):
                self._look()

    def end(self) -> None:
        self._end.set()
        self.join(30)


class FarEnds:
    """The alarm changes at the far end of every sink, by the sink's name; `readings` has what there
    is of the readings.
    """

    def __init__(self, stack: SinksStack) -> None:
        self._stack = stack
        looks = {
            "clickhouse": self._in_clickhouse,
            "influxdb": self._in_series,
            "objects": self._in_objects,
            "webhook": lambda: self._in_hooks("webhook", stack.hooks),
            "apprise": lambda: self._in_hooks("apprise", stack["phone"]),
            "email": self._in_mails,
        }
        self.alarms = {name: Arrivals() for name in ("mqtt", *looks)}
        self._bucket = Bucket(connection_to(stack["minio"]), "chaos")
        self._read: Counter[str] = Counter()
        self._watches = [Watch(name, look) for name, look in looks.items()]
        self._subscriber = _subscriber(stack["mqtt"], self.alarms["mqtt"])
        for watch in self._watches:
            watch.start()

    def end(self) -> None:
        for watch in self._watches:
            watch.end()
        self._subscriber.disconnect()
        self._subscriber.loop_stop()

    def readings(self) -> dict[str, tuple[int, int]]:
        """How many readings each store has, and how many (also of the changes) are there twice."""
        clickhouse = self._stack["clickhouse"]
        rows, ids = clickhouse.query(
            "SELECT count(), uniqExact(id) FROM vigie.chaos_readings FINAL"
        ).split()
        changes, known = clickhouse.query(
            "SELECT count(), uniqExact(id) FROM vigie.chaos_alarms FINAL"
        ).split()
        victoria: Victoria = self._stack["influxdb"]
        points = sum(len(one["values"]) for one in victoria.export('{__name__="readings_value"}'))
        lines = [
            json.loads(line)["id"]
            for name in self._names("readings/")
            for line in self._bucket.content(name).splitlines()
        ]
        return {
            "clickhouse": (int(ids), int(rows) - int(ids) + int(changes) - int(known)),
            "influxdb": (points, 0),
            "objects": (len(set(lines)), len(lines) - len(set(lines))),
        }

    def _in_clickhouse(self) -> None:
        rows = self._stack["clickhouse"].query("SELECT DISTINCT id FROM vigie.chaos_alarms")
        self.alarms["clickhouse"].stands(rows.split("\n")[:-1])

    def _in_series(self) -> None:
        port = self._stack["influxdb"].port
        ask(port, "/internal/force_flush")
        match = quote('{__name__=~"alarms_.*"}', safe="")
        status, body = ask(port, f"/api/v1/label/id/values?match[]={match}")
        if status != 200:
            raise ServiceError(f"VictoriaMetrics answers {status}: {body[:200]!r}")
        self.alarms["influxdb"].stands(msgspec.json.decode(body)["data"])

    def _in_objects(self) -> None:
        names = self._names("alarms/")
        self.alarms["objects"].stands(name.split("/", 2)[2] for name in names)

    def _names(self, prefix: str) -> list[str]:
        found = self._bucket.client.list_objects("chaos", prefix=prefix, recursive=True)
        return [str(item.object_name) for item in found]

    def _in_hooks(self, name: str, hooks: Hooks) -> None:
        for line in self._new_lines(name, hooks):
            body = json.loads(json.loads(line)["body"])
            found = body.get("id") or MAILED.search(body["title"])
            self.alarms[name].take([found if isinstance(found, str) else found[1]])

    def _new_lines(self, name: str, hooks: Hooks) -> list[bytes]:
        with hooks.file.open("rb") as file:
            file.seek(self._read[name])
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._read[name] += len(whole) + 1
        return whole.split(b"\n")

    def _in_mails(self) -> None:
        files = sorted((self._stack["email"].folder / "mails").glob("*.eml"))
        for path in files[self._read["email"] :]:
            self._read["email"] += 1
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            self.alarms["email"].take(set(MAILED.findall(mail.get_content())))  # type: ignore[attr-defined]


def _subscriber(server: Mosquitto, arrivals: Arrivals) -> mqtt.Client:
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False
    )
    client.username_pw_set("devices", server.password("devices"))
    client.on_connect = lambda client, *_: client.subscribe("echo/#", 1)
    client.on_message = lambda client, data, message: arrivals.take(
        [msgspec.json.decode(message.payload)["id"]]
    )
    client.connect("127.0.0.1", server.port)
    client.loop_start()
    return client
