"""Which dialect a batch engine speaks, by its settings."""

from __future__ import annotations

from pathlib import Path

from yosegi.core.clock import Clock
from yosegi.core.errors import Invalid
from yosegi.execution.engines.batch.accounts import AccountMap, AccountMapFile, AccountProgram
from yosegi.execution.engines.batch.dialect import Commands, Dialect
from yosegi.execution.engines.batch.lsf import LsfDialect
from yosegi.execution.engines.batch.pbs import PbsDialect
from yosegi.execution.engines.batch.pilot_dialect import PilotDialect
from yosegi.execution.engines.batch.pjm import PjmDialect
from yosegi.execution.engines.batch.settings import BatchSettings
from yosegi.execution.engines.batch.slurm import SlurmDialect


def accounts_of(settings: BatchSettings) -> AccountMap | None:
    """The account map that the settings name; None where every job runs as the site's own user.

    Raises:
        Invalid: the map does not hold, or there is no helper that could do anything as another user.
        Unavailable: it is not there.
    """
    if not settings.accounts and not settings.accounts_program:
        if settings.helper:
            why = "there is a helper that submits as another user, and no map that says as whom"
            raise Invalid("an account map", why, "set `accounts` or `accounts_program`, or take `helper` away")
        return None
    if settings.dialect in ("pbs", "lsf"):
        why = f"the helper that submits as another user does not speak {settings.dialect}"
        raise Invalid("an account map", why, "have all jobs run as the site's own user")
    if not settings.helper:
        raise Invalid("an account map", "there is no helper that submits as another user", "set `helper`")
    if settings.accounts:
        return AccountMapFile(Path(settings.accounts))
    return AccountProgram(settings.accounts_program, ask=settings.accounts_ask)


def dialect_of(settings: BatchSettings, clock: Clock) -> Dialect:
    """The dialect that the settings name.

    Raises:
        Invalid: pilots under people's own accounts: one job would do the tasks of several people.
    """
    if settings.pilot is None:
        return scheduler_of(settings)
    refuse_shared_pilot(settings)
    return PilotDialect(
        scheduler_of(settings), settings.spool(), settings.pilot, clock, python=settings.python,
        import_path=settings.import_path, setup=settings.setup,
    )  # fmt: skip


def refuse_shared_pilot(settings: BatchSettings) -> None:
    """Let no pilot do tasks under people's own accounts.

    Raises:
        Invalid: one job would do the tasks of several people.
    """
    if settings.pilot is not None and (settings.accounts or settings.accounts_program):
        raise Invalid("a pilot", "does tasks of several people in one job, and an account map is named", "choose one")


def scheduler_of(settings: BatchSettings) -> Dialect:
    """The dialect of the scheduler that the settings name."""
    variables = {"SLURM_TIME_FORMAT": "%s"} | settings.variables
    commands = Commands(patience=settings.command_seconds, variables=variables, helper=settings.helper)
    others: dict[str, type[PjmDialect | PbsDialect | LsfDialect]] = {
        "pjm": PjmDialect, "pbs": PbsDialect, "lsf": LsfDialect,
    }  # fmt: skip
    if settings.dialect in others:
        return others[settings.dialect](commands)
    return SlurmDialect(commands, accounting=settings.accounting)
