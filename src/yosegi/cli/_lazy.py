"""Groups of commands: listed with whole sentences, and imported when they are called and not when another is."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class WholeGroup(click.Group):
    """A group that lists its commands with their first sentence whole, over several lines if need be."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.sentence_of(ctx, name)) for name in self.list_commands(ctx)])

    def sentence_of(self, ctx: click.Context, name: str) -> str:
        """What a command says of itself, in a sentence."""
        command = self.get_command(ctx, name)
        return "" if command is None else command.get_short_help_str(_UNCUT)


_UNCUT = 1_000


class LazyGroup(WholeGroup):
    """A group some of whose commands stand in modules that need much of the program.

    Args:
        elsewhere: where such a command is, `module:attribute`, and the first sentence of its help, by its name: so that
            listing the group imports none of them.
    """

    def __init__(self, *args: Any, elsewhere: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, by name."""
        return sorted({*super().list_commands(ctx), *self.elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        return imported(self.elsewhere[cmd_name][0])

    def sentence_of(self, ctx: click.Context, name: str) -> str:
        """What a command says of itself, in a sentence; none is imported for it."""
        if name in self.elsewhere:
            return click.Command(name, help=self.elsewhere[name][1]).get_short_help_str(_UNCUT)
        return super().sentence_of(ctx, name)


def imported(where: str) -> click.Command:
    """The command that stands at `module:attribute`."""
    module, _, attribute = where.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command
