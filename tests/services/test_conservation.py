"""Amounts between two sites are conserved: no unit is made or lost, whatever the network and the machines do.

Both sites are real but for their network: ledgers on a disk, their views, the charter's keys, signed documents. What
either has sent may arrive in any order, twice, late or never; either may die at any moment, also in the middle of an
append; meanwhile its people hold, settle, refund, claw back, move, take, refuse and ask back.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from governance.ledgers import StillClock
from yosegi.app.compose import views
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Conflict, NotFound, YosegiError
from yosegi.exchange import Received
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Listens
from yosegi.governance.grants.grant import Grant, GrantRefused, Tranche, awarded, held, refunded, settled
from yosegi.governance.grants.transfers import Transfer, TransferAnswer, TransferBack
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Entry, Ledger, SqliteStore, StoreFailed, Write
from yosegi.services.grants.service import GrantService
from yosegi.testing.faults import MortalStore, When
from yosegi.testing.federation import CHARTER, TEAM, Federation, Place, address
from yosegi.testing.loop import EPOCH
from yosegi.testing.world import FASTEST
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Ed25519Signer

SITES = ("argonne", "nims")
OFFICER = Session("officer@any", "officer", float("inf"), "")
START = {"argonne": {"samples": 12, "usd": 6}, "nims": {"samples": 8, "usd": 4}}
"""Milli-units, few, so that bounds are met often."""

UNITS = st.sampled_from(["samples", "usd"])


@cache
def founded() -> tuple[Federation, list[Envelope]]:
    """The keys, and the charter and statements under which both sites live."""
    places = {
        name: Place(name, Listens(url=address(name)), country)
        for name, country in zip(SITES, ("US", "JP"), strict=True)
    }
    federation = Federation(places, Path())
    return federation, federation.documents()


class Outside:
    """Where the exchange would be: what is to be sent stands in the ledger, and the test carries it."""

    def posted(self, entries: list[Entry]) -> None:
        """It will be looked for."""


@dataclass
class Half:
    """One of the two sites, which may die and be opened again."""

    name: str
    file: Path
    runner: asyncio.Runner
    clock: StillClock = field(default_factory=StillClock)
    outside: Outside = field(default_factory=Outside)
    deaths: int = 0

    def open(self) -> None:
        self.clock.time = EPOCH
        self.store = MortalStore(SqliteStore(self.file, durable=False))
        signer = founded()[0].signer(self.name)
        opening = Ledger.open(
            self.store, site=self.name, signer=signer, clock=self.clock, views=views(), code="test", inline=True
        )
        self.ledger = self.runner.run(opening)
        registry = Registry(self.name, self.ledger, self.clock)
        for document in founded()[1]:
            self.runner.run(registry.accept(document, by="test"))
        channels, by = cast("Any", self.outside), cast("Ed25519Signer", signer)
        self.grants = GrantService(self.name, self.ledger, self.clock, by, registry, channels)
        self.keys = registry.keys_of

    def doom(self, when: When) -> None:
        """Let it die at its next commit."""
        self.store._die_at, self.store._when = self.store.commits + 1, when

    def died(self) -> None:
        """Everything in memory is gone; it is started again."""
        self.deaths += 1
        self.close()
        self.open()

    def close(self) -> None:
        with suppress(YosegiError):
            self.ledger.close()
        self.store.close()

    def sent(self) -> list[Entry]:
        """Every document this site has ever sent, whether it arrived or not."""
        return [entry for entry in self.ledger.scan() if entry.facts.get("send", {}).get("to") in SITES]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.ledger.query(f"SELECT * FROM {table}")

    def total(self) -> Counter[str]:
        """What this site's grants amount to, by unit."""
        found: Counter[str] = Counter()
        for row in self.rows("grant_tranches"):
            found[row["unit"]] += row["amount"]
        return found


class Conservation(RuleBasedStateMachine):
    """See the module."""

    @initialize(newest_first=st.booleans())
    def begin(self, newest_first: bool) -> None:
        self.newest_first = newest_first
        self.folder = tempfile.TemporaryDirectory(dir=FASTEST)
        self.runner = asyncio.Runner()
        self.halves = {name: Half(name, Path(self.folder.name) / f"{name}.db", self.runner) for name in SITES}
        self.clawed: Counter[str] = Counter()
        self.kept: dict[tuple[str, str], tuple[str, int]] = {}
        """What each task holds at each site: unit and milli-units."""
        for name, half in self.halves.items():
            half.open()
            tranche = Tranche(id="all", amounts=Amounts(START[name]))
            grant = Grant(id=f"g-{name}", charter=CHARTER, team=TEAM, funder=name, title="T", tranches=(tranche,))
            assert self.write(name, awarded(grant))
        for name, other in (SITES, SITES[::-1]):
            self.give(name, "all", other, {"samples": "0.002"})
            self.all_arrives(name)

    # -- doing ----------------------------------------------------------------------------------------------------

    def insist(self, name: str, work: Any) -> Any:
        """What a person at a site does, once more after it died of it; None where the site refuses it.

        Whoever sees a command fail with its site looks first whether it was done: `None` says only that this is not
        known to have been done now.
        """
        half = self.halves[name]
        try:
            return self.runner.run(work(half))
        except StoreFailed:
            half.died()
            return None
        except (GrantRefused, NotFound, Conflict):
            return None

    def write(self, name: str, draft: Draft) -> bool:
        """Append to the site's grant; whether it is known to be there."""

        async def append(half: Half) -> bool:
            write = Write(f"grant/g-{name}", None, (draft,), charter=CHARTER, actor=name)
            await half.ledger.append(write)
            return True

        return bool(self.insist(name, append))

    def follow(self, name: str, task: str) -> None:
        """Look at the record for what a task holds and spent, as a site does that was started again."""
        half = self.halves[name]
        rows = half.ledger.query("SELECT unit, held, spent FROM grant_draws WHERE task = ?", (task,))
        state = half.ledger.query("SELECT state FROM grant_holds WHERE task = ?", (task,))
        self.kept.pop((name, task), None)
        if state and state[0]["state"] == "held":
            self.kept[name, task] = (rows[0]["unit"], sum(row["held"] for row in rows))

    @rule(name=st.sampled_from(SITES), task=st.sampled_from("uvwxyz"), unit=UNITS, milli=st.integers(1, 4),
          refund=st.booleans())  # fmt: skip
    def work(self, name: str, task: str, unit: str, milli: int, refund: bool) -> None:
        """A task begins; or, if it runs, ends: refunded, or charged so much."""
        if (name, task) in self.kept:
            self._end(name, task, milli, refund)
            return
        free = self.free(name, unit)
        done = self.write(name, held(f"g-{name}", TEAM, task, Amounts({unit: milli})))
        assert not (done and milli > free)
        self.follow(name, task)

    def _end(self, name: str, task: str, spent: int, refund: bool) -> None:
        unit, kept = self.kept[name, task]
        draft = (
            refunded(f"g-{name}", task, "") if refund else settled(f"g-{name}", task, "done", Amounts({unit: spent}))
        )
        before = self.spent_at(name)
        self.write(name, draft)
        self.follow(name, task)
        after = self.spent_at(name)
        if (name, task) in self.kept:
            assert after == before
        else:
            assert after - before == Counter({unit: 0 if refund else spent}) - Counter()
            assert refund or spent <= kept

    @rule(name=st.sampled_from(SITES), unit=UNITS, milli=st.integers(1, 4),
          data=st.data())  # fmt: skip
    def claw_back(self, name: str, unit: str, milli: int, data: st.DataObject) -> None:
        tranche = data.draw(st.sampled_from(self.tranches(name)))
        before = self.halves[name].total()
        self.insist(
            name,
            lambda half: half.grants.claw_back(f"g-{name}", tranche, Amounts({unit: milli}).decimals(), "", OFFICER),
        )
        self.clawed += before - self.halves[name].total()

    @rule(name=st.sampled_from(SITES), unit=UNITS, milli=st.integers(1, 4),
          data=st.data())  # fmt: skip
    def move(self, name: str, unit: str, milli: int, data: st.DataObject) -> None:
        tranche = data.draw(st.sampled_from(self.tranches(name)))
        self.give(name, tranche, SITES[1 - SITES.index(name)], Amounts({unit: milli}).decimals())

    def give(self, name: str, tranche: str, other: str, amounts: dict[str, str]) -> None:
        self.insist(
            name, lambda half: half.grants.move(f"g-{name}", tranche, other, f"g-{other}", amounts, "", OFFICER)
        )

    @rule(name=st.sampled_from(SITES), accepted=st.sampled_from([True, True, False]), data=st.data())
    def answer(self, name: str, accepted: bool, data: st.DataObject) -> None:
        waiting = [row for row in self.halves[name].rows("grant_moves") if row["state"] == "offered"]
        if waiting:
            row = data.draw(st.sampled_from(waiting))
            self.insist(name, lambda half: half.grants.answer(row["peer"], row["move"], accepted, "", OFFICER))

    @rule(name=st.sampled_from(SITES), overtakes=st.booleans(), data=st.data())
    def ask_back(self, name: str, overtakes: bool, data: st.DataObject) -> None:
        """And, where it overtakes all that is under way, the answer to it too."""
        waiting = [row for row in self.halves[name].rows("grant_moves") if row["state"] == "asked"]
        if waiting:
            row = data.draw(st.sampled_from(waiting))
            self.insist(name, lambda half: half.grants.take_back(row["peer"], row["move"], OFFICER))
            for sender in (name, row["peer"]) if overtakes else ():
                if sent := self.halves[sender].sent():
                    self.deliver(sender, sent[-1])

    # -- going wrong ----------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(SITES), which=st.lists(st.integers(0, 30), min_size=1, max_size=4))
    def arrive(self, name: str, which: list[int]) -> None:
        """Any documents that the site has ever sent: late, again, before those that were sent earlier."""
        sent = self.halves[name].sent()
        for number in which:
            if sent:
                self.deliver(name, sent[-1 - number % len(sent)])

    @rule(name=st.sampled_from(SITES))
    def all_arrives(self, name: str) -> None:
        """What a good line does: everything in its order, some of it again."""
        for entry in self.halves[name].sent():
            self.deliver(name, entry)

    def deliver(self, name: str, entry: Entry) -> None:
        document = Envelope.read((entry.body or {})["document"])
        to = str(entry.facts["send"]["to"])
        grants = self.halves[to].grants
        kind, handler = {
            Transfer.payload_type: (Transfer, grants.on_transfer),
            TransferBack.payload_type: (TransferBack, grants.on_back),
            TransferAnswer.payload_type: (TransferAnswer, grants.on_answer),
        }[document.payload_type]
        keys = self.halves[to].keys(CHARTER, name)
        opened = kind.open(document, keys, now=self.halves[to].clock.now(), to=to, charter=CHARTER, sender=name)
        self.insist(to, lambda half: handler(Received(opened, document, None, name, CHARTER)))

    @rule(name=st.sampled_from(SITES), when=st.sampled_from(["now", "before", "after"]))
    def dies(self, name: str, when: str) -> None:
        """Now, or with its next commit: before it is durable, or after it and before anybody heard of it."""
        if when == "now":
            self.halves[name].died()
        else:
            self.halves[name].doom(cast("When", when))

    # -- what must be true ----------------------------------------------------------------------------------------

    def tranches(self, name: str) -> list[str]:
        return sorted({str(row["tranche"]) for row in self.halves[name].rows("grant_tranches")})

    def free(self, name: str, unit: str) -> int:
        rows = [row for row in self.halves[name].rows("grant_tranches") if row["unit"] == unit]
        return sum(int(row["amount"] - row["held"] - row["spent"]) for row in rows)

    def spent_at(self, name: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for row in self.halves[name].rows("grant_tranches"):
            found[row["unit"]] += row["spent"]
        return found

    def under_way(self) -> Counter[str]:
        """What has left one site and is not in the other's books yet."""
        found: Counter[str] = Counter()
        for name, other in (SITES, SITES[::-1]):
            there = {r["move"]: r["state"] for r in self.halves[other].rows("grant_moves") if r["way"] == "in"}
            for row in self.halves[name].rows("grant_moves"):
                if row["way"] == "out" and row["state"] == "asked" and there.get(row["move"]) != "taken":
                    found.update(json.loads(row["amounts"]))
        return found

    @invariant()
    def no_unit_is_made_or_lost(self) -> None:
        if hasattr(self, "halves"):
            given = Counter(START["argonne"]) + Counter(START["nims"])
            have = self.halves["argonne"].total() + self.halves["nims"].total() + self.under_way()
            assert have + self.clawed == given

    @invariant()
    def what_is_held_and_spent_is_covered_and_stays(self) -> None:
        for name in SITES if hasattr(self, "halves") else ():
            rows = self.halves[name].rows("grant_tranches")
            assert all(0 <= row["held"] + row["spent"] <= row["amount"] for row in rows)
            kept: Counter[str] = Counter()
            for (site, _), (unit, milli) in self.kept.items():
                if site == name:
                    kept[unit] += milli
            assert Counter({u: sum(r["held"] for r in rows if r["unit"] == u) for u in ("samples", "usd")}) == kept

    @invariant()
    def both_tell_the_same_of_a_move_that_is_over(self) -> None:
        if hasattr(self, "halves"):
            for name, other in (SITES, SITES[::-1]):
                there = {r["move"]: r["state"] for r in self.halves[other].rows("grant_moves") if r["way"] == "in"}
                for row in self.halves[name].rows("grant_moves"):
                    if row["way"] == "out" and row["state"] != "asked":
                        assert there[row["move"]] == {"accepted": "taken", "back": "refused"}[row["state"]]

    def teardown(self) -> None:
        """In the end everything that was sent arrives, and nothing stays under way."""
        if not hasattr(self, "halves"):
            return
        try:
            self._come_to_rest()
            self.no_unit_is_made_or_lost()
            self.both_tell_the_same_of_a_move_that_is_over()
            assert not self.under_way()
            for half in self.halves.values():
                for _ in half.ledger.check():
                    pass
        finally:
            for half in self.halves.values():
                half.close()
            self.runner.close()
            self.folder.cleanup()

    def _come_to_rest(self) -> None:
        """Nobody dies any more, every move is asked back, and everything that was ever sent arrives."""
        for half in self.halves.values():
            half.store._die_at = 0
            for row in half.rows("grant_moves"):
                if row["way"] == "out" and row["state"] == "asked":
                    self.runner.run(half.grants.take_back(row["peer"], row["move"], OFFICER))
        for name in SITES * 2:
            for entry in sorted(self.halves[name].sent(), key=lambda e: e.sequence, reverse=self.newest_first):
                self.deliver(name, entry)


TestConservation = Conservation.TestCase
TestConservation.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
