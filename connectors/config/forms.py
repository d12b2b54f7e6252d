"""What the form of a text is, in words, for each pattern that settings have."""

from urllib.parse import urlsplit

LAST_PORT = 65535
FORMS: dict[str, tuple[str, str]] = {
    r"^[a-z][a-z0-9_]*$": ("is not a name", "use a-z, 0-9 and _"),
    r"^[A-Za-z_][A-Za-z0-9_]*$": ("is not a name here", "use letters, digits and _"),
    r"^https?://[^/@]+(/.*)?$": (
        "is not a web address",
        "such as http://HOST:PORT, without user and password",
    ),
    r"^https?://[^/@\s]+/?$": (
        "is not the address of a server",
        "such as http://HOST:PORT, without a path",
    ),
    r"^/[!-~]*$": ("is not a path", "begin it with /, without spaces"),
    r"^/[!-z|~]*$": ("is not a path", "begin it with /, without spaces, { and }"),
    r"^[^+#\s]+$": ("is not a topic to write to", "leave out spaces, + and #"),
    r"^[^/\s].*/[a-z][a-z0-9_]*$": ("is not SUBJECT/METRIC", "such as rack/temperature"),
    r"^[a-zA-Z0-9._-]*$": ("is not the beginning of a topic", "use letters, digits, . _ and -"),
    r"^[a-zA-Z0-9._-]{1,249}$": (
        "is not the name of a topic",
        "use at most 249 letters, digits, . _ and -",
    ),
    r"^[^@\s]+@[^@\s]+$": ("is not a mail address", "such as vigie@example.org"),
    r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$": (
        "is not the name of a bucket",
        "use 3 to 63 of a-z, 0-9, . and -",
    ),
    r"^(\[[0-9A-Fa-f:.]+\]|[^\s:/,\[\]]+):\d{1,5}$": ("is not HOST:PORT", "such as redpanda:9092"),
}
"""Pattern: what a text without that form is not, and the remedy."""


def form_problem(pattern: str, text: object) -> tuple[str, str | None]:
    """Return what is wrong with a text that does not have the form of a pattern, and the remedy."""
    what, remedy = FORMS.get(pattern, (f"does not have the form {pattern}", None))
    if pattern.startswith("^/") and isinstance(text, str) and text[:1] != "/":
        remedy = (
            f"write only its path, {urlsplit(text).path or '/'}; the server is in the site file"
            if text.startswith(("http://", "https://"))
            else f"write /{text}"
        )
    elif remedy == "such as redpanda:9092" and isinstance(text, str) and text.isascii():
        remedy = f"write {text}:9092" if text and not set(text) & set(":/, ") else remedy
    return f"{text!r} {what}", remedy


def with_port(address: str) -> str:
    """Return an address as it is; raises `ValueError` where its port is none.

    What stands there is not said: it may be a password.
    """
    netloc = urlsplit(address).netloc if "://" in address else address
    _, colon, port = netloc.rpartition("@")[2].rpartition("]")[2].partition(":")
    if colon and not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= LAST_PORT):
        raise ValueError(f"the port must be a number from 1 to {LAST_PORT}")
    return address
