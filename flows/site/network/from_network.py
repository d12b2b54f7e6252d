"""What a definition that comes over the network may not name: files elsewhere, and this machine."""

import ipaddress
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from connectors.config.document import Document

SECTIONS = ("sources", "streams", "sinks", "tables", "recipes")


def foreign_places(document: Document) -> str | None:
    """A report of the files and addresses that it may not name; None if there are none.

    Services are named by connections of the site file. A camera may have an address of its own,
    but neither one of this machine nor a link-local one, where clouds keep their secrets.
    """
    for path, node in document.root.walk() if document.root is not None else ():
        if not path or path[0] not in SECTIONS or not isinstance(node.value, str):
            continue
        if path[-1] in ("model", "detect") and _is_elsewhere(node.value):
            document.say_at(
                path,
                "a definition that comes over the network names a model by its name, or by a file"
                " below its folder",
                "name it in the site file under  models:",
            )
        elif "://" in node.value and _is_near(node.value):
            document.say_at(
                path,
                "a definition that comes over the network may not name an address of this machine"
                " or a link-local one",
                "name a connection of the site file",
            )
    return document.report() if document.errors else None


def _is_elsewhere(model: str) -> bool:
    path = PurePosixPath(model)
    return path.is_absolute() or ".." in path.parts or model.startswith(("~", "http"))


def _is_near(text: str) -> bool:
    try:
        host = urlsplit(text).hostname or ""
    except ValueError:
        return True
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_link_local or address.is_unspecified
