"""What about a batch engine's settings does not fit its contracts or this machine; nothing is opened or submitted."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid, Unavailable
from yosegi.core.filesystems import LOCAL, kind_at
from yosegi.execution.engines.batch import helper
from yosegi.execution.engines.batch.accounts import AccountMapFile
from yosegi.execution.engines.batch.dialects import accounts_of, refuse_shared_pilot
from yosegi.execution.engines.batch.settings import BatchSettings
from yosegi.execution.engines.plugin import EngineConcern

SUBMITS = {"slurm": "sbatch", "pjm": "pjsub", "pbs": "qsub", "lsf": "bsub"}
"""The command by which each scheduler is given a job."""
_MOST_USERS = 1000
"""Users of an account map that are looked for: each may be a question to a directory."""
_PATIENCE = 10.0
"""Seconds that the helper may take to say its use."""
MARGIN = 30.0
"""Seconds that a job has to begin and to write down its outcome, beyond what its task may take."""


def examine(settings: BatchSettings, contracts: Mapping[str, Contract] | None) -> Iterator[EngineConcern]:
    """All that does not fit, what keeps the site from starting and what only warns; see `registry.examined`."""
    yield from misfits(settings, contracts) if contracts is not None else ()
    yield from _accounts(settings)
    yield from _folder(settings)
    yield from _programs(settings)


def misfits(settings: BatchSettings, contracts: Mapping[str, Contract]) -> Iterator[EngineConcern]:
    """Job templates of what is not published, and jobs beyond the caps."""
    for name in sorted(set(settings.jobs) - set(contracts)):
        published = f"it publishes {', '.join(sorted(contracts)) or 'nothing'}"
        yield EngineConcern(("jobs", name), f"{name} is not among what it publishes", published)
    for contract in contracts.values():
        template, seconds = settings.template(contract.name), wall_seconds(settings, contract)
        if (pilot := settings.pilot) is not None:
            # Its tasks are no jobs: a pilot is, in the queue that they name.
            template, seconds = template.model_copy(update={"node_count": pilot.nodes}), pilot.seconds
        if broken := settings.caps.broken_by(template, seconds):
            whose = f"a {'job' if pilot is None else 'pilot'} of {contract.name}"
            yield EngineConcern((), f"{whose} {broken}", "lower the one or raise the other")


def wall_seconds(settings: BatchSettings, contract: Contract) -> float:
    """Seconds of wall time that a job of a capability asks for."""
    grace = settings.stop_grace_seconds if contract.stop_grace is None else contract.stop_grace
    return contract.time_limit + grace + settings.start_seconds + MARGIN


def _accounts(settings: BatchSettings) -> Iterator[EngineConcern]:
    field = ("helper",) if settings.helper and not settings.accounts else ("accounts",)
    try:
        known = accounts_of(settings)
        users = known.users() if isinstance(known, AccountMapFile) else ()
        if strangers := [user for user in users[:_MOST_USERS] if not _is_here(user)]:
            why = f"{', '.join(strangers[:8])}: no such user on this machine"
            yield EngineConcern(("accounts",), why, "jobs for whom they stand are refused", fatal=False)
    except (Invalid, Unavailable) as error:
        yield EngineConcern(field, str(error))
    try:
        refuse_shared_pilot(settings)
    except Invalid as error:
        yield EngineConcern(("pilot",), str(error))
    if settings.helper:
        yield from _out_of_reach(settings)
    if settings.helper and (why := _refusal_of(settings.helper)):
        yield EngineConcern(("helper",), why, "see docs/how-to/account-map.md", fatal=False)


def _out_of_reach(settings: BatchSettings) -> Iterator[EngineConcern]:
    """What a job needs and other users cannot come to, as a folder above it is closed to them."""
    needed = {"folder": [settings.folder], "python": [settings.python], "import_path": settings.import_path}
    for field, names in needed.items():
        for place in (Path(name) for name in names):
            # A link leads elsewhere, so both ways must be open: a virtual environment's Python is one.
            above = {*place.parents, *place.resolve().parents}
            closed = sorted(one for one in above if one.is_dir() and not one.stat().st_mode & stat.S_IXOTH)
            if closed:
                why = f"users of the account map may not come to {place}: {closed[0]} is closed to them"
                yield EngineConcern((field,), why, "put it where they can read it", fatal=False)


def _is_here(user: str) -> bool:
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False


def _refusal_of(command: Sequence[str]) -> str:
    """Why a helper would do nothing for this process's user; empty if it would: asked for nothing, it says its use."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
            timeout=_PATIENCE,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it cannot be called ({error})"
    said = done.stderr.strip().rpartition("\n")[2]
    return "" if helper.USAGE in said else f"it does nothing for this user: {said[:300] or f'status {done.returncode}'}"


def _folder(settings: BatchSettings) -> Iterator[EngineConcern]:
    folder = settings.spool()
    # Where it would be made if it is not there yet: the nearest folder above it that is.
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield EngineConcern(("folder",), f"{there} cannot be written by this user", "give it to the site's user")
    kind, mounted = kind_at(folder)
    if kind in LOCAL:
        why = f"{folder} lies on a disk of this machine alone ({kind}, mounted at {mounted}), which nodes may not see"
        todo = "name a folder of the file system that the nodes share, unless they mount this one too"
        yield EngineConcern(("folder",), why, todo, fatal=False)


def _programs(settings: BatchSettings) -> Iterator[EngineConcern]:
    command = SUBMITS[settings.dialect]
    # With a helper it is root's path that counts, in the helper's own table.
    if not settings.helper and shutil.which(command, path=_path(settings)) is None:
        why = f"there is no {command} in the PATH of this command"
        yield EngineConcern(("dialect",), why, "the site's own PATH must have it", fatal=False)
    if Path(settings.python).is_absolute() and shutil.which(settings.python) is None:
        why = f"{settings.python} is no program on this machine"
        yield EngineConcern(("python",), why, "it must be one on the nodes", fatal=False)


def _path(settings: BatchSettings) -> str | None:
    return settings.variables.get("PATH")
