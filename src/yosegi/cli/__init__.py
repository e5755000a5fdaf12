"""The command line."""

import yosegi.cli._one_thread  # noqa: F401 - before anything that imports NumPy
from yosegi.cli.main import main

__all__ = ["main"]
