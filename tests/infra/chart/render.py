"""Run by the tools' own Python: renders the chart, and says what Kubernetes would refuse of it.

`render.py CHART VALUES.json VERSION` prints {"manifests": [...], "problems": [...]} as JSON.
"""

import json
import sys

import helm_python
import kubernetes_validate
import yaml


def main(chart: str, values: str, version: str) -> None:
    with open(values, encoding="utf-8") as file:
        given = json.load(file)
    problems = [
        f"lint: {one['path']}: {one['error']}"
        for one in helm_python.lint(chart, given)["messages"]
        if one["severity"] in ("error", "warning", 2, 3)
    ]
    with helm_python.Chart.load(chart) as loaded:
        rendered = loaded.render(given, name="plant", namespace="sites")
    texts = rendered.values() if isinstance(rendered, dict) else [rendered]
    manifests = [one for text in texts for one in yaml.safe_load_all(text) if isinstance(one, dict)]
    for one in manifests:
        try:
            if one["apiVersion"].startswith("monitoring.coreos.com"):
                continue  # of the operator of Prometheus, whose schema is not Kubernetes' own
            kubernetes_validate.validate(one, version, strict=True)
        except Exception as error:
            problems.append(f"{one.get('kind')}: {error}")
    print(json.dumps({"manifests": manifests, "problems": problems}))


main(*sys.argv[1:])
