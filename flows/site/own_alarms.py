"""The flow `vigie`, which watches the site: the definition that comes along, as a version."""

import hashlib
from pathlib import Path

from connectors.config.site import Site, read_site
from connectors.runtime.private_files import private_folder, write_private
from flows.site.version import SHORT, Version, content

FLOW = "vigie"
SHIPPED = Path(__file__).parents[1] / "definitions" / f"{FLOW}.yaml"


def own_alarms(site: Path, data: Path) -> Version | None:
    """The version to run with this site file; None while that is wrong or the disk is full."""
    _, place = read_site(site)
    if place is None:
        return None
    text = definition(place).encode()
    name = hashlib.sha256(text).hexdigest()[:SHORT]
    folder = data / "versions" / FLOW / name
    if not (folder / SHIPPED.name).exists():
        try:
            for part in (folder.parents[1], folder.parent, folder):
                private_folder(part)
            write_private(folder / SHIPPED.name, text)
        except OSError:
            return None
    return Version(FLOW, name, content(site), str(folder), SHIPPED.name)


def definition(site: Site) -> str:
    """The text of the definition, with a sink for mails where the site file asks for it."""
    text = SHIPPED.read_text("utf-8")
    if not site.watch.mail:
        return text
    to = ", ".join(f'"{address}"' for address in site.watch.mail)
    mail = f"  mail:\n    from: alarms\n    email: {{to: [{to}]}}\n"
    return text.replace("\nsinks:\n", f"\nsinks:\n{mail}", 1)
