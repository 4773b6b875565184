"""The command line: parses, calls the pipeline, prints."""

from matching.cli.running import main

__all__ = ["main"]
