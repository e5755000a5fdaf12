"""Mandates over time: a token is minted exactly while the mandate and all it was cut from live, and outlives none."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from governance.ledgers import StillClock
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Conflict
from yosegi.governance.mandates.delegation import Delegation
from yosegi.governance.mandates.mandate import Mandate, MandateRefused, Right
from yosegi.governance.mandates.view import MandatesView
from yosegi.ledger import Ledger, SqliteStore
from yosegi.testing.world import FASTEST
from yosegi.trust.document import SKEW
from yosegi.trust.signer import Ed25519Signer
from yosegi.trust.token import LONGEST, Token

HOME = Ed25519Signer.from_seed(bytes([1]) * 32)
AGENT = Ed25519Signer.from_seed(bytes([2]) * 32).public
NAMES = st.sampled_from(("own", "agent", "sub", "other"))
CUT = {"own": "", "agent": "", "sub": "agent", "other": ""}
DEPTH = {"own": 0, "agent": 1, "sub": 2, "other": 1}


class Life(RuleBasedStateMachine):
    """Given, cut, cancelled; days and minutes pass; the site is started again; owners ask for tokens."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=FASTEST)
        self.runner, self.clock = asyncio.Runner(), StillClock()
        self.ends: dict[str, datetime] = {}
        self.cancelled: set[str] = set()
        self._open()

    def _open(self) -> None:
        store = SqliteStore(Path(self.folder.name) / "ledger.db", durable=False)
        opening = Ledger.open(store, site="argonne", signer=HOME, clock=self.clock, views=[MandatesView()], inline=True)
        self.ledger = self.runner.run(opening)
        self.delegation = Delegation("argonne", self.ledger, HOME, self.clock, lambda charter, institution: False)

    def lives(self, name: str) -> bool:
        """By the rule as people know it."""
        chain = [one for one in (name, CUT[name]) if one]
        return all(one in self.ends and one not in self.cancelled and self.clock.time < self.ends[one] for one in chain)

    @rule(name=NAMES, minutes=st.integers(1, 60))
    def give(self, name: str, minutes: int) -> None:
        parent = CUT[name]
        mandate = Mandate(
            charter="demo", id=name, home="argonne", person="pi@argonne", team="colour", depth=DEPTH[name],
            agent=None if name == "own" else name, agent_key=None if name == "own" else AGENT, parent=parent or None,
            right=Right(capabilities=("nims/*",), purposes=("research",), budget=Amounts({"samples": 1})),
            issued=self.clock.time, not_after=self.clock.time + timedelta(minutes=minutes),
        )  # fmt: skip
        may = name not in self.ends and (not parent or (self.lives(parent) and mandate.not_after <= self.ends[parent]))
        try:
            self.runner.run(self.ledger.append(self.delegation.give(mandate, "pi@argonne")))
        except (MandateRefused, Conflict):
            assert not may
        else:
            assert may
            self.ends[name] = mandate.not_after

    @rule(name=NAMES)
    def cancel(self, name: str) -> None:
        if name in self.ends:
            self.runner.run(self.ledger.append(self.delegation.cancel(name, "", "pi@argonne")))
            self.cancelled |= {name, *(one for one, above in CUT.items() if above == name and one in self.ends)}

    @rule(seconds=st.integers(1, 1800))
    def time_passes(self, seconds: int) -> None:
        self.clock.time += timedelta(seconds=seconds)

    @rule()
    def the_site_is_started_again(self) -> None:
        self.ledger.close()
        self._open()

    @rule(name=NAMES, owner=st.sampled_from(("nims", "riken")))
    def an_owner_asks(self, name: str, owner: str) -> None:
        try:
            token = Token.peek(self.delegation.token(name, owner))
        except MandateRefused:
            assert not self.lives(name)
            return
        assert self.lives(name)
        assert (token.mandate, token.audience, token.person) == (name, owner, "pi@argonne")
        assert token.issued <= self.clock.time < token.not_after <= self.ends[name]
        # By any honest clock it is over ten minutes after it was given at the latest.
        assert token.not_after + SKEW <= token.issued + LONGEST

    @invariant()
    def whether_it_lives_is_told_alike(self) -> None:
        for name in CUT if hasattr(self, "delegation") else ():
            assert (self.delegation.over(name) is None) == self.lives(name)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.ledger.close()
            self.runner.close()
            self.folder.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
