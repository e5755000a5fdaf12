"""Where the work is done: a copy of the sources and tests, and what earlier runs found out."""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".assure"
"""Results and the copy; not committed. Delete it to begin anew."""
PARTS = ("src", "tests", "pyproject.toml", "README.md")
OTHERS = ("docs", "examples", "benchmarks")
"""What tests read besides; nothing there is changed, so a copy has a link to each."""


def fresh_copy(name: str = "tree") -> Path:
    """A copy of what is tested, in which everything may be changed; compiled, for it is imported hundreds of times."""
    copy = KEPT / name
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("*.egg-info"))
        else:
            shutil.copy2(ROOT / part, copy / part)
    for other in OTHERS:
        (copy / other).symlink_to(ROOT / other)
    compileall.compile_dir(copy, quiet=2, workers=os.cpu_count() or 1)
    return copy


def another_copy(copy: Path, name: str) -> Path:
    """The same again, under another name."""
    other = KEPT / name
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(copy, other, symlinks=True)
    return other


@contextmanager
def altered(files: Iterable[Path]) -> Iterator[None]:
    """These may be written within; afterwards they are as they were, and so is the time by which Python knows whether
    what it compiled is still good."""
    kept = {path: (path.read_bytes(), path.stat()) for path in files}
    try:
        yield
    finally:
        for path, (content, was) in kept.items():
            path.write_bytes(content)
            os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def digest_of(paths: Iterable[Path]) -> str:
    """One digest of several files' or folders' contents."""
    found = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()[:16]


@dataclass
class Found:
    """Results by key, one JSON line each, appended as they come: an interrupted run loses at most the last."""

    path: Path
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            for line in self.path.read_text("utf-8").splitlines():
                row = json.loads(line)
                self.known[row["key"]] = row

    def add(self, key: str, **row: Any) -> dict[str, Any]:
        """Keep one result."""
        self.known[key] = row = {"key": key, **row}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        return row
