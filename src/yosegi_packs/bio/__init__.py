"""Biotechnology: strain design by flux balance, with the cobra library (`pip install yosegi[bio]`)."""

from yosegi_packs.bio.succinate import Succinate, core, genome

__all__ = ["Succinate", "core", "genome"]
