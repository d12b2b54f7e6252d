"""What an account may see."""

from dataclasses import dataclass

PAGE = "page/"


@dataclass(frozen=True)
class Visibility:
    """The `pages` whose alarms and channels an account may see; None means every page."""

    pages: frozenset[str] | None = None

    def allows_page(self, name: str | None) -> bool:
        """Whether the account may see what belongs to a page; what belongs to none is public."""
        return name is None or self.pages is None or name in self.pages

    def allows_channel(self, name: str) -> bool:
        """Whether the account may subscribe to a channel."""
        return self.allows_page(name[len(PAGE) :] if name.startswith(PAGE) else None)


EVERYTHING = Visibility()
PUBLIC_ONLY = Visibility(frozenset())
"""What belongs to no page."""
