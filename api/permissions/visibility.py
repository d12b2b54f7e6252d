"""What an account may see."""

from dataclasses import dataclass

PAGE = "page/"


@dataclass(frozen=True)
class Visibility:
    """`pages` are the pages whose alarms and channels an account may see; None means every page."""

    pages: frozenset[str] | None = None

    def allows_page(self, name: str | None) -> bool:
        """Whether what belongs to a page may be seen; what belongs to none may be."""
        return name is None or self.pages is None or name in self.pages

    def allows_channel(self, name: str) -> bool:
        """Whether a channel may be subscribed to."""
        return self.allows_page(name[len(PAGE) :] if name.startswith(PAGE) else None)


EVERYTHING = Visibility()
PUBLIC_ONLY = Visibility(frozenset())
"""What belongs to no page."""
