"""The command line, `neighborhood-api`."""

from neighborhood_api.cli.commands import app

__all__ = ["app"]
