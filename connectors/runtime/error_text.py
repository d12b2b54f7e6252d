"""The texts of errors, as they may stand in a message to people."""


def one_line(text: str | bytes, longest: int = 200) -> str:
    """A text on one line of at most `longest` characters."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(plain.split())[:longest]


def root_cause(error: BaseException) -> str:
    """What the first error of a chain says: the operating system's words where it has some.

    Clients of HTTP wrap it in texts with addresses, statements and memory addresses.
    """
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return getattr(error, "strerror", None) or one_line(str(error)) or type(error).__name__
