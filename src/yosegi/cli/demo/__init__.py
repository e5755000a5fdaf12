"""`yosegi demo`: a federation of three sites on this machine, and a campaign to its answer."""

from yosegi.cli.demo.command import demo

__all__ = ["demo"]
