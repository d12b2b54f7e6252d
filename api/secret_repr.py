"""What must stand in no log: values whose `repr` tells nothing of them."""


def redacted(self: object) -> str:
    """For `__repr__`: the type alone."""
    return f"{type(self).__name__}(…)"
