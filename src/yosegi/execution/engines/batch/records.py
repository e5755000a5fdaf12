"""What a site knows of its jobs, durable before a scheduler is called: one file a job, in a folder of the site's own.

A job's name follows from site, key, attempt and submission, so whatever was lost, the name is known again.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Literal

from pydantic import Field

from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid
from yosegi.core.values import Value
from yosegi.execution.engines.batch import job_files

JobState = Literal["submitting", "submitted", "never_began", "ended"]


def job_name(site: str, key: str, attempt: int, submission: int) -> str:
    """A name for one submission: `y` and 26 of a-z and 2-7, from SHA-256. It fits every scheduler and tells nothing."""
    told = json.dumps([site, key, attempt, submission]).encode()
    return "y" + base64.b32encode(hashlib.sha256(told).digest()).decode()[:26].lower()


class JobUsage(Value):
    """What the scheduler counted for one job.

    Args:
        queued: seconds between its submission and its start; None where the scheduler does not tell.
        seconds: that it had its nodes.
        gpus: on all its nodes together.
        joules: its energy, where the scheduler measures it.
    """

    queued: float | None = None
    seconds: float
    nodes: int
    gpus: int = 0
    joules: float | None = None


class JobRecord(Value):
    """One submission of a task.

    Args:
        name: its name at the scheduler, and of its folder.
        submission: 1 for the first of an attempt; another is made only where the one before is proved never to begin.
        asked_at: when it was submitted, POSIX seconds by the site's clock.
        job: the scheduler's number for it, if it has told one.
        user: whose job it is; empty for the site's own user.
        project: that is charged; empty for the template's.
        outcome: how it ended.
        usage: what the scheduler counted, once it has told.
        note: why it never began.
    """

    format: Literal["yosegi.batch.job.v1"] = "yosegi.batch.job.v1"
    name: str
    key: str
    attempt: int
    submission: int
    state: JobState
    asked_at: float
    job: str = ""
    user: str = ""
    project: str = ""
    outcome: Outcome | None = Field(default=None)
    usage: JobUsage | None = Field(default=None)
    note: str = ""


class JobRecords:
    """The records of one engine.

    Args:
        folder: the engine's own, which no job can write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self) -> None:
        """Make the folder.

        Raises:
            OSError: it cannot be made.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, record: JobRecord) -> JobRecord:
        """Keep a record, durably.

        Raises:
            OSError: it could not be kept; the one before is there still.
        """
        job_files.write(self._folder / f"{record.name}.json", record.model_dump(mode="json", exclude_none=True))
        return record

    def get(self, name: str) -> JobRecord | None:
        """The record of a name; None if there is none.

        Raises:
            OSError, Invalid: it cannot be read.
        """
        data = job_files.read_bytes(self._folder / f"{name}.json")
        return None if data is None else JobRecord.read(data, what=f"the record of job {name}")

    def of_task(self, site: str, key: str, attempt: int) -> list[JobRecord]:
        """The submissions of an attempt, in order.

        Raises:
            OSError, Invalid: one cannot be read.
        """
        found: list[JobRecord] = []
        for submission in count(1):
            record = self.get(job_name(site, key, attempt, submission))
            if record is None:
                return found
            found.append(record)
        raise AssertionError  # count(1) does not end

    def ended(self) -> Iterator[JobRecord]:
        """Every record of a job that is over; one that cannot be read is left out."""
        for path in sorted(self._folder.glob("y*.json")):
            try:
                record = self.get(path.stem)
            except (OSError, Invalid):
                continue
            if record is not None and record.state in ("never_began", "ended"):
                yield record
