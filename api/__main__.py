"""`python -m api`."""

from api.cli.serve import serve

serve()
