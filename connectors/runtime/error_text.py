"""The texts of errors, as they may stand in a message to people."""

from collections.abc import Iterator

EXPIRED, NOT_YET_VALID, OTHER_NAME, OTHER_ADDRESS = 10, 9, 62, 64
"""Codes of OpenSSL's verification of certificates (openssl-verification-options, x509_vfy.h)."""


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


def encryption_fault(error: BaseException) -> str | None:
    """Why there is no encrypted connection, with the remedy; None where another thing failed."""
    import ssl  # late: checking a definition needs this module, and is to be quick

    fault = next((one for one in _causes(error) if isinstance(one, ssl.SSLError)), None)
    if fault is None:
        return None
    return f"no encrypted connection: {_why(fault)}; check ca and url"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it wraps, in the ways of the clients."""
    left, seen = [error], set[int]()
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        wrapped = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        left += [other for other in wrapped if isinstance(other, BaseException)]


def _why(fault: OSError) -> str:
    code = getattr(fault, "verify_code", None)
    if code is None:
        reason = getattr(fault, "reason", None) or one_line(str(fault))
        return f"the two sides agree on none ({reason})"
    said = one_line(getattr(fault, "verify_message", ""))
    if code in (EXPIRED, NOT_YET_VALID):
        return f"{said}; renew it there, or set the clock here"
    if code in (OTHER_NAME, OTHER_ADDRESS):
        return f"{said.rstrip('.')}; write the name that it is for"
    return f"its certificate is not trusted ({said})"
