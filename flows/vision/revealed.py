"""Connections as plain data, for a pipe and nothing else."""

from typing import Any

from pydantic import BaseModel, SecretStr


def revealed(connection: BaseModel) -> dict[str, Any]:
    """A connection as plain data with its password."""
    found = connection.model_dump()
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in found.items()
    }
