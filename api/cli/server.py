"""Start the api from the command line: check what can be checked, then serve."""

import ipaddress
import json
import os
import socket
import ssl
from pathlib import Path

import click

from api.accounts.signing_keys import KeyFileError
from api.app import create_app
from api.database.errors import DatabaseError
from api.settings import Settings, from_site
from api.web.uvicorn_server import make_server
from connectors.base import ConnectorError
from connectors.config.site import SiteError
from connectors.runtime.private_files import NotPrivate
from connectors.runtime.process_memory import share_arenas

NEWS = "VIGIE_NEWS"
"""Variable with the descriptor on which `vigie up` hears from its api."""


def run(
    site: Path | None,
    data: Path,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    topics: str,
    supervisor: Path | None = None,
) -> None:
    """Serve until the process is told to stop; raises what click shows to the user."""
    share_arenas()
    try:
        outside = from_site(site)
    except SiteError as error:
        raise click.ClickException(str(error)) from None
    _check_tls(tls_cert, tls_key)
    settings = Settings(
        data=data,
        host=host,
        port=port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        reading_topics=tuple(name.strip() for name in topics.split(",") if name.strip()),
        supervisor=supervisor,
        **outside,
    )
    _check_port(host, port)
    if tls_cert is None and not settings.section.proxies and not _is_local(host):
        click.echo(
            "warning: tokens and passwords go over the network in clear; give --tls-cert and"
            " --tls-key, or put a proxy that encrypts in front and name it in the site file under"
            " api: {proxies: […]}",
            err=True,
        )
    try:
        app = create_app(settings, lambda password: click.echo(f"admin password: {password}"))
    except (DatabaseError, KeyFileError, NotPrivate, ConnectorError) as error:
        raise click.ClickException(str(error)) from None
    make_server(app, settings, lambda: _tell_supervisor(settings)).run()


def _tell_supervisor(settings: Settings) -> None:
    """Say that the api listens, if a supervisor started it."""
    news = os.environ.get(NEWS)
    if news is not None:
        told = {"running": True} | ({"port": settings.port} if settings.tls_cert is None else {})
        os.write(int(news), json.dumps(told).encode() + b"\n")


def _check_port(host: str, port: int) -> None:
    """Say what to do before anything is made; the server would give only the system's error."""
    try:
        with socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        ):
            pass
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {host}:{port} ({error.strerror}); if another program has the port,"
            " stop it or choose another with --port"
        ) from None


def _check_tls(cert: Path | None, key: Path | None) -> None:
    """Say what is wrong with the files before anything is made."""
    if (cert is None) != (key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together: give both or neither")
    if cert is not None and key is not None:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                cert, key, password=_no_password
            )
        except (ssl.SSLError, OSError, ValueError) as error:
            raise click.ClickException(
                f"{cert} and {key} are no certificate with its key in PEM form: {error}"
            ) from None


def _no_password() -> str:
    raise ValueError(
        "the key has a password; write it without one: openssl pkey -in KEY -out NEW_KEY"
    )


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
