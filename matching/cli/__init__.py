"""The command line: parses, calls the pipeline, prints."""

from matching.cli import accounts, catalogue, keeping, ranking, serving, statistics
from matching.cli.running import main

__all__ = ["accounts", "catalogue", "keeping", "main", "ranking", "serving", "statistics"]
