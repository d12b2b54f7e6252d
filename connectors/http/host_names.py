"""By which names a request may ask for this machine."""

import ipaddress
import re
from collections.abc import Collection


def asks_for_us(host: str, names: Collection[str]) -> bool:
    """Whether a `Host` names this machine: by an address, as `localhost`, or by one of `names`.

    A page of a foreign site can reach us only under a name of its own, which it has pointed here
    (DNS rebinding); then its `Host` is that name.
    """
    found = re.fullmatch(r"\[([^\]]*)\](?::\d+)?|([^:]*)(?::\d+)?", host)
    if found is None:
        return False
    name = (found[1] or found[2] or "").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name in names
    return True
