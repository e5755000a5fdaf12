"""Agents that propose points: mixed with the planner's, guarded, on record, replayed, shown only what they may see."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from federation.asking import PI, person
from federation.toys import spec, three_sites
from yosegi.campaign import BadCampaign, Campaign, parse_spec
from yosegi.campaign.agent_points import ADVISED, THOUGHT, AdvisedPoint, ModelUse
from yosegi.core.errors import Conflict, Invalid, Refused, Unavailable
from yosegi.core.states import TrialState
from yosegi.governance.agreements.agreement import ModelTerms
from yosegi.services.agents.proposer import Advice, ProposerView, SearchAgent
from yosegi.services.runtime import Site
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle

Story = Callable[[Federation, Site], Awaitable[None]]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


@dataclass
class Scripted:
    """An agent that proposes what it was given, one point a time, and remembers what it was shown."""

    points: list[AdvisedPoint]
    endpoint: str = ""
    shown: list[ProposerView] = field(default_factory=list)
    fails: bool = False

    async def propose(self, view: ProposerView) -> Advice:
        self.shown.append(view)
        if self.fails:
            raise Unavailable("the model", "status 500")
        taken, self.points = self.points[: view.count], self.points[view.count :]
        digest = "sha256:" + "a" * 64
        use = ModelUse(
            name="scripted", version="1", prompt=digest, answer=digest, tokens_in=10, tokens_out=5, cost="0.25"
        )
        return Advice(taken, use, "what it was sent", "what it gave")


def at(x: float, **expects: float) -> AdvisedPoint:
    bounds: dict[str, Any] = expects or {"at_most": 0.01}
    return AdvisedPoint(values={"x": x}, hypothesis=f"the best x is near {x}", **bounds)


def campaign(trials: int = 3, **terms: Any) -> str:
    """The toy's file with an agent; its planner is the Sobol sequence, its parameter x from 0 to 1."""
    said = {"name": '"scripted"', "mix": '"first"', "wait": "20.0"} | terms
    table = ", ".join(f"{name} = {value}" for name, value in said.items() if value)
    return (
        spec(trials)
        .replace("seed", "seed")
        .replace('planner = "sobol"', f'planner = "sobol"\nproposer = "agent"\nagent = {{ {table} }}')
    )


def tell(folder: Path, agent: Any, story: Story, **how: Any) -> None:
    async def whole() -> None:
        federation = three_sites(folder, **how)
        federation.places["argonne"].agents = {"scripted": agent}
        await federation.start()
        await story(federation, federation.places["argonne"].running)

    run_simulated(whole())


async def over(home: Site, name: str = "toy") -> Campaign:
    for _ in range(400):
        if home.campaigns.get(name).state.final:
            break
        await asyncio.sleep(5)
    await asyncio.sleep(60)
    return home.campaigns.get(name)


def test_an_agents_points_are_measured_first_and_its_hypotheses_held_against_the_values(tmp_path: Path) -> None:
    """The toy's value is (x - 0.35)²: 0 at 0.35 and 0.0625 at 0.6."""
    agent = Scripted([at(0.35), at(0.6)])

    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign()), federation.member())
        await over(home)
        found = home.campaigns.hypotheses("toy", federation.member())
        assert [(one.values["x"], one.verdict) for one in found.hypotheses] == [(0.35, "held"), (0.6, "refuted")]
        assert [round(one.value or 0.0, 4) for one in found.hypotheses] == [0.0, 0.0625]
        assert (found.tokens, found.model_cost) == (15, {"usd": "0.25"})

    tell(tmp_path, agent, story)


def test_a_campaign_with_an_agent_is_replayed_from_what_was_recorded(tmp_path: Path) -> None:
    agent = Scripted([at(0.35), at(0.6), at(0.1)])

    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign(4)), federation.member())
        await over(home)
        asked = len(agent.shown)
        bundle = read_bundle(await home.campaigns.export("toy"))
        verify_bundle(bundle)
        assert {one.verdict for one in replay_bundle(bundle)} == {"identical"}
        assert len(agent.shown) == asked

    tell(tmp_path, agent, story)


@pytest.mark.parametrize("fails", [False, True], ids=["silent", "failing"])
def test_an_agent_that_says_nothing_stops_no_campaign(tmp_path: Path, fails: bool) -> None:
    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign()), federation.member())
        ended = await over(home)
        assert sum(trial.state is TrialState.COMPLETED for trial in ended.trials) >= 3
        assert not [trial for trial in ended.trials if trial.point]

    tell(tmp_path, Scripted([], fails=fails), story)


def test_alternating_every_other_trial_is_the_planners(tmp_path: Path) -> None:
    agent = Scripted([at(x / 100) for x in (35, 36, 37, 38, 39, 40)])

    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign(6, mix='"alternate"')), federation.member())
        ended = await over(home)
        first = [bool(trial.point) for trial in ended.trials][:4]
        assert first == [True, False, True, False]

    tell(tmp_path, agent, story)


@pytest.mark.parametrize("mix", ["first", "alternate", "guarded"])
def test_a_point_is_never_measured_twice(tmp_path: Path, mix: str) -> None:
    agent = Scripted([at(0.35), at(0.35), at(0.3500000001)])
    worst = "9.0" if mix == "guarded" else ""  # no value of the toy's is so bad

    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign(6, mix=f'"{mix}"', worst=worst)), federation.member())
        await over(home)
        found = home.campaigns.hypotheses("toy", federation.member()).hypotheses
        assert [(one.verdict, one.why) for one in found][1:] == [("declined", "measured")] * 2

    tell(tmp_path, agent, story)


def test_a_guarded_campaign_takes_no_point_that_is_expected_to_be_too_bad(tmp_path: Path) -> None:
    """Between 0.8 and 0.9, which gave 0.2 and 0.3, nobody expects less than 0.1 beside a best of 0.0025."""
    agent = Scripted([at(0.3), at(0.9), at(0.2), at(0.8), at(0.5), at(0.7), at(0.85)])

    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign(9, mix='"guarded"', worst="0.1")), federation.member())
        await over(home)
        found = home.campaigns.hypotheses("toy", federation.member()).hypotheses
        assert (found[-1].values["x"], found[-1].verdict, found[-1].why) == (0.85, "declined", "expected_loss")

    tell(tmp_path, agent, story)


@pytest.mark.parametrize(
    ("point", "why"),
    [
        (at(1.5), "must be from 0 to 1"),
        (AdvisedPoint(values={"y": 0.5}, hypothesis="another parameter", at_most=1.0), "names exactly x"),
        (AdvisedPoint(values={"x": 0.5}, hypothesis="no bound at all"), "nothing could refute it"),
        (AdvisedPoint(values={"x": 0.5}, hypothesis="another source", source="magic", at_most=1.0), "no source magic"),
    ],
    ids=["outside", "unknown", "irrefutable", "source"],
)
def test_a_point_that_can_be_none_of_the_campaign_is_refused_with_why(
    tmp_path: Path, point: AdvisedPoint, why: str
) -> None:
    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign()), federation.member())
        with pytest.raises(Invalid, match=why):
            await home.campaign_engine.advise("toy", [point], ModelUse(), agent="a", mandate="", by=PI)

    tell(tmp_path, Scripted([]), story)


@pytest.mark.parametrize(("points", "better"), [((0.35, 0.36), "agent"), ((0.98, 0.99), "planner")])
def test_agent_and_planner_are_compared_at_equal_cost(tmp_path: Path, points: tuple[float, ...], better: str) -> None:
    """The toy's value is (x - 0.35)², and an experiment costs 10: hardly any x gives a worse value than 0.98 does."""
    agent = Scripted([at(x) for x in points])

    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign(6, mix='"alternate"')), federation.member())
        ended = await over(home)
        found = home.campaigns.hypotheses("toy", federation.member())
        first = [t for t in ended.trials if t.source == "experiment" and t.value is not None]
        count = min(sum(bool(t.point) for t in first), sum(not t.point for t in first))
        assert count > 0
        assert (found.better, found.at_price) == (better, 10.0 * count)

    tell(tmp_path, agent, story)


def test_a_campaign_that_names_no_agent_takes_no_points(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(spec(2)), federation.member())
        with pytest.raises(Conflict, match="its planner alone"):
            await home.campaign_engine.advise("toy", [at(0.3)], ModelUse(), agent="a", mandate="", by=PI)

    tell(tmp_path, Scripted([]), story)


def test_a_person_proposes_no_points_and_an_unknown_agent_starts_no_campaign(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site) -> None:
        with pytest.raises(BadCampaign, match="nobody"):
            await home.campaigns.start(parse_spec(campaign(name='"nobody"')), federation.member())
        await home.campaigns.start(parse_spec(campaign()), federation.member())
        with pytest.raises(Refused, match="mandate_missing"):
            await home.campaigns.advise("toy", [at(0.3)], ModelUse(), person())

    tell(tmp_path, Scripted([]), story)


def test_what_a_model_was_sent_and_gave_can_be_erased_and_the_points_stand(tmp_path: Path) -> None:
    agent = Scripted([at(0.35)])

    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign()), federation.member())
        await over(home)
        entries = home.ledger.read("campaign/toy")
        [thought] = [entry for entry in entries if entry.type == THOUGHT]
        assert thought.body == {"prompt": "what it was sent", "answer": "what it gave"}
        assert thought.facts["prompt"].startswith("sha256:")
        await home.ledger.erase(thought.sequence, "asked", "operator@argonne")
        home.campaign_engine.forget("toy")
        assert [p.said.values for p in home.campaigns.get("toy").points] == [{"x": 0.35}]

    tell(tmp_path, agent, story)


# --- what a model's endpoint may see ---------------------------------------------------------------------------------


def test_an_endpoint_that_no_agreement_names_is_sent_nothing(tmp_path: Path) -> None:
    agent = Scripted([at(0.35)], endpoint="lab-llm")

    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign()), federation.member())
        await over(home)
        assert agent.shown == []
        notes = [entry.body["text"] for entry in home.ledger.read("campaign/toy") if entry.type == "campaign.note"]
        assert [note.partition(":")[0] for note in notes] == ["endpoint_not_covered"]
        assert not [entry for entry in home.ledger.read("campaign/toy") if entry.type == ADVISED]

    tell(tmp_path, agent, story)


@pytest.mark.parametrize(("highest", "asked"), [("team", True), ("public", False)])
def test_an_endpoint_sees_what_the_agreement_says_and_nothing_more_sensitive(
    tmp_path: Path, highest: Any, asked: bool
) -> None:
    """The toy's contracts are of sensitivity `team`, the default."""
    agent = Scripted([at(0.35)], endpoint="lab-llm")
    models = (ModelTerms(endpoint="lab-llm", highest_sensitivity=highest),)

    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign()), federation.member())
        await over(home)
        assert bool(agent.shown) is asked

    tell(tmp_path, agent, story, terms={"models": models})


# --- the one that comes with the program -----------------------------------------------------------------------------


def test_the_pattern_search_finds_the_toys_minimum_better_than_it_began(tmp_path: Path) -> None:
    """Hooke and Jeeves' search from any start on a parabola gets nearer: SIAM J. ACM 8 (1961) 212."""

    async def story(federation: Federation, home: Site) -> None:
        await home.campaigns.start(parse_spec(campaign(12)), federation.member())
        ended = await over(home)
        best = ended.best()
        found = home.campaigns.hypotheses("toy", federation.member())
        assert best is not None
        assert best.value is not None
        assert best.value < 1e-3
        assert {one.verdict for one in found.hypotheses} >= {"held", "refuted"}

    tell(tmp_path, SearchAgent(), story)
