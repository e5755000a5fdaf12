"""kill -9 of either site in the middle of a transfer of 20 MB: it goes on where it was and ends right."""

from __future__ import annotations

import hashlib
import random
import time
from pathlib import Path

import pytest

from processes.sites import PATIENCE, TABLE_SOURCE, Town, until
from yosegi.core.errors import Corrupt

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(300)]
SIZE = 20_000_000


def arrived(town: Town) -> int:
    """Bytes of the transfer that are at its home."""
    incoming = town.folder / "argonne" / "objects" / "incoming"
    return max((path.stat().st_size for path in incoming.glob("*.riken")), default=0)


def reaches(town: Town, size: int) -> int:
    """Wait, closely, until so many bytes are there."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (now := arrived(town)) >= size:
            return now
        time.sleep(0.001)
    raise AssertionError(f"only {arrived(town)} bytes came")


def test_a_large_transfer_outlives_both_sites(town: Town, tmp_path: Path) -> None:
    town.campaign("large", TABLE_SOURCE, trials=1)
    reaches(town, 1)
    town.kill("argonne")
    first = arrived(town)
    assert 0 < first < SIZE
    town.start("argonne")
    reaches(town, first + 1)
    town.kill("riken")
    second = arrived(town)
    assert first < second < SIZE
    town.start("riken")

    state = town.ended("large")
    ref = state["trial"][0]["steps"][0]["outputs"]["table"]
    expected = random.Random(state["trial"][0]["values"]["x"]).randbytes(SIZE)
    assert ref["sha256"] == f"sha256:{hashlib.sha256(expected).hexdigest()}"
    until(lambda: town.client("argonne").objects.show(ref["sha256"]).here, "the table is at its home")
    kept = town.client("argonne").objects.get(ref["sha256"], tmp_path / "table")
    assert kept.read_bytes() == expected
    assert not arrived(town)
    frame = town.handle("large").results()
    assert list(frame["tabulate.table"]) == [ref["sha256"]]


def test_people_bring_take_and_are_told_when_bytes_are_wrong(town: Town, tmp_path: Path) -> None:
    objects, file = town.client("argonne").objects, tmp_path / "table.csv"
    file.write_text("a,b\n1,2\n")
    ref = objects.put(file, team="toy-team")
    assert (ref.media_type, ref.size, ref.sensitivity) == ("text/csv", 8, "team")
    assert objects.show(ref.sha256[7:19]).history[0].kind == "object.put"
    assert ref.sha256 in {line.sha256 for line in objects.list()}
    assert objects.get(ref.sha256, tmp_path / "again").read_text() == "a,b\n1,2\n"

    stored = town.folder / "argonne" / "objects" / ref.sha256[7:9] / ref.sha256[7:]
    stored.chmod(0o600)
    stored.write_text("a,b\n9,9\n")
    with pytest.raises(Exception, match=r".") as caught:
        objects.get(ref.sha256, tmp_path / "wrong")
    assert caught.type is Corrupt or "unavailable" in str(caught.value)
    assert not list(tmp_path.glob("wrong*"))
