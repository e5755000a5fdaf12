"""What the engine needs of a batch scheduler: four verbs. A dialect says them in one scheduler's commands.

A dialect tells what it was told and concludes nothing: that a job is missing from an answer means only that.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from yosegi.core.errors import Unavailable
from yosegi.execution.engines.batch.job_spec import JobSpec
from yosegi.execution.engines.process import _system

_MOST = 16 * 1024 * 1024
_AT_ONCE = 8
_LAST_BREATH = 5.0
"""Seconds in which a program that was killed must be gone."""


class JobPhase(Enum):
    """What a scheduler says of a job, as far as all schedulers say it."""

    QUEUED = "queued"
    HELD = "held"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class JobSighting:
    """What a scheduler said of one job.

    Args:
        job: its number there; may be used again for another job.
        name: its name, by which it was asked for.
        state: the scheduler's own word.
        submitted: when it was submitted, POSIX seconds; None where it is not told.
        started: when its nodes were given to it; None before, or where it is not told.
        ended: when it ended; None before, or where it is not told.
        nodes: it has or asks for.
        gpus: on all its nodes together.
        joules: its energy, where the scheduler measures it.
        words: for people: why it waits, or how it ended.
        over_time: whether it was ended as its wall time was over.
        unfit: whether it will never start, by what the scheduler says.
        lost_node: whether it ended because of its nodes or the scheduler, through no fault of its own.
    """

    job: str
    name: str
    phase: JobPhase
    state: str
    submitted: float | None = None
    started: float | None = None
    ended: float | None = None
    nodes: int = 1
    gpus: int = 0
    joules: float | None = None
    words: str = ""
    over_time: bool = False
    unfit: bool = False
    lost_node: bool = False

    @property
    def seconds(self) -> float | None:
        """How long it had its nodes; None while that is not known."""
        return None if self.started is None or self.ended is None else max(0.0, self.ended - self.started)


@dataclass(frozen=True, slots=True)
class SubmitAnswer:
    """What came of submitting.

    Args:
        job: its number; empty unless it was accepted.
        refused: whether the scheduler said no for certain. Neither accepted nor refused: it may have been accepted.
        words: what it said.
    """

    job: str = ""
    refused: bool = False
    words: str = ""


class Dialect(Protocol):
    """One scheduler's way to say the four verbs."""

    name: str
    save_window: float
    """Seconds for which a job that was accepted may be unknown to the scheduler, e.g. after it was started again."""

    def script(self, spec: JobSpec) -> str:
        """The script of a job; all that is asked for stands in it."""
        ...

    async def submit(self, spec: JobSpec, user: str = "") -> SubmitAnswer:
        """Submit a job, as a user of the machine if one is named. Never raises: an error is not a refusal."""
        ...

    async def look_up(self, jobs: Mapping[str, str], users: Sequence[str] = ()) -> Mapping[str, Sequence[JobSighting]]:
        """What is known of jobs; a name may be missing, or have several.

        Args:
            jobs: the number of each by its name, empty where it is not known. A number alone identifies nothing.
            users: whose jobs they are; none for this process's own user.

        Raises:
            Unavailable: the scheduler did not answer; nothing is known.
        """
        ...

    async def cancel(self, jobs: Iterable[JobSighting], user: str = "") -> None:
        """Ask that jobs be ended. Only a later look tells whether they were.

        Raises:
            Unavailable: the scheduler did not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """How a command of a scheduler ended."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """What it said, in one bounded line."""
        return " ".join((self.err or self.out).split())[:500] or f"exit status {self.status}"

    @property
    def complaints(self) -> list[str]:
        """The lines that it wrote on standard error, in lower case."""
        return [line.lower() for line in self.err.splitlines() if line.strip()]

    def unavailable(self, command: str) -> Unavailable:
        """That the command did not tell, and is to be asked again."""
        return Unavailable(command, self.said, "it is asked again")

    def json(self, command: str) -> dict[str, Any]:
        """The JSON object that it wrote; an empty one where it wrote nothing, or another value.

        Raises:
            Unavailable: it is no JSON.
        """
        if not self.out.strip():
            return {}
        try:
            told = json.loads(self.out, strict=False)
        except ValueError:
            raise Unavailable(command, "its answer is no JSON", "it is asked again") from None
        return told if isinstance(told, dict) else {}


class Commands:
    """Runs a scheduler's commands, with a short list of variables and a time limit.

    Args:
        patience: seconds that one may take.
        variables: that are set beside PATH and the scheduler's own configuration.
        helper: the command that does a verb as another user (`helper.py`); empty where all is done as this one.
    """

    _KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "USER", "LOGNAME", "SLURM_CONF")

    def __init__(
        self, *, patience: float = 60.0, variables: Mapping[str, str] | None = None, helper: Sequence[str] = ()
    ) -> None:
        self._patience, self._helper = patience, tuple(helper)
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._variables = {n: os.environ[n] for n in self._KEPT if n in os.environ} | dict(variables or {})

    async def verb(
        self, argv: Sequence[str], verb: str, words: Sequence[str], *, given: str = "", user: str = ""
    ) -> CommandAnswer:
        """Run a command as this process's user, or as another: then the helper builds the command itself.

        Raises:
            Unavailable: as `run`; or there is no helper.
        """
        if not user:
            return await self.run(argv, given=given)
        if not self._helper:
            raise Unavailable("the batch helper", "none is named, and a job is to run as another user", "set `helper`")
        return await self.run([*self._helper, verb, user, *words], given=given)

    async def run(self, argv: Sequence[str], *, given: str = "") -> CommandAnswer:
        """Run a command to its end, beside a few others: two hundred at once would hold up a login node.

        Raises:
            Unavailable: it is not installed, or took too long.
        """
        async with self._at_once:
            return await self._run(argv, given)

    async def _run(self, argv: Sequence[str], given: str) -> CommandAnswer:
        try:
            return await run_command(argv, given, patience=self._patience, variables=self._variables)
        except OSError as error:
            raise Unavailable(argv[0], f"it cannot be run ({error})", "is the scheduler installed here?") from None


async def run_command(
    argv: Sequence[str], given: str, *, patience: float, variables: Mapping[str, str] | None = None
) -> CommandAnswer:
    """Run a program to its end, in a session of its own; one that takes too long ends with all that it began.

    Args:
        argv: the program and its arguments.
        given: what it reads.
        patience: seconds that it may take.
        variables: its environment; None for this process's own.

    Raises:
        OSError: it cannot be run.
        Unavailable: it took too long.
    """
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=variables, start_new_session=True,
    )  # fmt: skip
    over = False
    try:
        async with asyncio.timeout(patience):
            out, err = await process.communicate(given.encode())
        over = True
    except TimeoutError:
        raise Unavailable(argv[0], f"no answer in {patience:g} seconds") from None
    finally:
        if not over:
            # What it began may hold its pipes open. One of another user's cannot be ended from here: it is left.
            _system.kill_group(process.pid, signal.SIGKILL)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_BREATH):
                    await process.wait()
    text = (part[:_MOST].decode(errors="replace") for part in (out, err))
    return CommandAnswer(process.returncode or 0, *text)
