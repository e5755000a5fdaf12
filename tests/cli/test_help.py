from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from cli.asking import yosegi
from yosegi.cli import main
from yosegi.cli.main import VERBS


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


EVERY = dict(commands(main))


@pytest.mark.parametrize("verb", VERBS)
def test_the_list_of_verbs_says_what_each_says_of_itself(verb: str) -> None:
    said = (EVERY[(verb,)].help or "").partition("\n\n")[0]
    assert VERBS[verb][1] == " ".join(said.split())


HEAVY = {"aiohttp", "cedarpy", "fastapi", "numpy", "scipy", "sqlite3", "uvicorn"}


@pytest.mark.parametrize("line", [("--help",), ("--version",), ("task", "--help"), ("campaign", "show", "--help")])
def test_what_needs_no_site_imports_none(line: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom yosegi.cli import main\n"
        f"try:\n    main({list(line)})\nfinally:\n    print('|', *sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert HEAVY.isdisjoint(done.stderr.split())


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_teaches(path: tuple[str, ...]) -> None:
    command = EVERY[path]
    result = yosegi(*path, "--help")
    assert result.exit_code == 0
    assert "\\b" not in result.output, "a mark for the formatter is shown to the reader"
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
