"""Names of pages and groups."""

from api.pages.errors import Invalid


def check_label(name: str, of: str, longest: int) -> None:
    """Raise `Invalid` for what cannot be the name of a page or group."""
    if not name.strip() or len(name) > longest or not name.isprintable():
        raise Invalid(f"the name of {of} has 1 to {longest} printable characters")
