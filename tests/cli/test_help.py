from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from cli.asking import yosegi
from yosegi.cli import main


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


EVERY = dict(commands(main))


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_teaches(path: tuple[str, ...]) -> None:
    command = EVERY[path]
    result = yosegi(*path, "--help")
    assert result.exit_code == 0
    sentence = (command.help or "").split("\n")[0]
    assert len(sentence.split()) >= 3
    assert sentence[0].isupper()
    assert sentence[-1] in ".:", sentence
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            assert parameter.make_metavar(click.Context(command)).strip("[].") in result.output
        elif isinstance(parameter, click.Option) and parameter.help is None:
            assert parameter.show_default, f"--{parameter.name} is not explained"


@pytest.mark.parametrize("path", [path for path, command in EVERY.items() if not isinstance(command, click.Group)])
def test_an_unknown_option_is_refused_with_usage(path: tuple[str, ...]) -> None:
    result = yosegi(*path, "--no-such-option")
    assert result.exit_code == 2
    assert "no-such-option" in result.stderr
