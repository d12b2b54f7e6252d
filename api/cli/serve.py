"""The command `vigie api`, which serves the api."""

from pathlib import Path

import click

from api.defaults import DATA, HOST, PORT, READING_TOPICS


@click.command("api")
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Site file with the connections.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(DATA),
    show_default=True,
    help="Folder for accounts and the signing key.",
)
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=PORT,
    show_default=True,
    help="Port to listen on.",
    type=click.IntRange(0, 65535),
)
@click.option(
    "--tls-cert",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificate in PEM form, with its chain: serve HTTPS and WSS.",
)
@click.option(
    "--tls-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its key in PEM form, without a password.",
)
@click.option(
    "--topics",
    default=",".join(READING_TOPICS),
    show_default=True,
    help="Topics whose readings are shown, separated by commas.",
)
@click.option(
    "--supervisor",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder in which `vigie up` answers, which gives this itself: flows can be deployed then.",
)
def serve(
    site: Path | None,
    data: Path,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    topics: str,
    supervisor: Path | None,
) -> None:
    """Serve the page, the REST api and the WebSocket push.

    The first start makes the account `admin` and prints its random password, once.
    """
    from api.cli.server import run

    run(site, data, host, port, tls_cert, tls_key, topics, supervisor)
