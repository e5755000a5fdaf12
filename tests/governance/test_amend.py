"""Changing a charter: what changes, who has signed, what is lacking; and a state machine over a charter's life."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from governance.world import DAY, NOW, TEAM, charter, governance_key, member
from yosegi.core.errors import Invalid
from yosegi.governance.charter.amendment import differences, progress, successor
from yosegi.governance.charter.charter import Charter, Threshold, accept, follow
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted

FIRST = charter()


def signed(document: Charter, *sites: str) -> Envelope:
    return document.sign(*(governance_key(site) for site in sites))


def later(current: Charter, **changes: object) -> Charter:
    return successor(current, **({"issued": current.issued + DAY} | changes))


def test_a_successor_follows_its_predecessor():
    second = later(FIRST, title="Second")
    assert (second.version, second.previous, second.title) == (2, FIRST.digest, "Second")
    assert accept(FIRST, signed(second, "argonne", "riken"), NOW) == second


def test_signatures_are_gathered_one_by_one():
    second = later(FIRST, members=(member("argonne"), member("riken", count=3, needed=2), member("nims")))
    envelope = second.sign(governance_key("argonne"), governance_key("riken"))
    found = progress(FIRST, second, envelope)
    assert found.signed == ("argonne",)
    assert found.begun == {"riken": (1, 2)}
    assert found.waiting == ("nims",)
    lacking = [(code, version) for code, _, version in found.lacking]
    assert lacking == [("charter_too_few", 2)], "the old rule is satisfied, the new one is not"
    assert not found.complete
    envelope = envelope.signed_also_by(governance_key("riken", 1))
    assert progress(FIRST, second, envelope).complete
    assert accept(FIRST, envelope, NOW) == second


def test_without_any_signature_everybody_is_waited_for():
    found = progress(None, FIRST, FIRST.sign())
    assert (found.signed, found.waiting) == ((), ("argonne", "nims", "riken"))
    assert not found.complete


def test_a_strangers_signature_is_no_progress():
    with pytest.raises(Untrusted):
        progress(None, FIRST, signed(FIRST, "ornl"))


def test_the_differences_are_read_before_signing():
    second = later(
        FIRST,
        threshold=Threshold(members=3),
        members=(member("argonne", name="Argonne"), member("riken"), member("ornl")),
        teams=(TEAM.model_copy(update={"sites": ("argonne", "riken"), "people": ("pi@argonne",)}),),
    )
    assert differences(FIRST, second) == [
        "threshold: members 2, per country 1 becomes members 3, per country 1",
        "member nims leaves",
        "member ornl joins",
        "member argonne: name: ARGONNE becomes Argonne",
        "team fusion leaves",
        "team colour: sites: without nims",
        "team colour: people: without student@argonne; without operator@nims",
    ]
    assert differences(FIRST, FIRST) == []


def test_a_change_of_keys_names_each_key_as_its_officer_reads_it_aloud():
    old, new = governance_key("argonne").public, governance_key("argonne", 7).public
    second = later(FIRST, members=(member("argonne", keys=(new,)), member("riken"), member("nims")))
    assert differences(FIRST, second) == [
        f"member argonne: keys: without ed25519 {old.fingerprint}; with ed25519 {new.fingerprint}"
    ]


def test_a_site_that_was_away_follows_every_version_though_some_have_ended():
    # TUF specification 1.0.33, 5.3.10: expiry is checked after the last version.
    versions = [FIRST]
    for year in range(1, 4):
        start = FIRST.issued + timedelta(days=360 * year)
        versions.append(successor(versions[-1], issued=start, expires=start + 365 * DAY))
    chain = [signed(version, "argonne", "riken") for version in versions]
    now = versions[-1].issued + DAY
    assert follow(None, chain, now) == versions[-1]
    assert follow(FIRST, chain[1:], now) == versions[-1]
    for broken, reason in (
        (chain[:2], "charter_expired"),
        ([chain[0], *chain[2:]], "charter_gap"),
        ([*chain, chain[1]], "charter_rolled_back"),
    ):
        with pytest.raises(Untrusted) as caught:
            follow(None, broken, now)
        assert caught.value.reason == reason


def test_a_chain_of_nothing_is_refused():
    with pytest.raises(Invalid, match="no charter"):
        follow(None, [], NOW)


SITES = ("argonne", "ornl", "riken", "nims", "harwell")
COUNTRY = {"argonne": "US", "ornl": "US", "riken": "JP", "nims": "JP", "harwell": "GB"}


class Life(RuleBasedStateMachine):
    """A charter that is amended by whoever signs, beside a model that knows members, k and countries alone."""

    @initialize()
    def found(self) -> None:
        self.current = charter(teams=())
        self.members, self.k = {"argonne", "riken", "nims"}, 2
        self.past: list[Envelope] = [signed(self.current, "argonne", "riken")]

    def satisfied(self, members: set[str], k: int, who: set[str]) -> bool:
        approvals = members & who
        countries = {COUNTRY[site] for site in members}
        return len(approvals) >= k and {COUNTRY[site] for site in approvals} == countries

    @rule(members=st.sets(st.sampled_from(SITES), min_size=1), k=st.integers(1, 5), who=st.sets(st.sampled_from(SITES)))
    def amend(self, members: set[str], k: int, who: set[str]) -> None:
        k = min(k, len(members))
        proposed = later(
            self.current, members=tuple(member(site) for site in sorted(members)), threshold=Threshold(members=k)
        )
        envelope = signed(proposed, *sorted(who))
        moment = proposed.issued + timedelta(hours=1)
        known = who <= members | self.members
        expected = known and self.satisfied(self.members, self.k, who) and self.satisfied(members, k, who)
        if expected or known:
            assert progress(self.current, proposed, envelope).complete == expected
        try:
            self.current = accept(self.current, envelope, moment)
        except Untrusted:
            assert not expected
            return
        assert expected
        self.members, self.k = members, k
        self.past.append(envelope)

    @rule(which=st.integers(0, 30))
    def replay(self, which: int) -> None:
        envelope = self.past[which % len(self.past)]
        moment = self.current.issued + timedelta(hours=1)
        if envelope is self.past[-1]:
            assert accept(self.current, envelope, moment) == self.current
            return
        with pytest.raises(Untrusted) as caught:
            accept(self.current, envelope, moment)
        assert caught.value.reason in ("charter_rolled_back", "unknown_key")

    def teardown(self) -> None:
        # A newcomer who is handed the whole chain reaches the same charter.
        if hasattr(self, "past"):
            assert follow(None, self.past, self.current.issued + timedelta(hours=1)) == self.current


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=20, stateful_step_count=8, deadline=None)
