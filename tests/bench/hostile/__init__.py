"""A hostile client of the api, and what it costs the others."""
