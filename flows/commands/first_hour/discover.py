"""`vigie discover`: what speaks at a site, and a first flow for it."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from connectors.base import ConnectorError
from connectors.config.document import Document
from connectors.config.site import Site, load_site
from connectors.mariadb.components import MariadbBinlog
from connectors.mqtt.components import Mqtt
from flows.commands.progress import progress
from flows.commands.site_option import SITE
from flows.commands.validate import check
from flows.setup.found import Found
from flows.setup.overhear import Listening, Overhearing
from flows.setup.starter import definition
from operators.model.units import duration

EXIT_REFUSED, EXIT_NOTHING = 1, 75
RECORDER = ["states", "states_meta", "state_attributes"]
MOST_SHOWN = 200


@click.command()
@SITE
@click.option("--mqtt", metavar="URL", help="Listen to this MQTT broker, without a site file.")
@click.option(
    "--topic", "topics", multiple=True, default=("#",), show_default=True, help="Topics to hear."
)
@click.option("--prefix", default="homeassistant", show_default=True,
              help="Home Assistant's discovery prefix.")  # fmt: skip
@click.option("--for", "span", default="30s", show_default=True, help="How long to listen.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a first flow for what was found; its name is that of the file.",
)
@click.option("--mail", metavar="ADDRESS", help="The flow sends its alarms there.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def discover(
    site: Path, mqtt: str | None, topics: tuple[str, ...], prefix: str, span: str,
    output: Path | None, mail: str | None, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Listen to the site's MQTT broker and to Home Assistant's recorder; list what speaks.

    Devices, metrics, units and dialects, and the devices that Home Assistant was told of. Nothing
    is written at the site, and flows that run lose nothing by it. Exits with 75 if nothing was
    heard.
    """
    if output is not None and output.exists() and not force:
        _refuse(f"{output} is there already; name another file, or write over it with --force")
    try:
        seconds = duration(span)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from None
    try:
        place = _site(site, mqtt)
        found, troubles = _listen(place, list(topics), prefix, seconds)
    except ConnectorError as error:
        _refuse(str(error))
    if as_json:
        click.echo(json.dumps(_plain(found), ensure_ascii=False))
    else:
        for line in _text(found):
            click.echo(line)
    for trouble in troubles:
        click.echo(trouble, err=True)
    if not found.devices:
        click.echo("nothing was heard that Vigie can read; listen longer with --for 5min", err=True)
        sys.exit(EXIT_NOTHING)
    if output is not None:
        _write(output, found, place, mail)


def _site(path: Path, mqtt: str | None) -> Site:
    if mqtt is None:
        return load_site(path)
    return Site(vigie=1, site="local", connections={"mqtt": {"url": mqtt}})


def _listen(site: Site, topics: list[str], prefix: str, seconds: float) -> tuple[Found, list[str]]:
    sources: dict[str, Any] = {}
    if "mqtt" in site.connections:
        sources["mqtt"] = Mqtt(topics=topics)
    if "mariadb" in site.connections:
        sources["mariadb"] = MariadbBinlog(tables=RECORDER)
    if not sources:
        raise ConnectorError(
            f"{site.document.path if site.document else 'the site'}: no connection 'mqtt' or"
            " 'mariadb' to listen to; add one, or give --mqtt mqtt://HOST:1883"
        )
    found = Found(site.zone, prefix)
    with tempfile.TemporaryDirectory() as folder:
        overhearing = Overhearing(site, "discover", Path(folder))
        heard: list[Listening] = []
        try:
            heard += [overhearing.open(name, source) for name, source in sources.items()]
            with progress("listening") as tell:
                until = time.monotonic() + seconds
                while (left := until - time.monotonic()) > 0:
                    for one in heard:
                        found.take(one.read())
                    tell(1 - left / seconds, f"{len(found.devices)} devices")
                    overhearing.stopping.wait(min(0.1, left))
        except KeyboardInterrupt:
            pass
        finally:
            overhearing.close()
            for one in heard:
                one.close()
        troubles = [f"{name}: {why}" for name, why in overhearing.health.down.items()]
    return found, troubles


def _write(output: Path, found: Found, site: Site, mail: str | None) -> None:
    about = f"What vigie discover heard on {time.strftime('%Y-%m-%d')}. Change what does not fit."
    history = "clickhouse" in site.connections
    text = definition(output.stem, found.feeds(), found.metrics(), mail, history, about)
    document = Document(output)
    document.root = document.parse(text)
    check(document)
    if document.errors:
        _refuse(f"{document.report()}\nnothing was written")
    output.write_text(text, encoding="utf-8")
    click.echo(f"wrote {output}; see what it would do: vigie try {output}")


def _text(found: Found) -> Iterator[str]:
    shown = sorted(found.devices.items())[:MOST_SHOWN]
    width = max((len(name) for name, _ in shown), default=6)
    dialects = max((len(device.dialect) for _, device in shown), default=7)
    for name, device in shown:
        values = [f"{metric} {value}".rstrip() for metric, (_, value) in device.metrics.items()]
        values += [f"({kind})" for kind in sorted(device.happened)]
        yield f"{name:<{width}}  {device.dialect:<{dialects}}  {', '.join(values)}"
    if len(found.devices) > MOST_SHOWN:
        yield f"… and {len(found.devices) - MOST_SHOWN} more (--json has all)"
    if shown:
        yield ""
    for metric, signals in found.metrics().items():
        span = f", {signals.low:g} to {signals.high:g}" if signals.high >= signals.low else ""
        count = len(signals.subjects)
        unit = f" in {signals.unit}" if signals.unit else ""
        yield f"{metric}{unit}: {count} device{'s' * (count != 1)}{span}"
    silent = list(found.silent())
    if silent:
        yield ""
        yield "announced to Home Assistant, and silent so far:"
        for name, announced in silent[:MOST_SHOWN]:
            yield f"  {name}" + (f" ({announced.model})" if announced.model else "")
    if found.unread:
        few = ", ".join(topic for topic, _ in found.unread.most_common(5))
        yield ""
        yield f"without readings: {len(found.unread)} topics, such as {few}"
    yield f"{found.messages} messages, {found.rows} rows, {len(found.devices)} devices"


def _plain(found: Found) -> dict[str, Any]:
    return {
        "devices": {
            name: {
                "dialect": device.dialect,
                "topic": device.said or None,
                "metrics": {
                    metric: {"unit": unit, "value": value}
                    for metric, (unit, value) in device.metrics.items()
                },
                "occurrences": sorted(device.happened),
            }
            for name, device in sorted(found.devices.items())
        },
        "announced": {
            name: {"model": device.model, "topics": sorted(device.topics)}
            for name, device in sorted(found.announced.items())
        },
        "silent": [name for name, _ in found.silent()],
        "unread": dict(found.unread.most_common(MOST_SHOWN)),
        "messages": found.messages,
        "rows": found.rows,
    }


def _refuse(text: str) -> None:
    click.echo(text, err=True)
    sys.exit(EXIT_REFUSED)
