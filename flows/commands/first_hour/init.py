"""`vigie init`: the files of a new site, from a few questions or from options."""

import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from connectors.config.document import Document
from connectors.config.site import Site
from connectors.runtime.private_files import write_private
from flows.checks.connections import check_site
from flows.commands.validate import check
from flows.language.model import Flow
from flows.setup.files import secrets_text, site_text, unit_text, variables
from flows.setup.starter import SIMULATED, definition, mqtt_feed, recorder_feed

LOCAL_ZONE = Path("/etc/localtime")
ASKED: Mapping[str, tuple[str, str]] = {
    "name": ("Name of this site", ""),
    "timezone": ("Its time zone", ""),
    "broker": ("Kafka-protocol broker (Redpanda), HOST:PORT", "localhost:9092"),
    "mqtt": ("MQTT broker of your sensors, such as mqtt://HOST:1883 (- for none)", "-"),
    "mqtt_user": ("Its user (- for none)", "-"),
    "mariadb": ("Does Vigie read Home Assistant's MariaDB? HOST:PORT/DATABASE (- for no)", "-"),
    "mail": ("Who gets a mail at an alarm (- for nobody)", "-"),
    "smtp": ("Mail server, such as smtps://HOST:465", "smtp://localhost:25"),
    "clickhouse": ("ClickHouse for history, such as http://HOST:8123/vigie (- for none)", "-"),
}
"""What is asked, in this order, with the usual answer."""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", help="Name of the site; default: that of this machine.")
@click.option("--timezone", help="Time zone, such as Europe/Paris; default: this machine's.")
@click.option("--broker", metavar="HOST:PORT", help="Kafka-protocol broker; every flow needs it.")
@click.option("--mqtt", metavar="URL", help="MQTT broker of the sensors.")
@click.option("--mqtt-user", help="User there; its password becomes a variable.")
@click.option("--mariadb", metavar="HOST:PORT/DATABASE", help="Home Assistant's MariaDB.")
@click.option("--mail", metavar="ADDRESS", help="Who gets a mail at an alarm.")
@click.option("--smtp", metavar="URL", help="Mail server.")
@click.option("--clickhouse", metavar="URL", help="ClickHouse, to keep readings and alarms.")
@click.option("--flow", default="first", show_default=True, help="Name of the first flow.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the usual answer where none is given.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def init(folder: Path, flow: str, yes: bool, force: bool, **given: str | None) -> None:
    """Write the files of a new site: site.yaml, a first flow, site.env, a systemd unit.

    Asks for what no option says; - means none. Passwords are not asked for: they become variables,
    whose values go into site.env. Without a source of readings the flow simulates one. Exits with 1
    if a file is there already, or an answer does not fit.
    """
    definition_path = folder / f"{flow}.yaml"
    files = [folder / "site.yaml", definition_path, folder / "site.env", folder / "vigie.service"]
    taken = [str(path) for path in files if path.exists()]
    if taken and not force:
        _refuse(
            f"{', '.join(taken)}: already there; name another folder, or write over with --force"
        )
    answers = _answers(given, ask=not yes and sys.stdin.isatty())
    connections = _connections(answers)
    site = site_text(answers["name"], answers["timezone"], connections)
    texts = {
        files[0]: site,
        files[1]: _flow_text(flow, answers),
        files[2]: secrets_text(variables(site)),
        files[3]: unit_text(answers["name"], folder.resolve(), _vigie()),
    }
    _validate(texts, files[0], files[1])
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        if path.name == "site.env":
            write_private(path, text.encode())
        else:
            path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path}")
    _say_next(folder, flow, variables(site))


def _answers(given: Mapping[str, str | None], ask: bool) -> dict[str, str]:
    usual = {"name": socket.gethostname(), "timezone": _timezone()}
    answers: dict[str, str] = {}
    for key, (question, default) in ASKED.items():
        answer = given[key]
        needless = (key == "mqtt_user" and not answers["mqtt"]) or (
            key == "smtp" and not answers["mail"]
        )
        if answer is None and ask and not needless:
            answer = click.prompt(question, default=usual.get(key, default), err=True)
        answer = usual.get(key, default) if answer is None else answer
        answers[key] = "" if answer == "-" else answer
    return answers


def _connections(answers: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"redpanda": {"brokers": [answers["broker"]]}}
    if answers["mqtt"]:
        found["mqtt"] = {"url": answers["mqtt"]}
        if answers["mqtt_user"]:
            found["mqtt"] |= {"username": answers["mqtt_user"], "password": "${MQTT_PASSWORD}"}
    if answers["mariadb"]:
        found["mariadb"] = {"url": f"mysql://vigie:${{MARIADB_PASSWORD}}@{answers['mariadb']}"}
    if answers["mail"]:
        found["email"] = {"url": answers["smtp"]}
    if answers["clickhouse"]:
        found["clickhouse"] = {
            "url": answers["clickhouse"],
            "username": "vigie",
            "password": "${CLICKHOUSE_PASSWORD}",
            "migrate": True,
        }
    return found


def _flow_text(flow: str, answers: Mapping[str, str]) -> str:
    feeds = [mqtt_feed("sensors", ["#"], "auto")] if answers["mqtt"] else []
    feeds += [recorder_feed()] if answers["mariadb"] else []
    return definition(
        flow, feeds or [SIMULATED], {}, answers["mail"] or None, bool(answers["clickhouse"])
    )


def _validate(texts: Mapping[Path, str], site_path: Path, flow_path: Path) -> None:
    """Refuse answers that make files which are not valid."""
    documents = []
    subjects = []
    for path in (site_path, flow_path):
        document = Document(path)
        document.root = document.parse(texts[path])
        documents.append(document)
        subjects.append(check(document))
    site, flow = subjects
    if isinstance(site, Site) and isinstance(flow, Flow):
        check_site(documents[1], flow, site)
    for document in documents:
        if document.errors:
            _refuse(f"{document.report()}\nnothing was written; mend the answer that this shows")


def _say_next(folder: Path, flow: str, names: list[str]) -> None:
    click.echo("next:")
    if names:
        click.echo(f"  put {', '.join(names)} into {folder / 'site.env'}, then")
        click.echo(f"  set -a; . {folder / 'site.env'}; set +a")
    click.echo(f"  vigie doctor {folder / 'site.yaml'}             # does everything answer?")
    click.echo(
        f"  vigie discover --site {folder / 'site.yaml'}    # what speaks here, and a flow for it"
    )
    click.echo(
        f"  vigie try {folder / flow}.yaml         # what the flow would do, without doing it"
    )
    click.echo(f"  vigie up {folder} --data {folder / 'data'}")


def _refuse(text: str) -> None:
    click.echo(text, err=True)
    sys.exit(1)


def _timezone() -> str:
    if "TZ" in os.environ and "/" in os.environ["TZ"]:
        return os.environ["TZ"].lstrip(":")
    _, found, name = str(LOCAL_ZONE.resolve()).partition("zoneinfo/")
    return name if found and name else "UTC"


def _vigie() -> Path:
    """The command as it was started here, or where it is found."""
    beside = Path(sys.executable).with_name("vigie")
    return beside if beside.exists() else Path(shutil.which("vigie") or "/usr/bin/vigie")
