"""Names, kinds and labels of metrics, to which dashboards and rules of strangers hold."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.registry import Collector
from ruamel.yaml import YAML

from api.metrics import Metrics as ApiMetrics
from connectors.kafka.connection import TopicConnection
from connectors.runtime.tracing.traces import Traces
from flows.runtime.alarm_metrics import AlarmFigures
from flows.runtime.outbox.outbox import Outbox
from flows.runtime.shards import Share
from flows.runtime.source_progress import SourceProgress
from flows.runtime.status import Metrics
from infra.grafana.boards.all import BOARDS
from tests.connectors.recorder import Recorder

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| `(vigie_\w+)` \| (counter|gauge) \| ([\w, ]*) ?\|", re.MULTILINE)
FROZEN = {
    name: (kind, tuple(re.findall(r"\w+", labels)))
    for name, kind, labels in ROW.findall((ROOT / "docs" / "metrics.md").read_text())
}
RULES = YAML(typ="safe").load(ROOT / "infra" / "prometheus" / "rules.yaml")
MADE_BY_PROMETHEUS = {"instance", "job", "le"}


@pytest.fixture
def collectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Collector]:
    """Everything that offers metrics, without a service."""
    site = b'{"flows": [{"name": "plant", "version": "v", "reloads": {"ok": 1}}]}'
    monkeypatch.setattr("api.metrics.ask", lambda *_: site)
    flow, api = Metrics("plant"), ApiMetrics()
    connection = TopicConnection(brokers=["127.0.0.1:1"])
    context = Recorder().context("topic", connection)
    outbox = Outbox([], context, tmp_path, Share())
    flow.passed("sensors", 1)
    flow.counted("decode", "bad_json", 1)
    flow.connector("sensors", up=True)
    flow.began("v", 0.0)
    flow.copied(lambda: 0.0)
    api.by_reloads(tmp_path)
    traces = Traces(0, lambda _: True)
    flow.traces(traces)
    api.spans(traces)
    traces.close()
    api.by_flow(lambda: {"plant": "ok"})
    for name in ("clients", "broker_up", "feed_lag"):
        api.gauge(name, name, lambda: 0.0)
    for counter in (api.closed, api.logins, api.records, api.undecodable):
        counter.labels("x")
    return [flow.registry, api.registry, SourceProgress("plant"), AlarmFigures("plant"), outbox]


def families(collectors: list[Collector]) -> Iterator[Metric]:
    for collector in collectors:
        yield from collector.collect()


def test_a11_metrics_have_the_names_kinds_and_labels_that_the_page_says(
    collectors: list[Collector],
) -> None:
    seen = set()
    for family in families(collectors):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert name in FROZEN, f"{name} is not in docs/metrics.md"
        kind, labels = FROZEN[name]
        assert kind == family.type, name
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                assert tuple(sorted(sample.labels)) == labels, name
        seen.add(name)
    assert seen == set(FROZEN)


def test_no_code_makes_a_metric_that_the_page_does_not_know() -> None:
    made = re.compile(r"(?:Counter|Gauge|Histogram|Summary|gauge|Family)\(\s*\"(vigie_\w+)\"")
    known = {name.removesuffix("_total") for name in FROZEN}
    for path in [*(ROOT / "flows").rglob("*.py"), *(ROOT / "api").rglob("*.py")]:
        assert set(made.findall(path.read_text())) <= known, path


def expressions() -> list[str]:
    found = [target["expr"] for panel in BOARDS["health"]["panels"] for target in panel["targets"]]
    return found + [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("text", expressions())
def test_a11_dashboards_and_rules_ask_for_metrics_and_labels_that_there_are(text: str) -> None:
    recorded = {
        rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule
    }
    names = set(re.findall(r"(?<![\w:])(?:\w+:)?vigie_\w+(?::\w+)?", text))
    assert names <= set(FROZEN) | recorded
    labels = {label for name in names & set(FROZEN) for label in FROZEN[name][1]}
    if not names & recorded:
        grouped = {
            word
            for group in re.findall(r"by \(([^)]*)\)", text)
            for word in re.findall(r"\w+", group)
        }
        asked = grouped | set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"", text))
        assert asked <= labels | MADE_BY_PROMETHEUS


def test_an_alert_says_what_is_wrong_and_what_helps() -> None:
    for group in RULES["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                assert rule["labels"]["severity"] in ("info", "warning", "critical")
                assert rule["annotations"]["summary"] and rule["annotations"]["description"]
