"""The command line: parses, calls the pipeline, prints."""

from matching.cli import catalogue, ranking, serving
from matching.cli.running import main

__all__ = ["catalogue", "main", "ranking", "serving"]
