"""`decide()` beside a small oracle written from the text of the design alone, on random policies and questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.world import COUNTRY, DAY, NOW, charter, determined, facts, member, question
from yosegi.governance.agreements.agreement import Agreement, ModelTerms
from yosegi.governance.charter.charter import Team
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy
from yosegi.governance.policy.question import Question

SITES = ("argonne", "riken", "nims")
PEOPLE = tuple(f"{role}@{site}" for site in SITES for role in ("pi", "student"))
CAPABILITIES = ("nims/colour.mix@1", "nims/colour.measure@1", "nims/press@2")
SELECTORS = ("nims/*", "nims/colour.*", "nims/press@2")
LABELS = ("public", "team", "restricted")
PURPOSES = ("research", "teaching")
CLASSES = ("none", "EAR99")


@dataclass(frozen=True)
class Forbid:
    """A forbid as plain facts: refuse the action when each named fact has the value."""

    action: str
    facts: dict[str, str] = field(default_factory=dict)

    def to_cedar(self, name: str) -> str:
        text = {
            "person": 'principal == Person::"{}"',
            "home": 'principal.home == Site::"{}"',
            "capability": 'resource.ref == "{}"',
            "purpose": 'context.purpose == "{}"',
            "label": 'context.sensitivity == "{}"',
            "agent": 'context has agent && context.agent == "{}"',
        }
        tests = " && ".join(f"({text[fact].format(value)})" for fact, value in self.facts.items()) or "true"
        return (
            f'@id("{name}") @reason("r") forbid (principal, action == Action::"{self.action}", resource)'
            f" when {{ {tests} }};"
        )

    def applies(self, asked: Question) -> bool:
        have = {
            "person": asked.person,
            "home": asked.person.split("@")[1],
            "capability": asked.capability.ref,
            "purpose": asked.purpose,
            "label": asked.sensitivity,
            "agent": asked.agent,
        }
        return asked.action == self.action and all(have[fact] == value for fact, value in self.facts.items())


def permits(given: Agreement, asked: Question, hosts: dict[str, str]) -> bool:
    """The design's sentence: what a team may use, for which purpose, under which terms, until when."""
    teams = [given.team] if given.team else list(given.teams or ())
    if asked.team not in teams or asked.person.split("@")[1] not in given.parties:
        return False
    if asked.action == "approve":
        named = asked.person in given.approvers
    else:
        named = asked.action in ("request", "accept", "dispatch", "release")
    covered = False
    for selector in given.capabilities:
        stem = selector.split("*")[0]
        covered = covered or (
            asked.capability.ref.startswith(stem) if "*" in selector else asked.capability.ref == stem
        )
    return (
        named
        and covered
        and given.valid_from <= asked.now < given.valid_until
        and asked.purpose in given.purposes
        and LABELS.index(asked.sensitivity) <= LABELS.index(given.highest_sensitivity)
        and asked.capability.export_class in given.export_classes
        and asked.conduct in given.conduct
        and (given.agents or asked.agent is None)
        and (not given.residency or all(COUNTRY[site] in given.residency for site in _results_at(asked, hosts)))
        and (asked.model is None or any(_sees(terms, asked) for terms in given.models))
    )


def _results_at(asked: Question, hosts: dict[str, str]) -> tuple[str, ...]:
    institution = asked.person.split("@")[1]
    return (institution, hosts.get(institution, institution))


def _sees(terms: ModelTerms, asked: Question) -> bool:
    named = terms.endpoint == asked.model
    return named and LABELS.index(asked.sensitivity) <= LABELS.index(terms.highest_sensitivity)


def expected(teams, agreements: list[Agreement], forbids: list[Forbid], asked: Question, hosts: dict[str, str]) -> bool:
    known = asked.person in teams.get(asked.team, set()) and asked.home == asked.person.split("@")[1]
    # Who has a site of its own vouches for its people; of the others only the host that the charter names does.
    known = known and asked.host == hosts.get(asked.home)
    if not known or LABELS.index(asked.sensitivity) < LABELS.index(asked.capability.sensitivity):
        return False
    if asked.conduct not in asked.capability.conduct or any(rule.applies(asked) for rule in forbids):
        return False
    if asked.action == "stop":
        return True
    if asked.action == "approve" and asked.agent is not None:
        return False
    if asked.action == "dispatch":
        waits = (asked.capability.approval or asked.conduct == "approve") and not asked.approved
        if waits or asked.conduct == "suggest":
            return False
    return any(permits(given, asked, hosts) for given in agreements)


def some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=len(values), unique=True).map(tuple)


WHOM = (
    {"teams": ("colour",)},
    {"teams": ("fusion",)},
    {"teams": ("colour", "fusion")},
    {"teams": ("fusion", "nobody")},
    {"team": "colour"},
)
"""One team, several, one that is not in the charter, and the form that older agreements have."""
CONDUCTS = ("suggest", "approve", "run")
ACTIONS = ("request", "accept", "dispatch", "release", "approve", "read", "stop")
TEAMS = st.fixed_dictionaries({team: st.sets(st.sampled_from(PEOPLE)) for team in ("colour", "fusion")})
FORBIDS = st.builds(
    Forbid,
    st.sampled_from(ACTIONS),
    st.fixed_dictionaries(
        {},
        optional={
            "person": st.sampled_from(PEOPLE),
            "home": st.sampled_from(SITES),
            "capability": st.sampled_from(CAPABILITIES),
            "purpose": st.sampled_from(PURPOSES),
            "label": st.sampled_from(LABELS),
            "agent": st.sampled_from(("planner", "helper")),
        },
    ),
)


@st.composite
def agreements_(draw: st.DrawFn) -> list[Agreement]:
    return [
        Agreement(
            charter="demo",
            name=f"agreement-{number}",
            title="T",
            **draw(st.sampled_from(WHOM)),
            parties=("nims", *draw(some(("argonne", "riken")))),
            capabilities=draw(some(SELECTORS)),
            purposes=draw(some(PURPOSES)),
            highest_sensitivity=draw(st.sampled_from(LABELS)),
            export_classes=draw(some(CLASSES)),
            determinations=determined(*CLASSES),
            residency=draw(st.sampled_from(((), ("JP",), ("JP", "US")))),
            models=draw(st.sampled_from(((), (ModelTerms(endpoint="local", highest_sensitivity="team"),)))),
            conduct=draw(some(CONDUCTS)),
            agents=draw(st.booleans()),
            approvers=draw(st.sampled_from(((), ("pi@argonne",), ("pi@nims", "pi@riken")))),
            valid_from=NOW - draw(st.integers(-1, 2)) * DAY,
            valid_until=NOW + 5 * DAY,
        )
        for number in range(draw(st.integers(0, 4)))
    ]


@st.composite
def questions(draw: st.DrawFn) -> Question:
    person = draw(st.sampled_from(PEOPLE))
    capability = facts(
        ref=draw(st.sampled_from(CAPABILITIES)),
        sensitivity=draw(st.sampled_from(LABELS)),
        export_class=draw(st.sampled_from(CLASSES)),
        approval=draw(st.booleans()),
        conduct=draw(some(CONDUCTS)),
    )
    return question(
        action=draw(st.sampled_from(ACTIONS)),
        person=person,
        agent=draw(st.sampled_from((None, None, "planner", "helper"))),
        home=draw(st.sampled_from((person.split("@")[1], person.split("@")[1], "nims"))),
        host=draw(st.sampled_from((None, None, "argonne", "nims"))),
        team=draw(st.sampled_from(("colour", "fusion", "nobody"))),
        capability=capability,
        conduct=draw(st.sampled_from(CONDUCTS)),
        sensitivity=draw(st.sampled_from(LABELS)),
        purpose=draw(st.sampled_from((*PURPOSES, "war"))),
        approved=draw(st.booleans()),
        model=draw(st.sampled_from((None, None, None, "local", "cloud"))),
    )


HOSTS = st.sampled_from(({}, {"riken": "argonne"}, {"riken": "nims"}, {"argonne": "nims"}))


def build(teams, agreements: list[Agreement], forbids: list[Forbid], hosts: dict[str, str] | None = None) -> Policy:
    members = tuple(member(site, hosted_by=(hosts or {}).get(site)) for site in SITES)
    named = tuple(
        Team(id=name, title=name, lead="nims", sites=SITES, people=tuple(sorted(people)))
        for name, people in teams.items()
    )
    rules = {f"{n}.cedar": rule.to_cedar(f"rule-{n}") for n, rule in enumerate(forbids)}
    return Policy.build("nims", Directory.of(charter(teams=named, members=members)), agreements, rules)


@settings(max_examples=40, deadline=None)
@given(TEAMS, agreements_(), st.lists(FORBIDS, max_size=3), HOSTS, st.lists(questions(), min_size=1, max_size=6))
def test_the_door_and_the_oracle_agree(teams, agreements, forbids, hosts, asked):
    policy = build(teams, agreements, forbids, hosts)
    for one in asked:
        assert policy.decide(one).allow == expected(teams, agreements, forbids, one, hosts)


@settings(max_examples=15, deadline=None)
@given(
    TEAMS,
    agreements_(),
    st.lists(FORBIDS, max_size=2),
    st.lists(st.tuples(questions(), st.sampled_from((0.0, 0.4, 1.0, 5 * 86400.0))), min_size=1, max_size=3),
)
def test_what_was_answered_a_moment_ago_is_answered_as_if_it_were_asked_for_the_first_time(
    teams, agreements, forbids, asked
):
    policy = build(teams, agreements, forbids)
    for one, later in [*asked, *asked, *((one, 0.0) for one, _ in asked)]:
        again = one.model_copy(update={"now": one.now + timedelta(seconds=later)})
        assert policy.decide(again) == build(teams, agreements, forbids).decide(again)


@settings(max_examples=15, deadline=None)
@given(TEAMS, agreements_(), st.lists(FORBIDS, max_size=2), st.lists(questions(), min_size=1, max_size=6), st.data())
def test_dropping_an_agreement_never_turns_a_refusal_into_a_permission(teams, agreements, forbids, asked, data):
    fewer = list(agreements)
    if fewer:
        del fewer[data.draw(st.integers(0, len(fewer) - 1))]
    before, after = build(teams, agreements, forbids), build(teams, fewer, forbids)
    for one in asked:
        assert before.decide(one).allow or not after.decide(one).allow


@settings(max_examples=15, deadline=None)
@given(TEAMS, agreements_(), st.lists(FORBIDS, max_size=2), FORBIDS, st.lists(questions(), min_size=1, max_size=6))
def test_adding_a_forbid_never_widens(teams, agreements, forbids, more, asked):
    before, after = build(teams, agreements, forbids), build(teams, agreements, [*forbids, more])
    for one in asked:
        assert before.decide(one).allow or not after.decide(one).allow


@settings(max_examples=10, deadline=None)
@given(TEAMS, agreements_(), st.lists(FORBIDS, max_size=2), questions())
def test_every_refusal_gives_a_reason_in_both_languages(teams, agreements, forbids, asked):
    decision = build(teams, agreements, forbids).decide(asked)
    assert decision.reasons
    for language in ("en", "ja"):
        assert decision.explain(language)
        assert "…" not in decision.explain(language)
