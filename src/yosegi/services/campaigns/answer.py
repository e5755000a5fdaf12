"""A campaign's answer: the best with its uncertainty, what the model learned, and what was gained."""

from __future__ import annotations

import math

from yosegi.campaign import Campaign
from yosegi.campaign.mixing import step_seed
from yosegi.campaign.problem import history_of, problem_of
from yosegi.campaign.tally import badness
from yosegi.core.states import TrialState
from yosegi.planner.learned import LearnedOutcome, ParameterSlice, RandomSearch, learned, random_search
from yosegi.services.campaigns.methods import bibtex_of, methods_of
from yosegi.services.campaigns.schemas import (
    AccelerationDetail,
    CampaignAnswer,
    LearnedDetail,
    ParityRow,
    SliceDetail,
)
from yosegi.services.campaigns.summary import best_of, objective_of


def answer_of(campaign: Campaign, entry: str) -> CampaignAnswer:
    """The answer as it stands; it takes as long as the planner takes for one proposal.

    Args:
        campaign: at some position.
        entry: hash of the entry at that position.
    """
    problem, history = problem_of(campaign.spec), history_of(campaign)
    seed, best = step_seed(campaign.spec, campaign.position), campaign.best()
    found = learned(problem, history, None if best is None else dict(best.values), seed)
    chance = None if best is None or best.value is None else random_search(problem, history, best.value, seed)
    return CampaignAnswer(
        name=campaign.spec.name,
        position=campaign.position,
        entry=entry,
        objectives=tuple(objective_of(one) for one in campaign.spec.objective),
        best=None if best is None else best_of(best),
        front=tuple(best_of(trial) for trial in campaign.front()),
        learned=tuple(_learned(campaign, one) for one in found),
        acceleration=None if best is None else _acceleration(campaign, chance),
        methods=methods_of(campaign),
        bibtex=bibtex_of(campaign, entry),
    )


def _learned(campaign: Campaign, one: LearnedOutcome) -> LearnedDetail:
    return LearnedDetail(
        name=one.name,
        unit=campaign.spec.outcome_units[one.name],
        r_squared=one.r_squared,
        noise=one.noise,
        covered=one.covered,
        best=None if one.best is None else one.best[0],
        best_sd=None if one.best is None else one.best[1],
        parity=tuple(ParityRow(measured=p.measured, predicted=p.predicted, sd=p.sd) for p in one.parity),
        slices=tuple(_slice(campaign, s) for s in one.slices),
    )


def _slice(campaign: Campaign, one: ParameterSlice) -> SliceDetail:
    varied = next(p for p in campaign.spec.parameter if p.name == one.parameter)
    return SliceDetail(
        parameter=one.parameter,
        unit=varied.unit,
        discrete=varied.kind in ("ordinal", "categorical"),
        at=one.at,
        mean=one.mean,
        sd=one.sd,
        importance=one.importance,
    )


def _acceleration(campaign: Campaign, chance: RandomSearch | None) -> AccelerationDetail:
    trials = trials_to_best(campaign)
    before = campaign.spec.baseline.trials
    finite = chance is not None and math.isfinite(chance.expected)
    expected, low, high = (chance.expected, chance.low, chance.high) if chance is not None and finite else (None,) * 3
    return AccelerationDetail(
        trials=trials,
        baseline_trials=before,
        over_baseline=None if before is None else before / trials,
        random_trials=expected,
        random_low=low,
        random_high=high,
        over_random=None if expected is None else expected / trials,
        over_random_low=None if low is None else low / trials,
        over_random_high=None if high is None else high / trials,
    )


def trials_to_best(campaign: Campaign) -> int:
    """Completed trials of the first source that the campaign made itself, in the order they ended, to their best.

    What was brought counts neither as a trial nor as what was gained.
    """
    first, goal = campaign.spec.source[0].name, campaign.spec.main
    own = [
        trial
        for trial in map(campaign.trial, campaign.ended_order)
        if trial.source == first and trial.state is TrialState.COMPLETED and trial.origin != "imported"
    ]
    kept = [trial for trial in own if campaign.spec.keeps_limits(trial.outcomes)] or own
    best = min(kept, key=lambda trial: badness(goal, trial), default=None)
    return 1 if best is None else own.index(best) + 1
