"""Files that a command writes: never over what it reads, over what is there only when told."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from yosegi.cli.output import explained
from yosegi.core.errors import Invalid
from yosegi.core.files import OVERWRITE, write_file

T = TypeVar("T")
_OVERWRITE = "yosegi.overwrite"


def check_outputs(outputs: Mapping[str, Path | None], inputs: Sequence[Path], overwrite: bool) -> None:
    """Refuse outputs before any work is done for them.

    Args:
        outputs: where each is to be written, by the option that names it; None where it was not asked for.
        inputs: files that the command reads.
        overwrite: whether files that are there may be replaced; an input may not even then.

    Raises:
        Invalid: an output is an input (by another name or link too), another output, there already, a folder, or in
            no folder.
    """
    wanted = {option: path for option, path in outputs.items() if path is not None}
    seen: dict[str, Path] = {}
    for option, path in wanted.items():
        if any(_same(path, other) for other in inputs):
            raise Invalid(f"{option} {path}", "it is a file that this command reads", "Choose another name")
        for before, other in seen.items():
            if _same(path, other):
                raise Invalid(f"{option} {path}", f"{before} names the same file", "Choose another name for one")
        seen[option] = path
        _check_place(option, path, overwrite)


def _check_place(option: str, path: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise Invalid(f"{option} {path}", "it is a folder", "Name a file in it")
    if not path.resolve().parent.is_dir():
        raise Invalid(f"{option} {path}", "its folder does not exist", "Make the folder first, or choose another")
    if path.is_file() and not overwrite:
        raise Invalid(f"{option} {path}", "it exists already", OVERWRITE)


def _same(one: Path, other: Path) -> bool:
    """Whether two names lead to one file, through links of either kind, or would."""
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return one.resolve() == other.resolve()


def output(required: bool = True, help: str = "The file to write.") -> Callable[[Callable[..., T]], Callable[..., T]]:
    """The options `--out` and `--overwrite`: before a command does anything it is seen whether it may write there.

    It may not write over a file that it reads, by whatever name, nor over one that is there, unless it is told.
    """

    def decorate(command: Callable[..., T]) -> Callable[..., T]:
        @click.option("--out", type=click.Path(path_type=Path), required=required, help=help)
        @click.option("--overwrite", is_flag=True, help="Replace the file of --out where there is one.")
        @functools.wraps(command)
        def checked(*args: Any, overwrite: bool, **options: Any) -> T:
            context = click.get_current_context()
            context.meta[_OVERWRITE] = overwrite
            explained(check_outputs)({"--out": options["out"]}, list(_inputs(context)), overwrite)
            return command(*args, **options)

        return checked

    return decorate


def write_output(path: Path, data: bytes) -> None:
    """Write what a command with `output` was asked for.

    Raises:
        Invalid: as `write_file`.
    """
    write_file(path, data, may_overwrite())


def may_overwrite() -> bool:
    """Whether the command was told to replace what is there."""
    context = click.get_current_context(silent=True)
    return bool(context is not None and context.meta.get(_OVERWRITE))


def _inputs(context: click.Context) -> Iterator[Path]:
    """The files that a command was given to read."""
    for parameter in context.command.params:
        if isinstance(parameter.type, click.Path) and parameter.name not in (None, "out"):
            given = context.params.get(str(parameter.name))
            yield from (Path(one) for one in (given if isinstance(given, tuple) else (given,)) if one is not None)
