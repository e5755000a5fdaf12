from __future__ import annotations

import inspect
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.asking import pi, yosegi
from processes.sites import Town
from yosegi.cli import main
from yosegi.cli._lazy import LazyGroup
from yosegi.cli.main import VERBS
from yosegi.cli.output import STATUS
from yosegi.trust.signer import Ed25519Signer


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


LAZY = {path: command for path, command in EVERY.items() if isinstance(command, LazyGroup)}


@pytest.mark.parametrize("path", LAZY, ids=" ".join)
def test_a_group_says_of_its_commands_what_they_say_of_themselves(path: tuple[str, ...]) -> None:
    told = {name: sentence for name, (_, sentence) in LAZY[path].elsewhere.items()}
    helps = {name: (EVERY[(*path, name)].help or "").partition("\n\n")[0] for name in told}
    assert told == {name: " ".join(said.split()) for name, said in helps.items()}
    assert all(f"  {name} " in yosegi(*path, "--help").output for name in told)


HEAVY = {
    "aiohttp", "cedarpy", "fastapi", "jinja2", "numpy", "scipy", "sqlite3", "uvicorn",
    "yosegi.app.compose", "yosegi.app.settings", "yosegi.execution", "yosegi.governance", "yosegi.ledger",
}  # fmt: skip
"""What a site is made of."""
ASKING = {"asyncio", "cryptography", "http.client", "pydantic", "rich", "ssl", "yosegi.client.client"}
"""What asking a running site takes, or telling its answer."""
UNASKED = {"asyncio", "email.mime", "jsonschema_rs", "webbrowser", "yosegi.core.contract", "yosegi.trust.messages"}
"""What a command that asks for a list needs no more of than a site."""


def run(code: str) -> set[str]:
    """What is imported when a program has run in a process of its own."""
    code = (
        "import sys\nfrom yosegi.cli import main\n"
        f"try:\n    {code}\nfinally:\n    print('|', *sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert "|" in done.stderr, done.stderr
    return set(done.stderr.rpartition("|")[2].split())


def imported(*line: object) -> set[str]:
    """What a command imports."""
    return run(f"main({[str(word) for word in line]})")


@pytest.mark.parametrize("line", [("--help",), ("--version",)])
def test_listing_the_verbs_imports_none_of_them(line: tuple[str, ...]) -> None:
    found = imported(*line)
    assert (HEAVY | ASKING).isdisjoint(found)


def test_the_help_of_a_command_imports_nothing_of_what_it_does() -> None:
    lines = [[*path, "--help"] for path in EVERY]
    found = run(f"[main(line, standalone_mode=False) for line in {lines}]")
    assert (HEAVY | ASKING | {"yosegi.planner", "yosegi.trust.keys"}).isdisjoint(found)


def test_settings_are_read_without_what_a_site_is_made_of() -> None:
    found = run("import yosegi.app.settings")
    assert (HEAVY - {"yosegi.app.settings", "yosegi.execution", "yosegi.governance"}).isdisjoint(found)


def test_the_kinds_of_engines_are_listed_without_what_they_do() -> None:
    found = imported("engine", "list")
    assert "yosegi.execution.engines.iri.engine" in found
    assert {"aiohttp", "cedarpy", "fastapi", "numpy", "yosegi.app.settings"}.isdisjoint(found)


def test_a_ledger_is_audited_without_planner_policies_and_network(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('site = "argonne"\nlisten = "127.0.0.1:1"\n')
    found = imported("audit", "verify", tmp_path) | run("import yosegi.verification.ledger_export")
    assert "yosegi.verification.ledger_audit" in found
    assert {"aiohttp", "cedarpy", "numpy", "scipy", "yosegi.planner", "yosegi.app.compose"}.isdisjoint(found)


def test_a_site_that_is_put_together_and_calls_nobody_imports_no_http_client() -> None:
    assert "aiohttp" not in run("import yosegi.app.compose")


def test_accounts_are_listed_without_the_settings_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('site = "argonne"\nlisten = "127.0.0.1:1"\n')
    assert HEAVY.isdisjoint(imported("site", "account", "list", "--home", tmp_path))


def test_at_eighty_columns_no_help_is_cut_and_no_line_is_longer() -> None:
    said = {path: CliRunner().invoke(main, [*path, "--help"], terminal_width=80).output for path in EVERY}
    long = [line for text in said.values() for line in text.splitlines() if len(line) > 80]
    assert long == []
    cut = [
        line for path, command in EVERY.items() if isinstance(command, click.Group)
        for line in said[path].splitlines() if line.endswith("...") and not line.startswith("Usage")
    ]  # fmt: skip
    assert cut == []


@pytest.mark.processes
@pytest.mark.parametrize("line", [("campaign", "list"), ("task", "list"), ("site", "notices")], ids=" ".join)
def test_a_command_that_asks_for_a_list_imports_what_its_answer_needs_alone(town: Town, line: tuple[str, ...]) -> None:
    found = imported(*line, *pi(town))
    assert "yosegi.client.client" in found
    assert (HEAVY | UNASKED).isdisjoint(found)


@pytest.mark.processes
@pytest.mark.parametrize(
    "line", [("campaign", "show", "toy"), ("capability", "list"), ("policy", "access")], ids=" ".join
)
def test_asking_a_running_site_imports_none_of_what_a_site_is_made_of(town: Town, line: tuple[str, ...]) -> None:
    found = imported(*line, *pi(town))
    assert "yosegi.client.client" in found
    assert HEAVY.isdisjoint(found)


def test_a_home_is_asked_for_the_address_of_its_site_without_all_of_its_settings(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    Ed25519Signer.generate().save(tmp_path / "people" / "pi@argonne.key")
    (tmp_path / "site.toml").write_text('site = "argonne"\nlisten = "127.0.0.1:1"\n')
    found = imported("campaign", "list", "--home", tmp_path)
    assert "yosegi.client.client" in found
    assert HEAVY.isdisjoint(found)


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


COMMANDS = [path for path, command in EVERY.items() if not isinstance(command, click.Group)]


def example(path: tuple[str, ...]) -> list[str]:
    """The words of the example in a command's help, without `yosegi`."""
    told = inspect.cleandoc(EVERY[path].help or "").replace("\\\n", " ").splitlines()
    (line,) = [line for line in told if line.startswith("Example: ")]
    program, *words = shlex.split(line.removeprefix("Example: "))
    assert program == "yosegi"
    return words


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_one_example_and_it_can_be_called_so(
    path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The files that it names are not here, and nobody types a passphrase.
    monkeypatch.setattr(click.Path, "convert", lambda self, value, parameter, context: Path(value))
    monkeypatch.setattr(click.core, "prompt", lambda *_, **__: "")
    words = example(path)
    named: click.Command = main
    context = main.make_context("yosegi", list(words))
    while isinstance(named, click.Group):
        name, found, words = named.resolve_command(context, words)
        assert found is not None
        named, context = found, found.make_context(name, list(words), parent=context)
    assert named is EVERY[path]


ENDS_BY_ITSELF = [path for path in COMMANDS if path not in {("demo",), ("mcp",), ("sign-in",), ("sign-out",)}]


@pytest.mark.parametrize("path", ENDS_BY_ITSELF, ids=" ".join)
def test_every_command_called_where_nothing_is_ends_with_a_listed_status_and_says_it_as_json(
    path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("YOSEGI_HOME", "YOSEGI_URL", "YOSEGI_PERSON", "YOSEGI_PASSPHRASE", "YOSEGI_AGENT"):
        monkeypatch.delenv(name, raising=False)
    words, options = example(path), {parameter.name for parameter in EVERY[path].params}
    nobody = ("--url", "http://127.0.0.1:9", "--as", "pi@argonne", "--passphrase", "x") if "person" in options else ()
    with_json = ("--json",) if "json_" in options else ()
    result = yosegi(*words, *nobody, *with_json, given="")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in {0, 1, *STATUS.values()}, result.output
    if with_json and result.exit_code == 0:
        json.loads(result.stdout)
    elif with_json and not result.stdout:
        code = json.loads(result.stderr.splitlines()[-1])["error"]["code"]
        assert STATUS.get(code, 1) == result.exit_code
    elif with_json:
        # What was asked for and is not as it should be: the answer says so.
        assert result.exit_code == 1
        json.loads(result.stdout)


@pytest.mark.parametrize("path", COMMANDS)
def test_an_unknown_option_is_refused_with_usage(path: tuple[str, ...]) -> None:
    result = yosegi(*path, "--no-such-option")
    assert result.exit_code == 2
    assert "no-such-option" in result.stderr
