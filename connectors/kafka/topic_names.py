"""The names of the topics that Vigie makes for itself, each once."""

from dataclasses import dataclass

from connectors.config.site import Site

DEFAULT_PREFIX = "vigie."


@dataclass(frozen=True)
class TopicNames:
    """The topics of one site; `prefix` is that of the connection to its broker."""

    prefix: str = DEFAULT_PREFIX

    @classmethod
    def of_site(cls, site: Site) -> "TopicNames":
        """The names at a site; raises `SiteError` for a variable in the prefix that is missing.

        Nothing else of the connection need be known yet.
        """
        written = site.connections.get("redpanda", {}).get("prefix", DEFAULT_PREFIX)
        return cls(str(site.filled(written, "connections.redpanda.prefix")))

    @property
    def alarms(self) -> str:
        """Transitions of alarms, of all flows."""
        return f"{self.prefix}alarms"

    @property
    def alarm_commands(self) -> str:
        """Commands of operators to the alarms of flows."""
        return f"{self.prefix}alarm-commands"

    @property
    def alarm_replies(self) -> str:
        """Answers of flows to commands, one an alarm."""
        return f"{self.prefix}alarm-replies"

    @property
    def push(self) -> str:
        """Records for WebSocket clients (`PushRecord`)."""
        return f"{self.prefix}push"

    @property
    def pages(self) -> str:
        """Pages that definitions declare; a compacted topic, a row a flow."""
        return f"{self.prefix}pages"

    @property
    def flows(self) -> str:
        """The flows that run; a compacted topic, a row a process (`Announcement`)."""
        return f"{self.prefix}flows"

    @property
    def leases(self) -> str:
        """Which process runs a flow where several might (`connectors.kafka.leases`)."""
        return f"{self.prefix}leases"

    @property
    def rules(self) -> str:
        """Alarm rules that people made on pages; a compacted topic, a row a rule."""
        return f"{self.prefix}rules"

    @property
    def mode(self) -> str:
        """The mode of the site, written by the api."""
        return f"{self.prefix}mode"

    @property
    def cameras(self) -> str:
        """The cameras of the site; a compacted topic, a row a camera."""
        return f"{self.prefix}cameras"

    @property
    def watched_cameras(self) -> str:
        """The cameras that somebody watches, told by each api process (`WatchedCameras`)."""
        return f"{self.prefix}watched-cameras"

    @property
    def live_pictures(self) -> str:
        """Pictures of watched cameras (`PushRecord`), kept for a minute."""
        return f"{self.prefix}live-pictures"

    @property
    def evidence(self) -> str:
        """What sinks say of the evidence of events: where it is, or that it is lost."""
        return f"{self.prefix}evidence"

    @property
    def evidence_pins(self) -> str:
        """The events whose evidence people keep; a compacted topic, a row an event."""
        return f"{self.prefix}evidence-pins"

    def of_source(self, flow: str, source: str) -> str:
        """What a source received whose sender waits for an acknowledgement (MQTT, HTTP)."""
        return f"{self.prefix}in.{flow}.{source}"

    def outbox(self, flow: str, sink: str) -> str:
        """What a sink of a flow is to write to an outside system."""
        return f"{self.prefix}out.{flow}.{sink}"

    def crossings(self, flow: str) -> str:
        """The partitions in which one process of a flow found subjects of another; compacted."""
        return f"{self.prefix}crossings.{flow}"

    def frames(self, flow: str, source: str) -> str:
        """The pictures of a camera source that are to be looked at (`flows.vision`)."""
        return f"{self.prefix}frames.{flow}.{source}"

    def dead_letters(self, flow: str) -> str:
        """What a flow could not process."""
        return f"{self.prefix}dead.{flow}"

    def replayed(self, flow: str) -> str:
        """Marks of the dead letters of a flow that were sent again."""
        return f"{self.prefix}replayed.{flow}"


DEFAULT_NAMES = TopicNames()
"""The names at a site that gives no prefix."""
