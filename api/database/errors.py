"""Why a database cannot be opened."""


class DatabaseError(Exception):
    """The database cannot be used; the message says why, without its password."""
