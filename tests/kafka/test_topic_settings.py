"""Topics as the site file declares them: differences are said, and `vigie migrate` ends them."""

from pathlib import Path

from click.testing import CliRunner

from connectors.config.site import load_site
from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topics.settings import settings_of
from flows.cli import main
from infra.embedded.kafka.server import Kafka
from tests.flows.running import site_of
from tests.kafka.conftest import Administer
from tests.waiting import wait_until

DECLARED = {"keep": "30d", "keep_bytes": 1_000_000, "in_sync": 1, "largest": 2_000_000}
AS_KAFKA_SAYS = {
    "retention.ms": "2592000000",
    "retention.bytes": "1000000",
    "min.insync.replicas": "1",
    "max.message.bytes": "2000000",
}


def wait_for_settings(kafka: Kafka, topic: str, wanted: dict[str, str]) -> dict[str, str]:
    """The settings of a topic, once they are as wanted: a broker learns of them a little later."""
    connection = TopicConnection(brokers=[kafka.address])

    def found() -> dict[str, str]:
        settings = dict(settings_of(connection, [topic]).get(topic, {}))
        return settings if settings.items() >= wanted.items() else {}

    return wait_until(found, what=f"settings of {topic}")


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(one) for one in arguments])
    return done.exit_code, done.output


def test_a_topic_is_made_as_declared(kafka: Kafka, unique: str):
    connection = TopicConnection(brokers=[kafka.address], topics={unique: DECLARED})
    ensure_topic(connection, unique)
    wait_for_settings(kafka, unique, AS_KAFKA_SAYS)


def test_differences_are_said_by_validate_and_ended_by_migrate_alone(
    kafka: Kafka, unique: str, tmp: Path, administer: Administer
):
    admin = administer([kafka.address])
    admin.create_topics({unique: {"num_partitions": 1}})
    site = site_of(
        tmp,
        redpanda={
            "brokers": [kafka.address],
            "topics": {unique: DECLARED, f"{unique}.none": {"keep": "1h"}},
        },
    )
    before = wait_for_settings(kafka, unique, {})

    code, said = run("validate", "--site", site, site)
    assert code == 0, said
    assert f"topic {unique}: retention.ms is 604800000, declared is 2592000000" in said
    assert "`vigie migrate` makes it so" in said
    assert f"{unique}.none" not in said.replace(f'"{unique}.none"', "")
    code, said = run("migrate", "--site", site, "--dry-run")
    assert f"topic {unique}: max.message.bytes 1048588 -> 2000000" in said
    assert wait_for_settings(kafka, unique, {}) == before

    code, said = run("migrate", "--site", site)
    assert code == 0, said
    assert f"topic {unique}: retention.ms 604800000 -> 2592000000" in said
    wait_for_settings(kafka, unique, AS_KAFKA_SAYS)
    code, said = run("validate", "--site", site, site)
    assert code == 0
    assert "declared is" not in said


def test_what_the_broker_refuses_is_said_in_its_words(
    kafka: Kafka, unique: str, tmp: Path, administer: Administer
):
    administer([kafka.address]).create_topics({unique: {"num_partitions": 1}})
    wait_for_settings(kafka, unique, {})
    site = site_of(
        tmp, redpanda={"brokers": [kafka.address], "topics": {unique: {"in_sync": 100000000000}}}
    )
    code, said = run("migrate", "--site", site)
    assert code == 1, said
    assert "min.insync.replicas" in said
    assert "not" in said.lower()


def test_retention_set_writes_the_site_file_and_changes_the_topic(
    kafka: Kafka, unique: str, tmp: Path, administer: Administer
):
    administer([kafka.address]).create_topics({unique: {"num_partitions": 1}})
    site = site_of(tmp, redpanda={"brokers": [kafka.address]})
    wait_for_settings(kafka, unique, {})
    words = ("retention", "set", "--topic", unique, "--site", site)
    code, said = run(*words, "12h", "--dry-run")
    assert code == 0 and "-> 43200000" in said, said
    assert unique not in site.read_text()
    code, said = run(*words, "12h")
    assert code == 0, said
    wait_for_settings(kafka, unique, {"retention.ms": "43200000"})
    assert load_site(site).connections["redpanda"]["topics"] == {unique: {"keep": "12h"}}
    code, said = run(*words, "forever")
    assert code == 0, said
    wait_for_settings(kafka, unique, {"retention.ms": "-1"})
    code, said = run("retention", "set", "12h", "--topic", f"{unique}x", "--site", site)
    assert code == 1 and f"no topic '{unique}x'" in said and unique in said
