"""The flow `vigie`, which watches the site: the definition that comes along, as a version."""

from pathlib import Path

from connectors.config.site import Site, read_site
from connectors.runtime.private_files import private_folder, write_private
from flows.site.version import SHORT, Version, content

FLOW = "vigie"
SHIPPED = Path(__file__).parents[1] / "definitions" / f"{FLOW}.yaml"


def own_alarms(site: Path, data: Path) -> Version | None:
    """The version to run with this site file; None while that is wrong."""
    _, place = read_site(site)
    if place is None:
        return None
    folder = private_folder(private_folder(data / "versions") / FLOW)
    fresh = folder / ".new.yaml"
    write_private(fresh, definition(place).encode())
    name = content(fresh)[:SHORT]
    fresh.replace(private_folder(folder / name) / SHIPPED.name)
    return Version(FLOW, name, content(site), str(folder / name), SHIPPED.name)


def definition(site: Site) -> str:
    """The text of the definition, with a sink for mails where the site file asks for it."""
    text = SHIPPED.read_text("utf-8")
    if not site.watch.mail:
        return text
    to = ", ".join(f'"{address}"' for address in site.watch.mail)
    mail = f"  mail:\n    from: alarms\n    email: {{to: [{to}]}}\n"
    return text.replace("\nsinks:\n", f"\nsinks:\n{mail}", 1)
