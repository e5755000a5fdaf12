from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from yosegi.cli._files import check_outputs
from yosegi.cli.main import main
from yosegi.cli.output import Failed, explained
from yosegi.core.errors import Invalid
from yosegi.core.files import write_file, written


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("x,y\n1,2\n")
    return path


@pytest.mark.parametrize("link", ["same", "relative", "symlink", "hardlink"])
def test_an_output_is_never_an_input_by_any_name(mine: Path, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = mine.with_name("out.csv")
    monkeypatch.chdir(mine.parent)
    if link == "same":
        out = mine
    elif link == "relative":
        out = Path("mine.csv")
    elif link == "symlink":
        out.symlink_to(mine)
    else:
        out.hardlink_to(mine)
    with pytest.raises(Invalid, match="it is a file that this command reads"):
        check_outputs({"--out": out}, [mine], overwrite=True)


def test_two_outputs_are_never_one_file(tmp_path: Path) -> None:
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(Invalid, match="--out names the same file"):
        check_outputs({"--out": tmp_path / "a", "--draw": tmp_path / "b"}, [], overwrite=True)


def test_a_file_that_is_there_is_replaced_only_when_told(mine: Path) -> None:
    with pytest.raises(Invalid, match=r"it exists already.*--overwrite"):
        check_outputs({"--out": mine}, [], overwrite=False)
    check_outputs({"--out": mine}, [], overwrite=True)
    with pytest.raises(Invalid, match="it exists already"):
        write_file(mine, b"new")
    assert mine.read_bytes() == b"x,y\n1,2\n"
    write_file(mine, b"new", overwrite=True)
    assert mine.read_bytes() == b"new"


@pytest.mark.parametrize(("name", "says"), [("", "it is a folder"), ("none/out.csv", "its folder does not exist")])
def test_a_place_that_is_none_is_refused_before_the_work(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        check_outputs({"--out": tmp_path / name}, [], overwrite=True)


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Invalid, match=r"it cannot be written \(No space left on device\)"):
        write_file(mine, b"new", overwrite=True)
    assert mine.read_bytes() == b"x,y\n1,2\n"
    assert list(mine.parent.iterdir()) == [mine]


def test_a_disk_without_links_gets_the_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    out = tmp_path / "out.csv"
    write_file(out, b"new")
    assert out.read_bytes() == b"new"
    with pytest.raises(Invalid, match="it exists already"):
        write_file(out, b"newer")


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        check_outputs({"--out": pipe}, [], overwrite=False)
        write_file(pipe, b"new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_symbolic_link_is_followed_and_stays(mine: Path) -> None:
    link = mine.with_name("link.csv")
    link.symlink_to(mine)
    write_file(link, b"new", overwrite=True)
    assert link.is_symlink()
    assert mine.read_bytes() == b"new"


def test_permissions_of_a_replaced_file_stay_and_a_new_one_follows_the_umask(mine: Path) -> None:
    mine.chmod(0o640)
    write_file(mine, b"new", overwrite=True)
    before = os.umask(0o027)
    try:
        write_file(mine.with_name("new.csv"), b"new")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(mine.with_name(name).stat().st_mode) for name in ("mine.csv", "new.csv")]
    assert modes == [0o640, 0o640]


CHARTER = """
id = "pair"
title = "Two laboratories"
"""


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_command_writes_over_what_it_reads_and_over_what_is_there_only_when_told(
    tmp_path: Path, overwrite: bool
) -> None:
    source, there = tmp_path / "charter.toml", tmp_path / "there.json"
    source.write_text(CHARTER)
    there.write_text("mine")
    told = ("--overwrite",) if overwrite else ()
    reads = CliRunner().invoke(main, ["charter", "init", str(source), "--out", str(source), *told])
    assert reads.exit_code != 0
    assert "a file that this command reads" in reads.stderr
    assert source.read_text() == CHARTER
    if not overwrite:
        refused = CliRunner().invoke(main, ["charter", "init", str(source), "--out", str(there)])
        assert refused.exit_code != 0
        assert "it exists already" in refused.stderr
        assert there.read_text() == "mine"


def test_what_was_broken_off_leaves_what_was_there(mine: Path) -> None:
    def break_off() -> None:
        with written(mine, overwrite=True) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert mine.read_text() == "x,y\n1,2\n"
    assert [path.name for path in mine.parent.iterdir()] == ["mine.csv"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_does_not_take_a_write_is_told_in_a_sentence(number: int) -> None:
    """An error of a write, unlike one of an opening, names no file (Python's documentation of `OSError.filename`)."""

    @explained
    def write() -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(Failed, match=f"the disk is unavailable: {os.strerror(number)}"):
        write()
