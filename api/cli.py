"""The command that serves the api."""

import socket
from pathlib import Path

import click

from api.app import create_app
from api.server import make_server
from api.settings import READING_TOPICS, Settings
from api.site import from_site
from connectors.site import SiteError


@click.command("api")
@click.option("--site", type=click.Path(dir_okay=False, path_type=Path), help="Site file with the connections.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), default=Path("data"), show_default=True,
              help="Folder for accounts and the signing key.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.", type=click.IntRange(0, 65535))
@click.option("--topics", default=",".join(READING_TOPICS), show_default=True,
              help="Topics whose readings are shown, separated by commas.")  # fmt: skip
def serve(site: Path | None, data: Path, host: str, port: int, topics: str) -> None:
    """Serve the page, the REST api and the WebSocket push.

    The first start makes the account `admin` and prints its random password, once.
    """
    try:
        outside = from_site(site)
    except SiteError as error:
        raise click.ClickException(str(error)) from None
    settings = Settings(
        data=data,
        host=host,
        port=port,
        reading_topics=tuple(name.strip() for name in topics.split(",") if name.strip()),
        **outside,
    )
    _check_port(host, port)
    app = create_app(settings, lambda password: click.echo(f"admin password: {password}"))
    make_server(app, settings).run()


def _check_port(host: str, port: int) -> None:
    """Say what to do before anything is made; the server itself would only give the system's error."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {host}:{port} ({error.strerror}); if another program has the port, stop it or choose "
            "another with --port"
        ) from None
