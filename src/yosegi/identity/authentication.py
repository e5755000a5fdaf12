"""Authentication: who somebody proves to be, by a passphrase or by a key.

Passphrases are hashed in threads of their own, two at a time, so that neither the event loop nor other work waits for
people who guess; everything else happens on the loop, which alone changes state. Whoever signed in from the same
address before has a third thread and does not wait behind strangers; the places of those who wait are shared out
between persons, and addresses that were wrong lately leave half of them free.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from yosegi.core.clock import Clock
from yosegi.core.errors import Refused, Unavailable
from yosegi.core.used_once import Use, UsedOnce
from yosegi.identity.accounts import Account, Role
from yosegi.identity.throttle import Throttle
from yosegi.trust.document import SKEW
from yosegi.trust.earlier_uses import EarlierUses
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey
from yosegi.trust.login import Login
from yosegi.trust.passphrase import check_passphrase

LOGIN_LIFE = timedelta(minutes=10)
"""How long what is signed to sign in may count; what counts longer is refused."""
MOST_WAITING = 64
"""Passphrases that wait to be hashed at once; more are asked to come again."""
MOST_WAITING_OF_PERSON = 16
"""Of them, for one person; whoever guesses at one name from many addresses takes no more places."""
MOST_REMEMBERED = 10_000
"""Logins by key of one person, or of one of their agents, that are remembered, so that none is used twice.

More within some minutes are refused."""

Offload = Callable[..., Awaitable[Any]]
BEHIND_OTHERS = 5
"""By how much the niceness of threads that hash passphrases of strangers is above the process's.

Hashing holds no lock of Python's and takes a whole core; with as many guesses as cores the thread that answers calls
would wait for its turn at each of them."""


def give_way() -> None:
    """Have this thread leave processor time to all others, where the system counts niceness by thread."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + BEHIND_OTHERS)


_THREADS = ThreadPoolExecutor(2, thread_name_prefix="sign-in", initializer=give_way)
_KNOWN = ThreadPoolExecutor(1, thread_name_prefix="sign-in-known")


async def in_own_threads(work: Callable[..., Any], *args: Any) -> Any:
    """Do blocking work in the threads of sign-in, which no other work uses."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work, *args)


async def in_thread_of_the_known(work: Callable[..., Any], *args: Any) -> Any:
    """The same for those who signed in from the same address before."""
    return await asyncio.get_running_loop().run_in_executor(_KNOWN, work, *args)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Who somebody has proved to be.

    Args:
        person: the account.
        role: what they may do at this site.
        agent: the program that acts for the person, if one does.
        mandate: what the agent acts under.
        issuer: the institution's provider that vouched for the person, where there is no account here.
    """

    person: str
    role: Role
    agent: str = ""
    mandate: str = ""
    issuer: str = ""
    credentials: str = ""
    """Of the account, when they signed in: another passphrase or key ends what was begun with this one."""


@dataclass
class Authenticator:
    """Knows accounts, agents' keys and who has been wrong lately.

    Args:
        agents: the key of a person's agent under each of its living mandates.
        refuses: the reason code for which a person, or their agent, may not be here now, whoever they prove to be;
            empty if they may. The agent's name is empty for the person.
        offload: runs a blocking hash elsewhere.
        offload_known: the same for those who signed in from the same address before, where nobody else waits.
    """

    site: str
    clock: Clock
    accounts: Mapping[str, Account]
    agents: Callable[[str, str], Mapping[str, PublicKey]]
    refuses: Callable[[str, str], str]
    offload: Offload = in_own_threads
    offload_known: Offload = in_thread_of_the_known
    called: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When an agent last called, by its member and its mandate; since the site started."""
    _throttle: Throttle = field(default_factory=Throttle)
    _waiting: Counter[str] = field(default_factory=Counter)
    """Passphrases that wait to be hashed, by person; those of known addresses are not counted."""
    _used: UsedOnce = field(init=False)
    _earlier: EarlierUses = field(init=False)

    def __post_init__(self) -> None:
        self._used = UsedOnce(self.clock, LOGIN_LIFE + 2 * SKEW, MOST_REMEMBERED)
        self._earlier = EarlierUses(self.clock, LOGIN_LIFE, lag=SKEW)

    async def by_passphrase(self, person: str, passphrase: str, address: str = "") -> Authenticated:
        """Who signs in with a passphrase.

        Args:
            person: the account.
            passphrase: as typed.
            address: the network address it comes from.

        Raises:
            Refused: no such account, a wrong passphrase, or too many wrong ones lately; which, is not said.
            Unavailable: too many sign in at once.
        """
        now, known = self.clock.monotonic(), self._throttle.knows(person, address)
        if not known and self._is_full(person, address, now):
            raise Unavailable("signing in", "too many people sign in at once", "try again in a few seconds")
        account = self.accounts.get(person)
        stored = account.passphrase if account else None
        fits = False
        if self._throttle.allows(person, address, now):
            fits = await self._fits(person, passphrase, stored, known)
        # The account may have been closed or changed while its passphrase was hashed.
        if not fits or account is None or self.accounts.get(person) != account:
            raise Refused(f"signing in as {person}", ("sign_in_failed",))
        self._throttle.succeeded(person, address)
        return self._let_in(Authenticated(person, account.role, credentials=account.credentials))

    def _is_full(self, person: str, address: str, now: float) -> bool:
        """Whether an attempt from an address that is not known finds no place to wait."""
        places = MOST_WAITING // 2 if self._throttle.doubts(address, now) else MOST_WAITING
        return self._waiting.total() >= places or self._waiting[person] >= MOST_WAITING_OF_PERSON

    async def _fits(self, person: str, passphrase: str, stored: str | None, known: bool) -> bool:
        """Whether a passphrase is the account's; one that does not exist takes as long."""
        if known:
            return bool(await self.offload_known(check_passphrase, passphrase, stored))
        self._waiting[person] += 1
        try:
            return bool(await self.offload(check_passphrase, passphrase, stored))
        finally:
            self._waiting[person] -= 1
            if not self._waiting[person]:
                del self._waiting[person]

    def by_key(self, body: bytes) -> Authenticated:
        """Who signs in with a signed `Login`.

        Raises:
            Refused: not signed by a key of the account or agent, for another site, out of date, used before, or signed
                before this site was started, which does not know whether it was used.
        """
        envelope = Envelope.read(body, what="a login")
        claimed = Login.peek(envelope)
        refused = Refused(f"signing in as {claimed.person}", ("sign_in_failed",))
        account = self.accounts.get(claimed.person)
        held = self.agents(claimed.person, claimed.agent) if claimed.agent is not None else {}
        own = account.keys if account is not None and claimed.agent is None else tuple(held.values())
        try:
            login = Login.open(envelope, {key.key_id: key for key in own}, now=self.clock.now())
        except Untrusted:
            raise refused from None
        if login.not_after - login.issued > LOGIN_LIFE or self._earlier.may_hold(login.issued):
            raise refused
        if (
            login.site != self.site
            or self._used.take(f"{login.person} {login.agent or ''}", login.nonce) is not Use.FIRST
        ):
            raise refused
        if login.agent is None and account is not None:
            return self._let_in(Authenticated(account.person, account.role, credentials=account.credentials))
        signed = [signature.key_id for signature in envelope.signatures]
        under = next(mandate for mandate, key in held.items() if key.key_id in signed)
        # An agent acts for its member, and has none of the rights that its member has over this site.
        return self._let_in(Authenticated(login.person, "member", login.agent or "", under))

    def by_agent_key(
        self,
        person: str,
        agent: str,
        signed_by: Callable[[PublicKey], bool],
        *,
        nonce: str,
        issued: datetime,
        mandate: str = "",
    ) -> Authenticated:
        """An agent that proves, in whatever form, to hold the key that a living mandate of its member names.

        Args:
            person: its member.
            agent: its name.
            signed_by: whether a key signed what was brought.
            nonce: makes it count once.
            issued: when it was signed.
            mandate: under which mandate, where the agent's key stands in several; the newest, if none is named.

        Raises:
            Refused: no such key, used before, or signed before this site was started.
        """
        refused = Refused(f"signing in as {agent} of {person}", ("sign_in_failed",))
        held = self.agents(person, agent)
        under = next((name for name, key in held.items() if mandate in ("", name) and signed_by(key)), None)
        if under is None or self._earlier.may_hold(issued):
            raise refused
        if self._used.take(f"{person} {agent}", nonce) is not Use.FIRST:
            raise refused
        return self._let_in(Authenticated(person, "member", agent, under))

    def vouched_for(self, person: str, role: Role, issuer: str) -> Authenticated:
        """Somebody for whom the institution's provider vouches.

        Raises:
            Refused: of an institution that this site does not host (any more).
        """
        return self._let_in(Authenticated(person, role, issuer=issuer))

    def _let_in(self, who: Authenticated) -> Authenticated:
        if code := self.why_ended(who):
            raise Refused(f"signing in as {who.person}", (code,))
        return who

    def still(self, who: Authenticated) -> Authenticated:
        """The same, who wants another session.

        Raises:
            Refused: they may be here no more.
        """
        return self._let_in(who)

    def why_ended(self, who: Authenticated) -> str:
        """The reason code for which somebody who proved who they are may be here no more; empty while they may.

        Their account was closed, disabled or given another passphrase or key, they or their agent are suspended, their
        agent's mandate has ended, or their institution has no place here any more.
        """
        account = self.accounts.get(who.person)
        if account is not None and account.disabled:
            return "account_closed"
        if not who.agent and not who.issuer:
            if account is None:
                return "account_closed"
            if who.credentials and who.credentials != account.credentials:
                return "credentials_changed"
        if who.agent and who.mandate not in self.agents(who.person, who.agent):
            return "mandate_ended"
        return self.refuses(who.person, who.agent)

    def note_call(self, who: Authenticated) -> None:
        """Remember when an agent called."""
        if who.agent:
            self.called[who.person, who.mandate] = self.clock.now()
