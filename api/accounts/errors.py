"""Errors of accounts and logins; their messages are for whoever asked."""


class LoginRefused(Exception):
    """The name or the password is wrong; the message does not say which."""


class CodeNeeded(LoginRefused):
    """The password is right, and the account has a second factor whose code is missing or wrong."""


class TooManyAttempts(Exception):
    """There were too many failed logins; `wait` is the number of seconds until the next try."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many failed logins; try again in {wait} s")
        self.wait = wait


class AccountError(Exception):
    """An account cannot be made or changed like this."""


class NameTaken(AccountError):
    """Another account has the name, or a definition speaks of it."""

    def __init__(self, username: str) -> None:
        super().__init__(f"the name {username!r} is taken; choose another")


class LastAdmin(AccountError):
    """The change would leave nobody who may change accounts."""

    def __init__(self) -> None:
        super().__init__("nobody would be left who may change accounts; make another admin first")
