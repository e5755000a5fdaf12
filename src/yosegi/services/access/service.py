"""The access log: who came in and who did not, and what was taken away, as entries of the ledger at a bounded rate.

Accounts and settings are files of the home: what changed in them is recorded when the site notices, with the site as
actor, since whoever can write there is known to the operating system alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.clock import Clock, timestamp
from yosegi.core.errors import Unavailable
from yosegi.core.supervision import TaskScope
from yosegi.identity.access_entries import (
    ACCOUNTS,
    EXPORTED,
    READ,
    SETTINGS,
    SIGN_IN_FAILED,
    account_changed,
    exported,
    omitted,
    read_object,
    settings_changed,
    sign_in_failed,
    stream_of,
)
from yosegi.identity.accounts import Account, Session
from yosegi.ledger import Draft, Ledger, Write
from yosegi.services.access.rate import EntryBudget

log = logging.getLogger("yosegi.access")

MOST = {SIGN_IN_FAILED: 60, EXPORTED: 600, READ: 600}
"""Entries of a type that are written within an hour; a stranger who guesses adds at most 60 kB an hour."""
LOOK = 60.0
"""Seconds between two looks at accounts, and at what was counted."""


@dataclass
class AccessLog:
    """Writes what has to be on record of access.

    Args:
        accounts: those of now.
        settings: what is recorded of the settings, field by field; nothing where there is no home.
    """

    site: str
    ledger: Ledger
    clock: Clock
    accounts: Mapping[str, Account]
    settings: Mapping[str, Any]
    scope: TaskScope
    _budgets: dict[str, EntryBudget] = field(default_factory=lambda: {t: EntryBudget(n) for t, n in MOST.items()})

    async def start(self) -> None:
        """Record what changed in accounts and settings while the site did not run, and look at them from now on."""
        await self._record_settings()
        await self._record_accounts()
        self.scope.repeat("access log", self._round)

    async def sign_in_failed(self, person: str, reason: str, address: str) -> None:
        """Somebody did not get in. A ledger that records nothing keeps nobody from trying again."""
        known = person if person in self.accounts else ""
        log.warning("sign-in refused: %s from %s: %s", known or "no such account", address or "here", reason)
        try:
            await self._note(sign_in_failed(known, reason, address), self.site)
        except Unavailable as error:
            log.warning("a refused sign-in is not on record: %s", error)

    async def exported(self, what: str, name: str, who: Session) -> None:
        """Somebody takes something away.

        Raises:
            Unavailable: it cannot be recorded, and so is not given.
        """
        log.info("%s takes %s %s away", who.person, what, name)
        await self._note(exported(what, name, who.agent), who.person)

    async def read(self, digest: str, sensitivity: str, who: Session) -> None:
        """Somebody reads an object; those that are public are not recorded.

        Raises:
            Unavailable: it cannot be recorded, and so is not given.
        """
        if sensitivity != "public":
            log.info("%s reads the %s object %s", who.person, sensitivity, digest)
            await self._note(read_object(digest, sensitivity, who.agent), who.person)

    async def _note(self, draft: Draft, actor: str) -> None:
        if self._budgets[draft.type].allows(self.clock.monotonic()):
            await self._append(self._today(), draft, actor)

    async def _append(self, stream: str, draft: Draft, actor: str) -> None:
        await self.ledger.append(Write(stream, None, (draft,), charter="", actor=actor))

    def _today(self) -> str:
        return stream_of(timestamp(self.clock.now())[:10])

    async def _round(self) -> bool:
        await self.clock.sleep(LOOK)
        await self._record_accounts()
        for kind, budget in self._budgets.items():
            if count := budget.omitted(self.clock.monotonic()):
                await self._append(self._today(), omitted(kind, count), self.site)
        return True

    async def _record_accounts(self) -> None:
        recorded = {entry.facts["person"]: entry.facts for entry in self.ledger.read(ACCOUNTS)}
        for person in sorted({*recorded, *self.accounts}):
            state, before = _state(self.accounts.get(person)), recorded.get(person)
            if what := _difference(before, state):
                log.warning("account %s: %s", person, what)
                await self._append(ACCOUNTS, account_changed(person, what, state), self.site)

    async def _record_settings(self) -> None:
        if not self.settings:
            return
        entries = self.ledger.read(SETTINGS)
        before = (entries[-1].body or {}).get("settings", {}) if entries else {}
        changed = sorted(name for name in {*before, *self.settings} if before.get(name) != self.settings.get(name))
        if changed:
            await self._append(SETTINGS, settings_changed(changed, self.settings), self.site)


def _state(account: Account | None) -> dict[str, Any]:
    """What is recorded of an account: nothing that signs in."""
    if account is None:
        return {"role": "", "open": False, "credentials": ""}
    return {"role": account.role, "open": not account.disabled, "credentials": account.credentials}


def _difference(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str:
    """What happened to an account since it was recorded; empty if nothing did."""
    if before is None:
        return "opened"
    if before["open"] != now["open"]:
        return "opened" if now["open"] else "closed"
    changed = [name for name in ("role", "credentials") if before[name] != now[name]]
    return " and ".join(changed)
