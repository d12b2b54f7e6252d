"""The settings that the writers of objects share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Where one sink writes: `connection` is the name of its connection in the site file.

    `create` says whether a bucket that is missing is made, `parallel` how many uploads run at the
    same time, `keep_days` after how many days the store deletes the objects.
    """

    connection: str
    bucket: str
    create: bool = True
    parallel: int = 4
    keep_days: int | None = None


def rule_name(flow: str, sink: str) -> str:
    """Under which name a bucket has the life-cycle rule of a sink."""
    return f"vigie-{flow}-{sink}"
