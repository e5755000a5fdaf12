"""What one retrospective run leaves behind, and the file of such lines that makes a long comparison resumable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Run:
    """One planner on one pool from one set of random starts. Every metric is computed from these, later.

    Attributes:
        study: `single`, `batch`, `sources` or `transfer`.
        data: name of the pool, with the study's variant after a colon.
        planner: name of the planner.
        seed: decides the starts and the planner's own random numbers.
        starts: how many of `order` were drawn at random before the planner was asked.
        order: candidates in the order in which they were measured.
        seconds: wall time of each call of the planner.
        count: proposals asked for in a call.
        finished: whether the run ended because there was nothing left to find.
        version: of the planner: its distribution's version, or a digest of its source.
        until: `all`, or `first` where the run was ended at the first of the top 1 % to save time.
        extra: what a study keeps besides (costs, sources).
    """

    study: str
    data: str
    planner: str
    seed: int
    starts: int
    order: list[int]
    seconds: list[float]
    count: int = 1
    finished: bool = False
    version: str = ""
    until: str = "all"
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str, int]:
        return (self.study, self.data, self.planner, self.seed)


def path_of(study: str, planner: str) -> Path:
    """One file a study and planner, so that two planners can run at once."""
    return RESULTS / f"{study}-{planner}.jsonl"


def append(run: Run) -> None:
    """Add a run to its file, whole or not at all to a later reader."""
    path = path_of(run.study, run.planner)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(run), separators=(",", ":")) + "\n")


def read(study: str | None = None) -> list[Run]:
    """All runs, the last of each key: a run made again replaces the older one."""
    latest: dict[tuple[str, str, str, int], Run] = {}
    for path in sorted(RESULTS.glob(f"{study or '*'}-*.jsonl")):
        for run in _lines(path):
            latest[run.key] = run
    return list(latest.values())


def compact(study: str, planner: str) -> None:
    """Keep the last run of each key in the file, in the order of data and seed."""
    path = path_of(study, planner)
    latest = {run.key: run for run in _lines(path)}
    lines = [json.dumps(asdict(latest[key]), separators=(",", ":")) + "\n" for key in sorted(latest)]
    path.write_text("".join(lines), encoding="utf-8")


def _lines(path: Path) -> Iterator[Run]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield Run(**json.loads(line))
        except json.JSONDecodeError:  # the last line of an interrupted write; its run is made again
            continue
