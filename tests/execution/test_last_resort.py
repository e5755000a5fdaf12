"""A stop is kept in a file of last resort, also where the disk has no room left."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from yosegi.execution.last_resort import SIZE, LastResort, UnrecordedStop

STOP = UnrecordedStop(word="abort", by="pi@argonne", reason="smoke", at="2026-04-01T00:00:00Z")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=8", "none", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small disk to fill needs the right to mount one")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(folder: Path) -> None:
    with (folder / "full").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_stop_is_kept_until_it_is_cleared(tmp_path: Path) -> None:
    path = tmp_path / "stop.json"
    assert LastResort(path).keep(STOP)
    assert LastResort(path).read() == STOP
    LastResort(path).clear()
    assert LastResort(path).read() is None


def test_a_stop_is_kept_on_a_disk_that_has_become_full(small_disk: Path) -> None:
    path = small_disk / "stop.json"
    LastResort(path).prepare()
    fill(small_disk)
    assert LastResort(path).keep(STOP)
    assert LastResort(path).read() == STOP
    LastResort(path).clear()
    assert LastResort(path).read() is None


def test_a_disk_that_was_full_before_keeps_none_and_says_so(small_disk: Path) -> None:
    fill(small_disk)
    last = LastResort(small_disk / "stop.json")
    last.prepare()
    assert not last.keep(STOP)


def test_where_the_file_cannot_be_read_everything_stops_safely(tmp_path: Path) -> None:
    path = tmp_path / "stop.json"
    path.write_bytes(STOP.to_bytes()[:20].ljust(SIZE))
    found = LastResort(path).read()
    assert found is not None
    assert found.word == "safe_stop"


def test_the_file_is_its_owners_alone_and_as_large_as_it_ever_will_be(tmp_path: Path) -> None:
    path = tmp_path / "stop.json"
    mask = os.umask(0)
    try:
        LastResort(path).prepare()
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o600
    assert LastResort(path).keep(STOP)
    assert path.stat().st_size == SIZE
