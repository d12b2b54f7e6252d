"""The demo's processes, started in order and watched: services, flows, api, devices, client."""

from collections.abc import Callable
from pathlib import Path

from infra.demo.cameras import Cameras
from infra.demo.devices import Devices
from infra.demo.home_assistant import HomeAssistant
from infra.demo.ledger import Ledger
from infra.demo.programs import ROOT, ApiProgram, FlowProgram, Program
from infra.demo.subscriber import Subscriber
from infra.demo.variants import without
from infra.demo.zigbee import BASE, Zigbee
from infra.embedded.ports import is_free
from infra.embedded.rtsp import Rtsp
from infra.embedded.service import Service, ServiceError, each, write_private
from infra.embedded.stack import Stack
from infra.together import Together

DEFINITIONS = ROOT / "flows" / "definitions"
API_PORT = 8000
API = """
api:
  discovery: true      # operators may search this network for cameras,
  cameras_here: true   # and add those that this machine serves
"""
SUBSCRIBED = 120.0


class Site(Together):
    """Everything that runs; leaving the context stops it, the devices first."""

    def __init__(self, folder: Path, say: Callable[[str], None], port: int | None = None) -> None:
        super().__init__()
        self.folder = folder
        self._port = port
        self.say = say
        self.ledger = Ledger()
        self.stack = Stack(folder / "services")
        self.flows: dict[str, FlowProgram] = {}
        self.devices: list[Devices] = []
        self._zigbee: Zigbee | None = None
        self._home_assistant: HomeAssistant | None = None

    def _start(self) -> None:
        self.say("starting the services")
        self._ending.enter_context(self.stack)
        self.say(self.stack.table())
        write_private(self.stack.site, self.stack.site.read_text(encoding="utf-8") + API)
        self.say("starting the flows and the api")
        self.api = self._api()
        self._make_flows()
        self._ending.callback(self.stop_programs)
        each(self.programs, lambda program: program.start().wait_ready())
        self.subscriber = Subscriber(self.api.port, self.api.USERNAME, self.api.password)
        self._ending.callback(self.subscriber.close)
        self._start_devices()

    def _api(self) -> ApiProgram:
        port = self._port or (API_PORT if is_free(API_PORT) else None)
        return ApiProgram(self.folder / "api", self.stack.site, port)

    @property
    def programs(self) -> list[Program]:
        """Vigie's own processes."""
        return [self.api, *self.flows.values()]

    def _make_flows(self) -> None:
        profiles = {"archive": None, "energy": "hardware" if "mqtt" in self.stack else "simulation"}
        if "mariadb" in self.stack:
            profiles["server_room"] = None
        else:
            self.say(f"left out: flow server_room, because {self.stack.left_out['mariadb']}")
        for name, profile in profiles.items():
            definition, changes = without(
                DEFINITIONS / f"{name}.yaml", self.stack.left_out, self.folder / "definitions"
            )
            for change in changes:
                self.say(f"changed: {change}")
            self.flows[name] = FlowProgram(self.folder / name, definition, self.stack.site, profile)
        self._make_cameras()

    def _make_cameras(self) -> None:
        reason = Rtsp.missing() or self.stack.left_out.get("minio")
        if reason:
            self.say(f"left out: flow cameras, because {reason}")
            return
        self.say("drawing what two of the cameras see")
        cameras = Cameras(self.folder / "cameras-rtsp")
        cameras.start()
        self._ending.callback(cameras.stop)
        self.flows["cameras"] = FlowProgram(
            self.folder / "cameras",
            cameras.definition(),
            self.stack.site,
            variables=cameras.variables(),
        )

    def _start_devices(self) -> None:
        if "mqtt" in self.stack:
            broker = self.stack["mqtt"]
            broker.wait_subscribed(f"{BASE}/+", SUBSCRIBED)
            self._zigbee = Zigbee(broker.port, "devices", broker.password("devices"), self.ledger)
            self._zigbee.connect()
            self.devices.append(Devices("the Zigbee devices", self._zigbee.tick))
        if "mariadb" in self.stack:
            self._home_assistant = HomeAssistant(
                self.stack["mariadb"].client_options(), self.ledger
            )
            self.devices.append(Devices("Home Assistant", self._home_assistant.tick))
        for devices in self.devices:
            devices.start()
        self._ending.callback(self.stop_devices)

    @property
    def knows_what_was_sent(self) -> bool:
        """Whether all readings come from devices with a ledger, none from a flow's simulation."""
        return "mqtt" in self.stack

    def stop_devices(self) -> None:
        """Stop the devices; returns when the broker and the database have the last readings."""
        for devices in self.devices:
            devices.stop()
        if self._zigbee:
            self._zigbee.close()
            self._zigbee = None
        if self._home_assistant:
            self._home_assistant.close()
            self._home_assistant = None
        if not self.knows_what_was_sent:
            self.flows["energy"].stop()

    def stop_programs(self) -> list[str]:
        """Let the flows drain and end, and the api end; a line for each that did not end well."""
        each(self.programs, Service.stop)
        return [
            f"{program.NAME} ended with exit status {program.exit_status}; its log,"
            f" {program.log}:\n{program.tail()}"
            for program in self.programs
            if program.exit_status not in (*program.GOOD_ENDS, None)
        ]

    def check(self) -> None:
        """Raise `ServiceError` or `RuntimeError` as soon as something ended that should run."""
        self.stack.check()
        for program in self.programs:
            if not program.pid:
                raise ServiceError(
                    f"{program.NAME} has ended. Its log, {program.log}:\n{program.tail()}"
                )
        for devices in self.devices:
            devices.check()
        self.subscriber.check()
