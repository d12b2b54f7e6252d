"""What a program's token that is limited to some pages does not do."""

from api.accounts.principal import Principal
from api.pages.errors import Denied


def check_unlimited(principal: Principal) -> None:
    """Raise `Denied` for a token that is limited to some pages."""
    if principal.pages is not None:
        raise Denied("a token that is for some pages only makes and shares nothing")
