"""The chart, rendered by Helm itself and checked against the schemas of Kubernetes."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.infra.compose.test_compose_file import SERVICES
from tests.infra.tools import program

pytestmark = pytest.mark.infra

CHART = Path(__file__).parents[3] / "infra" / "chart"
VERSIONS = ("1.30.0", "1.34.0", "1.37.0")
FULL = {
    "existingSecret": "plant-secrets",
    "definitions": {"cool.yaml": "vigie: 1\n# {{ not a template }} ${SECRET}\n"},
    "profile": "hardware",
    "migrate": {"enabled": True, "existingSecret": "migrate", "definitions": ["cool.yaml"]},
    "ingress": {"enabled": True, "host": "vigie.example.org", "tlsSecret": "tls"},
    "podDisruptionBudget": {"enabled": True},
    "serviceMonitor": {"enabled": True},
    "prometheus": {"enabled": True},
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "storage": {"className": "fast"},
}
Manifests = dict[str, dict[str, Any]]


def run(
    tmp: Path, values: dict[str, Any], version: str, chart: Path
) -> tuple[Manifests, list[str]]:
    python = Path(program("kubernetes-validate")).parent / "python"
    given = tmp / "values.json"
    given.write_text(json.dumps(values))
    script = Path(__file__).with_name("render.py")
    done = subprocess.run(
        [str(python), str(script), str(chart), str(given), version],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ValueError(done.stderr)
    found = json.loads(done.stdout)
    named = {f"{one['kind']}/{one['metadata']['name']}": one for one in found["manifests"]}
    return named, found["problems"]


@pytest.fixture
def tmp(tmp_path: Path) -> Path:
    return tmp_path


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", [{}, FULL], ids=["defaults", "everything"])
def test_kubernetes_takes_what_the_chart_makes(
    tmp: Path, values: dict[str, Any], version: str
) -> None:
    manifests, problems = run(tmp, values, version, CHART)
    assert problems == []
    assert "StatefulSet/plant-vigie" in manifests


def test_a_pod_has_no_more_rights_than_a_container_of_compose(tmp: Path) -> None:
    manifests, _ = run(tmp, FULL, VERSIONS[-1], CHART)
    for name in ("StatefulSet/plant-vigie", "Job/plant-vigie-migrate"):
        pod = manifests[name]["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"]
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert "env" not in container, "secrets come as files"
        user = str(pod["securityContext"]["runAsUser"])
        assert SERVICES["vigie"]["user"].partition(":")[0] == user


def test_prometheus_asks_the_pod_for_its_metrics_and_those_of_its_flows(tmp: Path) -> None:
    manifests, _ = run(tmp, FULL, VERSIONS[-1], CHART)
    config = manifests["ConfigMap/plant-vigie-prometheus"]["data"]
    assert config["rules.yaml"] == (CHART.parent / "prometheus" / "rules.yaml").read_text()
    for name, text in config.items():
        (tmp / name).write_text(text)
    checked = subprocess.run(
        [program("promtool"), "check", "config", str(tmp / "prometheus.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    jobs = YAML(typ="safe").load(config["prometheus.yaml"])["scrape_configs"]
    assert [job["metrics_path"] for job in jobs] == ["/metrics", "/metrics/flows"]
    (names,) = {job["dns_sd_configs"][0]["names"][0] for job in jobs}
    assert manifests[f"Service/{names}"]["spec"]["clusterIP"] == "None"
    paths = [one["path"] for one in manifests["ServiceMonitor/plant-vigie"]["spec"]["endpoints"]]
    assert paths == ["/metrics", "/metrics/flows"]


def test_a_service_that_is_down_restarts_nothing(tmp: Path) -> None:
    manifests, _ = run(tmp, {}, VERSIONS[-1], CHART)
    (container,) = manifests["StatefulSet/plant-vigie"]["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/live"
    assert container["startupProbe"]["httpGet"]["path"] == "/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    grace = next(re.search(r"--grace=(\d+)", word) for word in container["args"] if "grace" in word)
    assert grace and int(grace[1]) < 60


def test_the_next_version_of_the_chart_changes_nothing_that_cannot_change(tmp: Path) -> None:
    after = tmp / "chart"
    shutil.copytree(CHART, after)
    text = (after / "Chart.yaml").read_text()
    (after / "Chart.yaml").write_text(re.sub(r"ersion: 0\.1\.0", "ersion: 0.2.0", text))
    old, _ = run(tmp, FULL, VERSIONS[-1], CHART)
    new, _ = run(tmp, FULL, VERSIONS[-1], after)
    assert old != new
    free = {
        "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
    }  # fmt: skip
    name = "StatefulSet/plant-vigie"
    for key in (old[name]["spec"].keys() | new[name]["spec"].keys()) - free:
        assert old[name]["spec"][key] == new[name]["spec"][key], key
    assert old[name]["spec"]["replicas"] == 1
    hook = new["Job/plant-vigie-migrate"]["metadata"]["annotations"]
    assert "before-hook-creation" in hook["helm.sh/hook-delete-policy"]  # a Job cannot change


def test_definitions_and_site_file_arrive_to_the_letter(tmp: Path) -> None:
    manifests, _ = run(tmp, FULL, VERSIONS[-1], CHART)
    assert (
        manifests["ConfigMap/plant-vigie"]["data"]["cool.yaml"] == FULL["definitions"]["cool.yaml"]
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ingress": {"enabled": True}}, "ingress.host"),
        ({"migrate": {"enabled": True}}, "migrate.existingSecret"),
        ({"migrate": {**FULL["migrate"], "definitions": ["no.yaml"]}}, "no.yaml"),
    ],
)
def test_what_is_missing_is_named(tmp: Path, values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        run(tmp, values, VERSIONS[-1], CHART)
