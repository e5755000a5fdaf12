"""The command line."""

from yosegi.cli.main import main

__all__ = ["main"]
