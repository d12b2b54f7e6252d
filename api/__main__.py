"""`python -m api`."""

from api.cli import serve

serve()
